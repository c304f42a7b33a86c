"""Losses of experiments/style at every layer of VGG-16 against an independent computation in PyTorch, in f64.

`style_losses_check.py PROGRAM`: PROGRAM is the example `losses`. Two pictures are made and written as PNG; the
program prints the file of weights and its losses. The network here is written by hand: torchvision's
convention of inputs, rectified convolutions, average pooling between blocks. Filters are brought to a mean
activation of 1 by dividing features, not weights; the pictures have the size at which that is done. The exit
code is 1 if a loss is off by more than 1e-4.
"""

import json
import pathlib
import pickle
import subprocess
import sys
import tempfile

import numpy
import torch
from PIL import Image

BLOCKS = [2, 2, 3, 3, 3]
MOST = 1e-4
# A filter that hardly answers is taken for a hundredth of its layer's mean.
LEAST = 1e-2


def picture(seed, size):
    """Colours that vary at several scales."""
    rng = numpy.random.default_rng(seed)
    height, width = size
    total = numpy.zeros((height, width, 3))
    for side, weight in [(3, 0.5), (9, 0.3), (40, 0.2)]:
        noise = Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=numpy.uint8))
        total += weight * numpy.asarray(noise.resize((width, height), Image.Resampling.BILINEAR))
    return Image.fromarray(total.round().astype(numpy.uint8))


def layers(file):
    """Kernels [out, in, 3, 3] and biases, in the order of the network."""
    with open(file, "rb") as opened:
        found = pickle.load(opened)
    arrays = []

    def walk(node):
        if isinstance(node, dict):
            for name in sorted(node, key=lambda name: (len(name), name)):
                walk(node[name])
        elif getattr(node, "ndim", 0) in (1, 4):
            arrays.append(numpy.asarray(node, dtype=numpy.float64))

    walk(found)
    kernels = [torch.tensor(a).permute(3, 2, 0, 1) for a in arrays if a.ndim == 4]
    biases = [torch.tensor(a) for a in arrays if a.ndim == 1]
    return [pair for pair in zip(kernels, biases) if pair[0].shape[2:] == (3, 3)]


def features(weights, image):
    """What each convolution's rectifier gives, by its name."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = torch.tensor(numpy.asarray(image), dtype=torch.float64) / 255
    x = ((x - mean.double()) / deviation.double()).permute(2, 0, 1)[None]
    found, remaining = {}, iter(weights)
    for block, count in enumerate(BLOCKS, 1):
        if block > 1:
            x = torch.nn.functional.avg_pool2d(x, 2)
        for number in range(1, count + 1):
            kernel, bias = next(remaining)
            x = torch.relu(torch.nn.functional.conv2d(x, kernel, bias, padding=1))
            found[f"conv{block}_{number}"] = x[0].flatten(1)
    return found


def losses(p, f, constants):
    """Of features `f` [N, M] against those of another picture, `p`."""
    n, m = f.shape
    square = ((f - p) ** 2).sum()
    gram = ((f @ f.T - p @ p.T) ** 2).sum()
    if constants == "gatys":
        return square / 2, gram / (4 * n**2 * m**2)
    return square / (n * m), gram / (n * m) ** 2 / n**2


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        files = [str(pathlib.Path(folder) / name) for name in ("a.png", "b.png")]
        images = [picture(seed, (32, 256)) for seed in (1, 2)]
        for image, file in zip(images, files):
            image.save(file)
        said = subprocess.run([program, *files], check=True, capture_output=True, text=True).stdout
    first, *lines = [json.loads(line) for line in said.splitlines()]
    weights = layers(first["weights"])
    assert len(weights) == sum(BLOCKS), f"wanted {sum(BLOCKS)} layers, found {len(weights)}"
    a, b = (features(weights, image) for image in images)
    worst = 0.0
    print(f"{'layer':8} {'normalise':9} {'constants':12} {'content':>12} {'off':>8} {'style':>12} {'off':>8}")
    for line in lines:
        layer = line["layer"]
        p, f = a[layer], b[layer]
        if line["normalise"] == "own":
            means = torch.cat([p, f], 1).mean(1)
            scales = torch.maximum(means, LEAST * means.mean())[:, None]
            p, f = p / scales, f / scales
        wanted = [float(loss) for loss in losses(p, f, line["constants"])]
        found = [line["content"], line["style"]]
        off = [abs(x / y - 1) for x, y in zip(found, wanted)]
        worst = max([worst, *off])
        print(
            f"{layer:8} {line['normalise']:9} {line['constants']:12} {found[0]:12.5e} {off[0]:8.1e} "
            f"{found[1]:12.5e} {off[1]:8.1e}"
        )
    print(f"{len(lines)} lines, the worst is off by {worst:.1e}, at most {MOST}")
    sys.exit(not lines or worst > MOST)


if __name__ == "__main__":
    main()
