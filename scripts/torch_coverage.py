"""Which operations the engine has, by its source, and which of them the cases leave out."""

import re

# A module of tests ends a file.
TESTS = re.compile(r"#\[cfg\(test\)\]\s*(pub(\(\w+\))? )?mod \w+ \{")
OPERATION = re.compile(r"impl(?:<[^>]*>)? Op for ([\w:]+)(?:<[^>]*>)? \{")
NAME = re.compile(r"\s*fn name\(&self\) -> &'static str \{\s*(.+?)\s*\}")
METHODS = re.compile(r"impl<'g> Var<'g> \{\n(.*?)\n\}", re.DOTALL)
METHOD = re.compile(r"^    pub fn (\w+)\(\s*self\b", re.MULTILINE)
# What the cpu device makes of operands; no graph has them.
PACKED = {"conv2d_filters"}
# What every case has for the weighting and bending of its outputs: these count where outputs need them.
LOSSES = {"add", "broadcast_to", "mul", "mul_scalar", "reshape", "square", "stop_gradient", "sum"}


def sources(folder):
    for path in sorted(folder.rglob("*.rs")):
        if path.name != "tests.rs":
            yield path, TESTS.split(path.read_text())[0]


def table(path, row, least):
    """What the rows of a table of elementwise functions give, of which there are so many at least."""
    found = re.findall(row, TESTS.split(path.read_text())[0], re.MULTILINE)
    if len(found) < least:
        raise SystemExit(f"{path}: {len(found)} rows in the table of functions, wanted {least}")
    return set(found)


def elementwise_names(folder):
    """The names of elementwise functions; copies are the plan's own."""
    path = folder.parents[1] / "kernels" / "src" / "elementwise" / "function.rs"
    return table(path, r'^        \w+(?:\(\w+\))? "(\w+)"', 20) - {"copy"}


def operations(folder):
    """The name of every operation of the crate, which each implementation of `Op` gives."""
    names = set()
    for path, text in sources(folder):
        for found in OPERATION.finditer(text):
            name = NAME.match(text, found.end())
            literal = name and re.fullmatch(r'"(\w+)"', name[1])
            if literal:
                names.add(literal[1])
            elif found[1] == "Elementwise" and name and name[1] == "self.0.name()":
                names |= elementwise_names(folder)
            else:
                raise SystemExit(f"{path}: no name found for the operation {found[1]}")
    return names


def methods(folder):
    """What `Var` offers: some of it is made of several operations."""
    names = table(folder / "ops" / "elementwise.rs", r"^        (\w+)(?:\(.*\))? => \w+", 20)
    for _, text in sources(folder):
        for block in METHODS.findall(text):
            names |= set(METHOD.findall(block))
    return names


def covered(case):
    return set(case["forward"]) | set(case["operations"]) - LOSSES


def missing(source, examples, cases):
    """Lines on what the graphs of the cases of each float type, or the text of the cases, leave out."""
    lines = []
    for dtype in ("f32", "f64"):
        names = [covered(case) for case in cases if case["dtype"] == dtype]
        left = (operations(source) - PACKED).difference(*names)
        lines += [f"{dtype}: no case has the operation {name}" for name in sorted(left)]
    text = "".join(path.read_text() for path in examples.glob("*.rs") if path.stem != "record")
    uncalled = [name for name in sorted(methods(source)) if f".{name}(" not in text]
    return lines + [f"no case calls Var::{name}" for name in uncalled]
