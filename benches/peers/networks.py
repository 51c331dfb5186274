"""The networks of models/npnet.model and models/unet.model in PyTorch, translated by hand from the model files."""

import sys
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

from torch_npnet import NPNet  # noqa: E402


def cbr(inputs, outputs, bias):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias), nn.BatchNorm2d(outputs), nn.ReLU())


def double(inputs, outputs):
    return nn.Sequential(cbr(inputs, outputs, True), cbr(outputs, outputs, True))


class UNet(nn.Module):
    """Double convolutions with biases, max pooling, and nearest upsampling with a convolution without bias."""

    def __init__(self, classes=2, width=(64, 128, 256, 512, 1024)):
        super().__init__()
        self.down = nn.ModuleList(double(i, o) for i, o in zip((3, *width), width))
        pairs = list(zip(width, width[1:]))[::-1]
        self.raise_ = nn.ModuleList(nn.Sequential(nn.Upsample(scale_factor=2), cbr(o, i, False)) for i, o in pairs)
        self.merge = nn.ModuleList(double(2 * i, i) for i, _ in pairs)
        self.head = nn.Conv2d(width[0], classes, 1)

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.down):
            x = block(nn.functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()
        for raise_, merge in zip(self.raise_, self.merge):
            x = merge(torch.cat([skips.pop(), raise_(x)], 1))
        return self.head(x)


NETWORKS = {"npnet": NPNet, "unet": UNet}
CLASSES = 2
