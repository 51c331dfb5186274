"""NPNet in PyTorch, as a reference for npc's own.

Written for this test from the paper's description (section 3, configuration A): three blocks of three 3x3
convolutions with batch norm and ReLU, the first of stride 2, widths 32, 64, 128, channel attention of reduction 2 after
each; a feature encoding module (FEM) of four dilated branches (rates 1, 5, 15, 20; 40 channels each), a 1x1 to 80,
concatenation with the FEM's input and a 1x1 to 32; a 1x1 classifier; bilinear interpolation to the input's size.

It loads weights that npc wrote (safetensors, names as `npc_name` returns them) and records the results of PyTorch with
them, which npc is compared with.

Batches
-------
`batch(step)` is a fixed function of integers, exact in f32, which tests/it/learn/torch/reference_batch.rs repeats. All arithmetic is
on unsigned 64-bit integers, wrapping. Division is integer division.

    mix(z):  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
             z = (z ^ (z >> 27)) * 0x94D049BB133111EB
             return z ^ (z >> 31)                                   (splitmix64)

    For image n of N, channel c of 3, row y of H, column x of W:

    k       = ((n*3 + c)*H + y)*W + x
    u       = mix(step + (k + 1) * 0x9E3779B97F4A7C15) >> 41        (23 random bits)
    cy      = H/4 + (7*step + 13*n) mod (H/2)
    cx      = W/4 + (11*step + 29*n) mod (W/2)
    r       = H/8 + (3*step + 5*n) mod (H/8)
    mask    = 1 where (y - cy)^2 + (x - cx)^2 <= r^2, else 0        (the same for all channels)
    image   = (u + mask * 2^23) / 2^24

So the background is uniform in [0, 0.5) and the disc uniform in [0.5, 1).

Samples
-------
`count` samples of a tensor of `numel` elements are the elements 0, s, 2s, ... of its row-major order, s = max(1,
(numel - 1) / count), as many of them as exist, at most `count`. This keeps a sample of [N, C, H, W] from staying in one
column. L2 norms and sums are taken in f64 over all elements. `signed_sum` is the sum with a sign for each element:
minus where the lowest bit of mix((i + 1) * 0x9E3779B97F4A7C15) is 1, i the element's place in row-major order. Two
tensors that differ by a vector of norm d differ by about d in it, so it represents all elements.

The weights' checksum is FNV-1a (64 bits) over the little-endian bytes of all tensors, in the order of their names.
"""

import argparse
import json
import platform
import re

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

N, H, W = 2, 64, 96
ADAM_STEPS = 20
LOGITS, GRADIENTS, STATISTICS = 64, 6, 6
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class ConvBnRelu(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1, dilation=1):
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Attention(nn.Module):
    """`cam` works on a 1x1 map with convolutions, `se` on a vector with linear layers."""

    def __init__(self, kind, channels, reduction):
        super().__init__()
        inner = channels // reduction
        if kind == "cam":
            self.squeeze = nn.Conv2d(channels, inner, 1, bias=False)
            self.excite = nn.Conv2d(inner, channels, 1, bias=False)
        else:
            self.squeeze = nn.Linear(channels, inner, bias=False)
            self.excite = nn.Linear(inner, channels, bias=False)
        self.kind = kind

    def forward(self, x):
        pooled = x.mean(dim=(2, 3), keepdim=self.kind == "cam")
        weight = torch.sigmoid(self.excite(F.relu(self.squeeze(pooled))))
        return x * weight.reshape(x.shape[0], x.shape[1], 1, 1)


class Block(nn.Module):
    def __init__(self, inputs, outputs, attention, reduction):
        super().__init__()
        self.layers = nn.Sequential(
            ConvBnRelu(inputs, outputs, 3, stride=2),
            ConvBnRelu(outputs, outputs, 3),
            ConvBnRelu(outputs, outputs, 3),
        )
        self.attention = nn.Identity() if attention == "none" else Attention(attention, outputs, reduction)

    def forward(self, x):
        return self.attention(self.layers(x))


class Fem(nn.Module):
    def __init__(self, inputs, branch, merged, outputs, rates):
        super().__init__()
        self.branches = nn.ModuleList(ConvBnRelu(inputs, branch, 3, dilation=rate) for rate in rates)
        self.merge = ConvBnRelu(branch * len(rates), merged, 1)
        self.fuse = ConvBnRelu(merged + inputs, outputs, 1)

    def forward(self, x):
        merged = self.merge(torch.cat([branch(x) for branch in self.branches], dim=1))
        return self.fuse(torch.cat([merged, x], dim=1))


