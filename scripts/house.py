"""Prints the circles between the modules of crates, and figures of their code: `house.py CRATE...`.

A module is a file; tests are left out. One module reaches another if its code names something that is
defined there, by `crate::`, `super::`, `self::` or the name of a module below it; what a module only
passes on by `pub use` counts for the module that defines it. Methods are not followed to where they
are written. A line of code is one that holds more than space and comments.

The exit code is 1 if there is a circle, or if `--most ROOM=LINES` does not hold.
"""

import argparse
import pathlib
import re
import sys

COMMENT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?P<keep>b?r(?P<hash>#*)".*?"(?P=hash)|b?"(?:\\.|[^"\\])*"|b?'(?:\\[^']+|[^'\\])')""",
    re.DOTALL,
)
TEST = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*")
PATH = re.compile(r"\b(?:crate|super|self)(?:::\w+)+|(?<![\w:.])[a-z_]\w*::\w+(?:::\w+)*")


def uncommented(text):
    """The text without comments; what looks like one inside a string stays."""
    return COMMENT.sub(lambda found: found["keep"] or " ", text)


def blanked(text):
    """As above without what strings hold, so that brackets can be counted."""
    hollow = lambda found: '""' if found["keep"] else " "
    return COMMENT.sub(hollow, text)


def item_end(text, start):
    """Where the item that begins at `start` ends: after its semicolon or its closing bracket."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
            if depth == 0 and text[at] == "}":
                return at + 1
        elif text[at] == ";" and depth == 0:
            return at + 1
    return len(text)


def untested(text):
    """The text without items that only tests have."""
    while found := TEST.search(text):
        text = text[: found.start()] + text[item_end(text, found.end()) :]
    return text


def tree(text):
    """The paths of a `use` tree, each with the name it is known by."""
    text = text.strip()
    if (at := text.find("{")) >= 0:
        prefix, depth, piece, pieces = text[:at], 0, "", []
        for sign in text[at + 1 : text.rindex("}")]:
            depth += (sign == "{") - (sign == "}")
            if sign == "," and depth == 0:
                pieces.append(piece)
                piece = ""
            else:
                piece += sign
        for piece in filter(str.strip, [*pieces, piece]):
            for path, name in tree(piece):
                joined = prefix + path
                if path == "self":
                    joined = prefix.rstrip(":")
                    name = joined.split("::")[-1] if name == "self" else name
                yield joined, name
        return
    path, _, name = text.partition(" as ")
    yield path.strip(), name.strip() or path.strip().split("::")[-1]


class Module:
    def __init__(self, path, file):
        self.path, self.file = path, file
        raw = file.read_text()
        self.opens = raw.lstrip().startswith("//!")
        text = untested(blanked(raw))
        # Only tests have the files they declare.
        self.hidden = re.findall(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\(\w+\))? )?mod (\w+);", blanked(raw))
        self.lines = sum(1 for line in text.splitlines() if line.strip())
        self.unsafe = bool(re.search(r"\bunsafe\b(?!_)", text))
        self.children = re.findall(r"\bmod (\w+);", text)
        self.uses, self.passed = [], {}
        rest = text
        for found in re.finditer(r"(pub(?:\([\w:]+\))?\s+)?use\s+([^;]+);", text):
            for path, name in tree(found[2]):
                if found[1]:
                    self.passed[name] = path
                else:
                    self.uses.append((path, name))
            rest = rest.replace(found[0], "", 1)
        self.names = set(PATH.findall(rest))


class Crate:
    def __init__(self, folder):
        self.folder = folder
        self.modules = {}
        self.load("crate", folder / "src" / "lib.rs")

    def load(self, path, file):
        module = self.modules[path] = Module(path, file)
        below = file.parent if file.name in ("lib.rs", "mod.rs") else file.with_suffix("")
        for child in module.children:
            if child in module.hidden:
                continue
            for found in (below / f"{child}.rs", below / child / "mod.rs"):
                if found.exists():
                    self.load(f"{path}::{child}", found)

    def absolute(self, module, path):
        """A path from the root of the crate, or nothing for one that leads elsewhere."""
        parts = path.split("::")
        if parts[0] == "crate":
            return parts
        here = module.path.split("::")
        if parts[0] == "self":
            return here + parts[1:]
        if parts[0] == "super":
            while parts and parts[0] == "super":
                here, parts = here[:-1], parts[1:]
            return here + parts
        if parts[0] in module.children:
            return here + parts
        for use, name in module.uses:
            if name == parts[0] and use != path:
                base = self.absolute(module, use)
                return base + parts[1:] if base else None
        return None

    def defining(self, parts, seen=()):
        """The module in which what a path names is defined."""
        at = len(parts)
        while "::".join(parts[:at]) not in self.modules:
            at -= 1
            if at == 0:
                return None
        module = self.modules["::".join(parts[:at])]
        rest = parts[at:]
        if rest and rest[0] in module.passed and (module.path, rest[0]) not in seen:
            onward = self.absolute(module, module.passed[rest[0]])
            if onward:
                return self.defining(onward + rest[1:], (*seen, (module.path, rest[0])))
            return None
        return module.path

    def edges(self, module):
        found = set()
        for path in [*(use for use, _ in module.uses), *module.names]:
            parts = self.absolute(module, path)
            target = self.defining(parts) if parts else None
            if target and target != module.path:
                found.add(target)
        return found

    def circles(self):
        """Sets of modules that all reach each other, by Tarjan's method."""
        edges = {path: sorted(self.edges(module)) for path, module in self.modules.items()}
        index, low, stack, found = {}, {}, [], []

        def visit(path):
            index[path] = low[path] = len(index)
            stack.append(path)
            for target in edges[path]:
                if target not in index:
                    visit(target)
                    low[path] = min(low[path], low[target])
                elif target in stack:
                    low[path] = min(low[path], index[target])
            if low[path] == index[path]:
                circle = []
                while not circle or circle[-1] != path:
                    circle.append(stack.pop())
                if len(circle) > 1:
                    found.append(sorted(circle))

        sys.setrecursionlimit(10_000)
        for path in edges:
            if path not in index:
                visit(path)
        return found, edges


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crates", nargs="+", type=pathlib.Path, help="folders of crates")
    parser.add_argument("--most", action="append", default=[], metavar="ROOM=LINES")
    parser.add_argument("--edges", action="store_true", help="print what reaches what")
    arguments = parser.parse_args()
    rooms, problems = {}, []
    for folder in arguments.crates:
        crate = Crate(folder)
        circles, edges = crate.circles()
        modules = crate.modules.values()
        lines = sum(module.lines for module in modules)
        unsafe = [module.path for module in modules if module.unsafe]
        name = folder.name
        rooms[name] = lines
        print(f"{name}: {len(modules)} modules, {lines} lines of code, unsafe in {len(unsafe)}: {' '.join(unsafe)}")
        for module in modules:
            if not module.opens:
                print(f"  {module.file}: does not open with what it is")
            if module.lines > 400:
                print(f"  {module.file}: {module.lines} lines of code")
            room = module.path.split("::")[1:2]
            for room in room:
                key = f"{name}/{room}"
                rooms[key] = rooms.get(key, 0) + module.lines
        if arguments.edges:
            for path, targets in sorted(edges.items()):
                print(f"  {path} -> {' '.join(targets)}")
        for circle in circles:
            problems.append(f"{name}: a circle of {len(circle)}: {' '.join(circle)}")
    for room, lines in rooms.items():
        print(f"{lines:6} {room}")
    rooms["all"] = sum(lines for room, lines in rooms.items() if "/" not in room)
    print(f"{rooms['all']:6} all")
    for bound in arguments.most:
        room, _, most = bound.partition("=")
        if rooms.get(room, 0) > int(most):
            problems.append(f"{room}: {rooms.get(room, 0)} lines of code, at most {most}")
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
