"""Seven networks of public PyTorch libraries: parameters, multiplications, shapes and logits.

The files of tests/graphs/foreign/ define the same networks in npc's language; tests/it/study/foreign_networks.rs
compares them with the numbers that this script writes. To regenerate:

    pip install torch torchvision timm segmentation-models-pytorch pytorchcv
    python tests/reference/foreign_networks.py

`macs` are the multiplications of convolutions and linear layers for one image, bias not counted, as forward hooks see them.

The logits are those of evaluation mode, computed in 64 bits, from weights that a formula gives to both sides: tensor `j`
(from 1, in the order in which the layers are declared; of a layer weight, bias, running mean, running variance) holds
`noise(j, i)`, element `i` of which is the top 23 bits of splitmix64 from seed `j`, scaled to [-1, 1). A tensor with a fan
in is multiplied by sqrt(6 / fan_in), where fan_in is the product of all axes but the first; a bias and a running mean
by 0.1; scales of norms, slopes and variances are (3 + noise) / 4. The image is noise(0, i). ENet has no logits: the
windows of its pools overlap, and where two find the same maximum `nn.MaxUnpool2d` keeps whichever was written last.
"""
import json
import math
import pathlib
from importlib.metadata import version

import numpy as np
import segmentation_models_pytorch as smp
import torch
import torchvision
from pytorchcv.models.bisenet import bisenet_resnet18_celebamaskhq
from pytorchcv.models.enet import enet_cityscapes
from torch import nn

SIZES = [[64, 96], [288, 384]]
LOGITS = [64, 96]
SAMPLES = 96


def noise(seed, shape):
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(41)
    return torch.from_numpy((z.astype(np.int64) - (1 << 22)).astype(np.float64) / (1 << 22)).reshape(*shape)


def value(seed, name, shape):
    x = noise(seed, shape)
    if len(shape) > 1:
        x = x * math.sqrt(6 / math.prod(shape[1:]))
    elif name in ("bias", "running_mean"):
        x = x * 0.1
    else:
        x = (3 + x) / 4
    return x.float().double()  # rounded to f32, in which npc computes


def tensors(module):
    for name in "weight", "bias", "running_mean", "running_var":
        t = getattr(module, name, None)
        if isinstance(t, torch.Tensor):
            yield name, t


def outputs(y):
    if isinstance(y, dict):
        return list(y.values())
    return list(y) if isinstance(y, (tuple, list)) else [y]


def count(model, size):
    total = 0

    def hook(m, inputs, out):
        nonlocal total
        if isinstance(m, nn.ConvTranspose2d):
            total += inputs[0].numel() * math.prod(m.weight.shape[1:])
        elif isinstance(m, nn.Conv2d):
            total += out.numel() * math.prod(m.weight.shape[1:])
        elif isinstance(m, nn.Linear):
            total += out.numel() * m.in_features

    hooks = [m.register_forward_hook(hook) for m in model.modules()]
    with torch.no_grad():
        out = outputs(model(torch.zeros(1, 3, *size)))
    for h in hooks:
        h.remove()
    return {"size": size, "macs": total, "outputs": [list(y.shape[1:]) for y in out]}


def describe(name, source, make):
    model = make(LOGITS).eval()
    record = {
        "model": name,
        "source": source,
        "params": sum(p.numel() for p in model.parameters()),
        "buffers": sum(b.numel() for n, b in model.named_buffers() if not n.endswith("num_batches_tracked")),
        "at": [count(make(size).eval(), size) for size in SIZES],
    }
    if name == "ENet":
        return record
    model.double()
    seed = 0
    for layer in model.modules():
        for tensor, t in tensors(layer):
            seed += 1
            t.data.copy_(value(seed, tensor, list(t.shape)))
    with torch.no_grad():
        logits = outputs(model(noise(0, [1, 3, *LOGITS])))[0].flatten()
    step = (len(logits) - 1) // SAMPLES
    record["logits"] = {
        "size": LOGITS,
        "tensors": seed,
        "root_mean_square": logits.square().mean().sqrt().item(),
        "step": step,
        "sample": logits[::step].tolist(),
    }
    return record


plain = dict(encoder_weights=None, classes=2)
NETWORKS = {
    "ENet": ("pytorchcv enet_cityscapes", lambda _: enet_cityscapes(num_classes=2)),
    "LinkNet": ("smp.Linknet('resnet34')", lambda _: smp.Linknet("resnet34", **plain)),
    "DeepLabV3Plus": ("smp.DeepLabV3Plus('resnet50')", lambda _: smp.DeepLabV3Plus("resnet50", **plain)),
    "MobileNetV2UNet": ("smp.Unet('mobilenet_v2')", lambda _: smp.Unet("mobilenet_v2", **plain)),
    "LRASPP": (
        "torchvision lraspp_mobilenet_v3_large",
        lambda _: torchvision.models.segmentation.lraspp_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=2
        ),
    ),
    "HRNetUNet": ("smp.Unet('tu-hrnet_w18_small')", lambda _: smp.Unet("tu-hrnet_w18_small", **plain)),
    "BiSeNet": (
        "pytorchcv bisenet_resnet18_celebamaskhq",
        lambda size: bisenet_resnet18_celebamaskhq(num_classes=2, in_size=tuple(size)),
    ),
}
VERSIONS = ["torch", "torchvision", "timm", "segmentation-models-pytorch", "pytorchcv"]
result = {
    "versions": {name: version(name).split("+")[0] for name in VERSIONS},
    "networks": [describe(name, source, make) for name, (source, make) in NETWORKS.items()],
}
out = pathlib.Path(__file__).with_name("foreign.json")
head = json.dumps(result["versions"])
rows = ",\n".join(json.dumps(n) for n in result["networks"])
out.write_text(f'{{\n"versions": {head},\n"networks": [\n{rows}\n]\n}}\n')
for n in result["networks"]:
    print(n["model"], n["params"], n["buffers"], n["at"], n.get("logits", {}).get("root_mean_square"))