class NPNet(nn.Module):
    def __init__(self, classes=2, attention="cam", reduction=2):
        super().__init__()
        widths = [3, 32, 64, 128]
        self.blocks = nn.Sequential(
            *(Block(i, o, attention, reduction) for i, o in zip(widths, widths[1:]))
        )
        self.fem = Fem(128, 40, 80, 32, rates=(1, 5, 15, 20))
        self.classifier = nn.Conv2d(32, classes, 1)

    def forward(self, x):
        logits = self.classifier(self.fem(self.blocks(x)))
        return F.interpolate(logits, size=x.shape[2:], mode="bilinear", align_corners=False)


def npc_name(name, attention):
    """npc's name of the parameter or buffer that PyTorch calls `name`."""
    layers = {"cam": ("cam.weight.conv", "cam.weight.conv2"), "se": ("se.linear", "se.linear2")}
    ordinal = lambda i: "" if int(i) == 0 else str(int(i) + 1)
    rules = [
        (r"blocks\.(\d)\.layers\.(\d)\.", lambda m: f"s.{int(m[1]) + 1}.basic.cbr{ordinal(m[2])}."),
        (r"blocks\.(\d)\.attention\.squeeze\.", lambda m: f"s.{int(m[1]) + 1}.attend.{layers[attention][0]}."),
        (r"blocks\.(\d)\.attention\.excite\.", lambda m: f"s.{int(m[1]) + 1}.attend.{layers[attention][1]}."),
        (r"fem\.branches\.(\d)\.", lambda m: f"fem.branches.{m[1]}.cbr."),
        (r"fem\.merge\.", lambda m: "fem.cbr."),
        (r"fem\.fuse\.", lambda m: "fem.cbr2."),
        (r"classifier\.", lambda m: "conv."),
    ]
    for pattern, replacement in rules:
        renamed, hits = re.subn("^" + pattern, replacement, name)
        if hits:
            return renamed
    raise ValueError(f"no npc name for {name}")


def names(net, attention):
    """npc's names of the stored tensors, by PyTorch's names. PyTorch's step counter has no counterpart."""
    stored = [name for name in net.state_dict() if not name.endswith("num_batches_tracked")]
    return {name: npc_name(name, attention) for name in stored}


def load(args, dtype=torch.float32):
    net = NPNet(args.classes, args.attention, args.reduction)
    from safetensors.torch import load_file  # torch_bench.py does without

    weights = load_file(args.weights)
    wanted = names(net, args.attention)
    missing = sorted(set(wanted.values()) - set(weights))
    surplus = sorted(set(weights) - set(wanted.values()))
    if missing or surplus:
        raise SystemExit(f"{args.weights}: missing {missing}, not expected {surplus}")
    state = {name: weights[npc] for name, npc in wanted.items()}
    net.load_state_dict(state, strict=False)
    return net.to(dtype)


def random_weights(args):
    """Convolutions and linear layers from U(-1/sqrt(fan_in), 1/sqrt(fan_in)); batch norms at 1, 0, mean 0, variance 1."""
    net = NPNet(args.classes, args.attention, args.reduction)
    generator = torch.Generator().manual_seed(args.seed)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                bound = module.weight[0].numel() ** -0.5
                for parameter in module.parameters():
                    parameter.uniform_(-bound, bound, generator=generator)
    state = net.state_dict()
    from safetensors.torch import save_file  # torch_bench.py does without

    save_file({npc: state[name].contiguous() for name, npc in names(net, args.attention).items()}, args.random_weights)


def mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def batch(step, n=N, h=H, w=W):
    """Images [n, 3, h, w] in f32 and masks [n, h, w] in i64. The formula is in the module's docstring."""
    k = np.arange(n * 3 * h * w, dtype=np.uint64)
    with np.errstate(over="ignore"):
        u = (mix(np.uint64(step) + (k + np.uint64(1)) * GOLDEN) >> np.uint64(41)).reshape(n, 3, h, w)
    image = np.arange(n).reshape(n, 1, 1)
    cy = h // 4 + (7 * step + 13 * image) % (h // 2)
    cx = w // 4 + (11 * step + 29 * image) % (w // 2)
    r = h // 8 + (3 * step + 5 * image) % (h // 8)
    y, x = np.arange(h).reshape(1, h, 1), np.arange(w).reshape(1, 1, w)
    mask = ((y - cy) ** 2 + (x - cx) ** 2 <= r * r).astype(np.int64)
    pixels = (u.astype(np.int64) + (mask[:, None] << 23)) / np.float64(1 << 24)
    return torch.from_numpy(pixels.astype(np.float32)), torch.from_numpy(mask)


def norms(net):
    return {name: module for name, module in net.named_modules() if isinstance(module, nn.BatchNorm2d)}


