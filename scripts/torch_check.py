"""Compares the engine with PyTorch: `torch_check.py PROGRAM CRATE [--seed N]`.

PROGRAM writes inputs, values, gradients and gradients of gradients of every operation in f32 and f64;
PyTorch computes the same in float64 from the same inputs, for both, so that the error is the engine's
own. The column `torch` is the error of PyTorch in float32. An error is |ours - theirs| / |theirs| in
the Euclidean norm over all elements, and |ours| where theirs is zero. Indices must be the same.

It fails as well where an operation of the crate's source is in no graph of the cases, or a method of
`Var` is called by none.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch

from torch_coverage import missing
from torch_references import REFERENCES

BOUNDS = {"f32": 1e-5, "f64": 1e-12}
WINOGRAD = 1e-4  # In f32.
TYPES = {"f32": "<f4", "f64": "<f8", "u32": "<u4"}


def read(data, array):
    count = int(np.prod(array["shape"], dtype=np.int64))
    found = np.frombuffer(data, TYPES[array["dtype"]], count, array["offset"])
    return found.reshape(array["shape"])


def tensor(array, dtype):
    if array.dtype.kind == "u":
        return torch.tensor(array.astype(np.int64))
    return torch.tensor(array.astype(np.float64)).to(dtype)


def gradients(scalar, wrt):
    """Zeros for what the scalar does not depend on; they can be differentiated again."""
    if not wrt or not scalar.requires_grad:
        return [torch.zeros_like(x) for x in wrt]
    found = torch.autograd.grad(scalar, wrt, create_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(wrt, found)]


def recompute(case, inputs, ours, dtype):
    """PyTorch's outputs, gradients and products with the Hessian, in a list."""
    x = {name: tensor(array, dtype) for name, array in inputs.items()}
    wrt = [x[name].requires_grad_() for name in case["wrt"]]
    given = {name: value for name, value in x.items() if " " not in name}
    outputs = REFERENCES[case["reference"]](given, case["parameters"], ours)
    if len(outputs) != len(case["outputs"]):
        raise ValueError(f"{len(case['outputs'])} outputs, {len(outputs)} of PyTorch")
    floats = [output for output in outputs if output.is_floating_point()]
    weights = [x[f"weight {i}"] for i in range(len(floats))]
    total = sum((w * y).sum() for w, y in zip(weights, floats))
    first = gradients(total, wrt)
    bent = sum((w * (y + y * y / 2)).sum() for w, y in zip(weights, floats))
    slope = sum(
        (g * x[f"direction of {name}"]).sum()
        for g, name in zip(gradients(bent, wrt), case["wrt"])
    )
    second = gradients(slope, wrt) if wrt else []
    return [result.detach() for result in [*outputs, *first, *second]]


def norm(x):
    return float(torch.linalg.vector_norm(x.double()))


def error(ours, theirs):
    if ours.shape != theirs.shape:
        raise ValueError(f"shape {list(ours.shape)}, {list(theirs.shape)} of PyTorch")
    size = norm(theirs)
    return norm(ours) if size == 0 else norm(ours - theirs) / size


def compare(case, data):
    """Rows (error, bound, PyTorch's own error, float type, function, what, detail)."""
    dtype = case["dtype"]
    inputs = {array["name"]: read(data, array) for array in case["inputs"]}
    results = [array for kind in ("outputs", "gradients", "second") for array in case[kind]]
    ours = [tensor(read(data, array), torch.float64) for array in results]
    theirs = recompute(case, inputs, ours, torch.float64)
    single = recompute(case, inputs, ours, torch.float32) if dtype == "f32" else theirs
    tiled = dtype == "f32" and (case["parameters"] or {}).get("tiles")
    bound = WINOGRAD if tiled else BOUNDS[dtype]
    labels = [array["name"] for array in case["outputs"]]
    labels += [f"gradient of {name}" for name in case["wrt"]]
    labels += [f"second order, {name}" for name in case["wrt"]]
    everything = zip(results, labels, ours, theirs, single, strict=True)
    for array, label, our, their, rounded in everything:
        own = error(rounded.double(), their) if dtype == "f32" else float("nan")
        held = 0.0 if array["dtype"] == "u32" else bound
        yield error(our, their), held, own, dtype, case["reference"], label, case["detail"]


def line(row):
    off, bound, own, dtype, reference, label, detail = row
    own = "" if own != own else f"{own:.1e}"
    broken = "" if off <= bound else "  FAILED"
    return f"{off:.1e}  {bound:.0e}  {own:8} {dtype}  {reference:20} {label:32} {detail}{broken}"


def measure(program, seed):
    """The cases, their rows from the smallest error to the largest, and what could not be compared."""
    rows, problems = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([program, folder, "--seed", str(seed)], check=True)
        data = np.memmap(folder / "arrays.bin", np.uint8, "r")
        lines = (folder / "cases.jsonl").read_text().splitlines()
        cases = [json.loads(text) for text in lines]
        for case in cases:
            try:
                rows += compare(case, data)
            except (KeyError, RuntimeError, ValueError) as problem:
                what = f"{case['dtype']} {case['reference']}, {case['detail']}"
                problems.append(f"{what}: {problem!r}")
    # What is no number is worse than any.
    rows.sort(key=lambda row: row[0] if row[0] == row[0] else float("inf"))
    return cases, rows, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("crate", type=pathlib.Path, help="the folder of the engine's crate")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    # Of the switch that keeps recurrent layers off oneDNN.
    warnings.filterwarnings("ignore", "TF32")
    cases, rows, problems = measure(arguments.program, arguments.seed)
    print("error    bound  torch    type function             of what                          case")
    print(*map(line, rows), "", sep="\n")
    for dtype in BOUNDS:
        for bound in sorted({row[1] for row in rows if row[3] == dtype}):
            held = [row for row in rows if row[3] == dtype and row[1] == bound]
            to = f"{bound:.0e}" if bound else "equality"
            print(f"{dtype}, held to {to}: {len(held)} comparisons, the worst")
            print("  " + line(held[-1]))
    crate = arguments.crate
    problems += [line(row) for row in rows if not row[0] <= row[1]]
    problems += missing(crate / "src", crate / "examples" / "agreement", cases)
    print(*problems, sep="\n", end="\n" if problems else "")
    kinds = len({row[4] for row in rows})
    print(f"{kinds} functions, PyTorch {torch.__version__}: {'FAILED' if problems else 'agree'}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
