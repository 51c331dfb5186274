"""Small PyTorch files of weights for tests/it/learn/train/init.rs:

    python tests/reference/torch_weights.py

Tensor i of the model `Tiny` of tests/it/learn/train.rs holds (i + 1) / 8 + k / 1024, k counting its numbers: exact in 16 bits.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent


class Named(nn.Module):
    """The names of the model file."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=2, dilation=2, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16, 2, 1)


class Foreign(nn.Module):
    """The same structure under other names, which do not sort in the order of their declaration."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(8, 16, 3, padding=2, dilation=2, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.classifier = nn.Conv2d(16, 2, 1)


def filled(module):
    i = 0
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        i += 1
        tensor.copy_((i / 8 + torch.arange(tensor.numel()) / 1024).reshape(tensor.shape))
    assert i == 12
    return module


torch.manual_seed(0)
named = filled(Named())
torch.save(named.state_dict(), HERE / "weights_named.pt")
torch.save(filled(Foreign()).state_dict(), HERE / "weights_foreign.pt")
torch.save(OrderedDict((k, v.half()) for k, v in named.state_dict().items()), HERE / "weights_f16.pt")
# As lightning and many scripts write it: the state dict together with the optimiser's state, from a network in
# DataParallel.
optimizer = torch.optim.Adam(named.parameters())
sum(p.square().sum() for p in named.parameters()).backward()
optimizer.step()
filled(named)
wrapped = OrderedDict((f"module.{k}", v) for k, v in named.state_dict().items())
checkpoint = {"epoch": 3, "state_dict": wrapped, "optimizer": optimizer.state_dict()}
torch.save(checkpoint, HERE / "weights_checkpoint.pth")