def sample(tensor, count):
    flat = tensor.detach().reshape(-1)
    stride = max(1, (flat.numel() - 1) // count)
    return [shorten(v, tensor.dtype) for v in flat[::stride][:count].tolist()]


def shorten(value, dtype):
    """Digits that name the value in its own type, and no more."""
    return float(f"{value:.9g}" if dtype == torch.float32 else f"{value:.13g}")


def l2(tensor):
    return shorten(tensor.detach().double().norm().item(), torch.float64)


def signed_sum(tensor):
    flat = tensor.detach().double().reshape(-1).numpy()
    with np.errstate(over="ignore"):
        bits = mix((np.arange(flat.size, dtype=np.uint64) + np.uint64(1)) * GOLDEN) & np.uint64(1)
    return shorten(float((flat * (1.0 - 2.0 * bits)).sum()), torch.float64)


def tensor_record(tensor, count):
    return {
        "shape": list(tensor.shape),
        "l2": l2(tensor),
        "signed_sum": signed_sum(tensor),
        "sample": sample(tensor, count),
    }


def gradients_record(net, attention):
    return {npc_name(name, attention): tensor_record(p.grad, GRADIENTS) for name, p in net.named_parameters()}


def statistics_record(net, attention):
    return {
        npc_name(f"{name}.{buffer}", attention): tensor_record(getattr(bn, buffer), STATISTICS)
        for name, bn in norms(net).items()
        for buffer in ("running_mean", "running_var")
    }


def checksum(path):
    from safetensors.torch import load_file  # torch_bench.py does without

    weights = load_file(path)
    value = 0xCBF29CE484222325
    for name in sorted(weights):
        for byte in weights[name].contiguous().numpy().astype("<f4").tobytes():
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def one_step(args, dtype):
    """Forward passes in eval, train and eval mode on batch(0), and the gradients of the loss in train mode.

    The second pass in eval mode uses the running statistics that the pass in train mode left: 0.9 of the first ones and
    0.1 of the batch's, whose variance is the unbiased one.
    """
    x, y = batch(0)
    x = x.to(dtype)
    net = load(args, dtype)
    with torch.no_grad():
        before = net.eval()(x)
    logits = net.train()(x)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    statistics = statistics_record(net, args.attention)
    with torch.no_grad():
        after = net.eval()(x)
    return {
        "eval": tensor_record(before, LOGITS),
        "train": tensor_record(logits, LOGITS),
        "eval_after_train": tensor_record(after, LOGITS),
        "loss": shorten(loss.item(), dtype),
        "gradients": gradients_record(net, args.attention),
        "statistics": statistics,
    }


def adam(args, dtype):
    """Losses of Adam steps on batch(0), batch(1), ..., then logits on batch(0) in eval mode."""
    net = load(args, dtype).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for step in range(ADAM_STEPS):
        x, y = batch(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x.to(dtype)), y)
        loss.backward()
        optimizer.step()
        losses.append(shorten(loss.item(), dtype))
    net.eval()
    with torch.no_grad():
        logits = net(batch(0)[0].to(dtype))
    return {"losses": losses, "eval_after": tensor_record(logits, LOGITS)}


def pretty(value, indent=0):
    """JSON with one key a line, lists of numbers on one line and keys in the order they were made."""
    if not isinstance(value, dict):
        return json.dumps(value)
    if all(not isinstance(v, (dict, str)) for v in value.values()) and "sample" in value and "shape" in value:
        return json.dumps(value)
    pad = " " * (indent + 1)
    lines = [f"{pad}{json.dumps(key)}: {pretty(item, indent + 1)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"


def record(args):
    result = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "network": {"classes": args.classes, "attention": args.attention, "reduction": args.reduction},
        "params": sum(p.numel() for p in NPNet(args.classes, args.attention, args.reduction).parameters()),
        "weights_fnv1a": checksum(args.weights),
        "batch": {"n": N, "h": H, "w": W},
        "adam": {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "steps": ADAM_STEPS},
    }
    for name, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        result[name] = {**one_step(args, dtype), "adam": adam(args, dtype)}
    with open(args.out, "w", encoding="utf-8") as file:
        file.write(pretty(result) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Record what PyTorch computes with NPNet weights written by npc.")
    parser.add_argument("--weights", help="safetensors file to load")
    parser.add_argument("--out", help="JSON file to write")
    parser.add_argument("--attention", choices=["none", "se", "cam"], default="cam")
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--reduction", type=int, default=2)
    parser.add_argument("--random-weights", help="write random weights under npc's names to this file, and use them")
    parser.add_argument("--seed", type=int, default=0, help="of --random-weights")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if args.random_weights:
        random_weights(args)
        args.weights = args.weights or args.random_weights
    if args.out:
        if not args.weights:
            parser.error("--out needs --weights or --random-weights")
        record(args)


if __name__ == "__main__":
    main()
