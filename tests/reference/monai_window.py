"""Sliding-window inference by MONAI over a small convolution, for tests/it/score/window.rs.

    python tests/reference/monai_window.py > tests/reference/window.json

Needs torch and monai. The network is one 3x3 convolution with zero padding, whose result depends on the borders of a tile.
Numbers come from a formula, so that nothing else has to be stored; results are rounded to 7 digits.
"""

import json
import math

import monai
import torch
from monai.inferers import sliding_window_inference

CHANNELS, CLASSES = 2, 3


def wave(n, phase):
    """Numbers between -1 and 1 without symmetry."""
    return torch.tensor([math.sin(phase + 0.7 * i + 0.013 * i * i) for i in range(n)], dtype=torch.float32)


def main():
    weight = wave(CLASSES * CHANNELS * 9, 0.3).reshape(CLASSES, CHANNELS, 3, 3)
    cases = []
    for size, tile, overlap, batch in [
        ((13, 17), (8, 6), 0.5, 4),
        ((13, 17), (8, 6), 0.25, 1),
        ((20, 9), (8, 8), 0.0, 3),
        ((5, 9), (8, 6), 0.5, 2),
        ((7, 4), (10, 9), 0.6, 2),
        ((16, 16), (16, 16), 0.5, 1),
        ((31, 12), (10, 7), 0.9, 5),
    ]:
        image = wave(CHANNELS * size[0] * size[1], 1.1).reshape(1, CHANNELS, *size)
        out = sliding_window_inference(
            image,
            tile,
            batch,
            lambda x: torch.nn.functional.conv2d(x, weight, padding=1),
            overlap=overlap,
            mode="gaussian",
            sigma_scale=0.125,
            padding_mode="constant",
        )
        values = [float(f"{v:.7g}") for v in out.flatten().tolist()]
        cases.append({"size": size, "tile": tile, "overlap": overlap, "batch": batch, "out": values})
    print(json.dumps({"monai": monai.__version__, "torch": torch.__version__, "cases": cases}))


if __name__ == "__main__":
    main()
