"""Losses and memory of experiments/style with layers that are computed again in the backward pass.

`style_memory_check.py PROGRAM`: PROGRAM is the example `evaluation`. Three evaluations at 1024 pixels with and
without: the second and third look at pictures that the gradients led to. One evaluation at 2048 pixels. The
exit code is 1 if losses differ by more than 1e-5 or 2048 pixels take 4 GiB.
"""

import json
import subprocess
import sys


def evaluate(size, evaluations, recompute):
    command = [sys.argv[1], str(size), str(evaluations), str(recompute).lower()]
    line = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{size} pixels, recompute {recompute}: {line['peak_mib']:.0f} MiB, {line['seconds']:.0f} s, losses {line['losses']}")
    return line


def main():
    again, plain = (evaluate(1024, 3, recompute) for recompute in (True, False))
    off = max(abs(a / b - 1) for a, b in zip(again["losses"], plain["losses"], strict=True))
    print(f"the losses differ by {off:.1e}, at most 1e-05")
    peak = evaluate(2048, 1, True)["peak_mib"]
    print(f"{peak:.0f} MiB, less than 4096")
    sys.exit(not (off <= 1e-5 and peak < 4096))


if __name__ == "__main__":
    main()
