"""PyTorch's results for every operator of the language: outputs, gradients and running statistics.

    python tests/reference/torch_ops.py            (writes ops.json into its own folder)

Numbers come from a formula, which `tests/it/compute/network/ops_torch.rs` repeats bit for bit. `noise(seed, i)` is the upper 23 bits of
splitmix64's output i from `seed`. Element i (row-major) of tensor `seed`:

    smooth     (noise - 2^22) / 2^22          in [-1, 1)
    grid       ((noise >> 17) - 32) / 4       in [-8, 7.75], steps of 1/4: zeros, ties, the kinks of activations
    positive   (noise + 2^23) / 2^24          in [1/2, 1)

A case has a seed s. Its image is tensor 16 s, its j-th parameter (weight, bias, running_mean, running_var of each layer,
in that order) is tensor 16 s + 1 + j, and its loss is the sum of the output times tensor 16 s + 15 (smooth). Parameters are
smooth, variances positive. All of it is exact in f32; PyTorch computes in f64.

A tensor is recorded whole up to 48 numbers. A larger one as its L2 norm, two sums with the signs of bits 0 and 1 of
splitmix64(i + 1), and the 8 elements at multiples of floor((n - 1) / 8).
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
MASK = (1 << 64) - 1
WHOLE, SAMPLES = 48, 8


def mix(z):
    z &= MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def tensor(seed, shape, kind):
    n = torch.Size(shape).numel()
    noise = [mix(seed + (i + 1) * 0x9E3779B97F4A7C15) >> 41 for i in range(n)]
    rule = {
        "smooth": lambda v: (v - 2**22) / 2**22,
        "grid": lambda v: ((v >> 17) - 32) / 4,
        "positive": lambda v: (v + 2**23) / 2**24,
    }[kind]
    return torch.tensor([rule(v) for v in noise]).reshape(shape)


def short(v):
    return float(f"{v:.9g}")


def record(t):
    values = t.detach().flatten().tolist()
    shape = list(t.shape)
    if len(values) <= WHOLE:
        return {"shape": shape, "all": [short(v) for v in values]}
    signs = [mix((i + 1) * 0x9E3779B97F4A7C15) for i in range(len(values))]
    sums = [sum(-v if s >> bit & 1 else v for v, s in zip(values, signs)) for bit in (0, 1)]
    sample = values[:: max((len(values) - 1) // SAMPLES, 1)][:SAMPLES]
    l2 = sum(v * v for v in values) ** 0.5
    return {"shape": shape, "l2": short(l2), "sums": [short(s) for s in sums], "sample": [short(v) for v in sample]}


cases = []


def case(op, name, text, shape, compute, *modules, kind="smooth", mode="train"):
    """`text` is the model's body, or the expression that it returns; `shape` is [n, c, h, w]."""
    seed = len(cases) + 1
    x = tensor(16 * seed, shape, kind).requires_grad_()
    named = []
    for module in modules:
        module.train(mode == "train")
        for key, value in module.state_dict().items():
            if key == "num_batches_tracked":
                continue
            how = "positive" if key == "running_var" else "smooth"
            value.copy_(tensor(16 * seed + 1 + len(named), value.shape, how))
            named.append((key, value))
    y = compute(x, *modules)
    (y * tensor(16 * seed + 15, y.shape, "smooth")).sum().backward()
    dims = ", ".join(str(d) for d in y.shape[1:])
    body = text if "return" in text else f"return {text}"
    gradients = [record(p.grad) for module in modules for p in module.parameters()]
    statistics = [record(v) for key, v in named if key.startswith("running")]
    found = {
        "op": op,
        "name": name,
        "model": f"npc 1\nmodel T(x: [{shape[1]}, H, W]) -> [{dims}] {{\n{body}\n}}\n",
        "seed": seed,
        "input": list(shape),
        "kind": kind,
        "mode": mode,
        "output": record(y),
        "image": record(x.grad),
        "parameters": gradients,
        "statistics": statistics if mode == "train" else [],
    }
    cases.append({k: v for k, v in found.items() if v != []})


# Convolutions

def conv(name, text, shape, *args, **kwargs):
    case("conv", name, f"x |> {text}", shape, lambda x, m: m(x), nn.Conv2d(shape[1], *args, **kwargs))


conv("3x3", "conv(4)", [2, 3, 5, 6], 4, 3, padding=1)
conv("1x1 without bias", "conv(4, k = 1, bias = false)", [2, 3, 5, 4], 4, 1, bias=False)
conv("stride 2, odd size", "conv(4, stride = 2)", [2, 3, 7, 5], 4, 3, stride=2, padding=1)
conv("stride 3 by 1, k 2", "conv(4, k = 2, stride = [3, 1], pad = 0)", [1, 3, 8, 5], 4, 2, stride=(3, 1))
conv("dilation 2", "conv(4, dilation = 2)", [2, 3, 6, 7], 4, 3, padding=2, dilation=2)
conv("dilation beyond the map", "conv(2, dilation = 5)", [1, 3, 4, 3], 2, 3, padding=5, dilation=5)
conv("dilation 2 by 3, stride 2", "conv(4, dilation = [2, 3], stride = 2)", [1, 3, 8, 9], 4, 3, 2, (2, 3), (2, 3))
conv("groups", "conv(6, groups = 2)", [2, 4, 5, 5], 6, 3, padding=1, groups=2)
conv("depthwise, stride 2", "conv(4, groups = 4, stride = 2, bias = false)", [2, 4, 7, 6], 4, 3, 2, 1, groups=4, bias=False)
conv("depthwise, twice as wide", "conv(8, k = 5, groups = 4)", [1, 4, 6, 6], 8, 5, padding=2, groups=4)
conv("depthwise, dilated", "conv(4, groups = 4, dilation = 3)", [1, 4, 7, 8], 4, 3, 1, 3, 3, groups=4)
conv("1x5", "conv(4, k = [1, 5])", [2, 3, 4, 7], 4, (1, 5), padding=(0, 2))
conv("7x3, pad 1 by 0", "conv(2, k = [7, 3], pad = [1, 0])", [1, 2, 8, 5], 2, (7, 3), padding=(1, 0))
conv("even kernel, pad 2", "conv(3, k = 4, pad = 2, stride = 2)", [1, 2, 6, 7], 3, 4, 2, 2)
conv("7x7, stride 2, as a stem", "conv(4, k = 7, stride = 2, bias = false)", [1, 3, 11, 12], 4, 7, 2, 3, bias=False)


def conv_transpose(name, text, shape, *args, **kwargs):
    m = nn.ConvTranspose2d(shape[1], *args, **kwargs)
    case("conv_transpose", name, f"x |> {text}", shape, lambda x, m: m(x), m)


conv_transpose("2x2", "conv_transpose(4)", [2, 3, 4, 5], 4, 2, 2)
conv_transpose("overlapping", "conv_transpose(2, k = 3, stride = 2, pad = 1)", [2, 3, 4, 3], 2, 3, 2, 1)
conv_transpose("out_pad", "conv_transpose(2, k = 3, pad = 1, out_pad = 1, bias = false)", [1, 3, 4, 3], 2, 3, 2, 1, 1, bias=False)
conv_transpose("out_pad by axis", "conv_transpose(2, k = 3, stride = [2, 3], pad = 1, out_pad = [0, 2])", [1, 2, 3, 4], 2, 3, (2, 3), 1, (0, 2))
conv_transpose("groups", "conv_transpose(6, k = 4, pad = 1, groups = 2)", [2, 4, 3, 4], 6, 4, 2, 1, groups=2)
conv_transpose("depthwise", "conv_transpose(4, k = 4, pad = 1, groups = 4, bias = false)", [1, 4, 3, 4], 4, 4, 2, 1, groups=4, bias=False)
conv_transpose("dilation", "conv_transpose(2, k = 3, stride = 2, dilation = 2)", [1, 3, 4, 3], 2, 3, 2, dilation=2)
conv_transpose("dilation, out_pad", "conv_transpose(2, k = 3, stride = 2, dilation = [2, 3], out_pad = [1, 2])", [1, 2, 3, 3], 2, 3, 2, 0, (1, 2), dilation=(2, 3))
conv_transpose("stride 1, 3x1", "conv_transpose(2, k = [3, 1], stride = 1, pad = [1, 0])", [1, 3, 4, 5], 2, (3, 1), 1, (1, 0))
conv_transpose("16x16, stride 8, as FCN", "conv_transpose(2, k = 16, stride = 8, pad = 4, bias = false)", [1, 2, 2, 3], 2, 16, 8, 4, bias=False)

case("linear", "bias", "x |> flatten |> linear(5)", [3, 2, 2, 3], lambda x, m: m(x.flatten(1)), nn.Linear(12, 5))
case("linear", "no bias", "x |> flatten |> linear(4, bias = false)", [2, 7, 1, 1], lambda x, m: m(x.flatten(1)), nn.Linear(7, 4, bias=False))
case("linear", "two", "x |> flatten |> linear(3) |> linear(6)", [2, 5, 1, 1], lambda x, a, b: b(a(x.flatten(1))), nn.Linear(5, 3), nn.Linear(3, 6))

# Norms

for mode in "train", "eval":
    case("bn", f"{mode}", "x |> bn", [3, 4, 5, 3], lambda x, m: m(x), nn.BatchNorm2d(4), mode=mode)
    case("bn", f"{mode}, eps and momentum", "x |> bn(eps = 1e-2, momentum = 0.3)", [2, 3, 4, 4], lambda x, m: m(x), nn.BatchNorm2d(3, 1e-2, 0.3), kind="grid", mode=mode)
case("bn", "train, 1x1 map", "x |> bn", [4, 3, 1, 1], lambda x, m: m(x), nn.BatchNorm2d(3))
case("bn", "train, momentum 1", "x |> bn(momentum = 1)", [2, 3, 4, 3], lambda x, m: m(x), nn.BatchNorm2d(3, momentum=1.0))
for groups in 1, 2, 6:
    case("group_norm", f"{groups} of 6", f"x |> group_norm({groups})", [2, 6, 3, 4], lambda x, m: m(x), nn.GroupNorm(groups, 6))
case("group_norm", "plain, eps", "x |> group_norm(2, eps = 1e-2, affine = false)", [2, 4, 3, 3], lambda x, m: m(x), nn.GroupNorm(2, 4, 1e-2, False), kind="grid")
case("group_norm", "vector", "x |> flatten |> group_norm(2)", [3, 8, 1, 1], lambda x, m: m(x.flatten(1)), nn.GroupNorm(2, 8))
case("instance_norm", "plain", "x |> instance_norm", [2, 3, 4, 5], lambda x: F.instance_norm(x))
case("instance_norm", "affine, eps", "x |> instance_norm(eps = 1e-2, affine = true)", [2, 3, 5, 3], lambda x, m: m(x), nn.InstanceNorm2d(3, 1e-2, affine=True), kind="grid")
case("instance_norm", "batch of one", "x |> instance_norm(affine = true)", [1, 4, 1, 3], lambda x, m: m(x), nn.InstanceNorm2d(4, affine=True))


def last(x, m):
    return m(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


case("layer_norm", "map", "x |> layer_norm", [2, 5, 3, 4], last, nn.LayerNorm(5))
case("layer_norm", "map, ConvNeXt's eps", "x |> layer_norm(eps = 1e-6)", [2, 8, 2, 3], last, nn.LayerNorm(8, 1e-6), kind="grid")
case("layer_norm", "map, plain", "x |> layer_norm(affine = false)", [2, 4, 3, 3], last, nn.LayerNorm(4, elementwise_affine=False))
case("layer_norm", "vector", "x |> flatten |> layer_norm", [3, 3, 2, 2], lambda x, m: m(x.flatten(1)), nn.LayerNorm(12))

# Activations

ACTIVATIONS = {
    "relu": [("relu", F.relu)],
    "relu6": [("relu6", F.relu6)],
    "leaky_relu": [("leaky_relu", F.leaky_relu), ("leaky_relu(0.25)", lambda x: F.leaky_relu(x, 0.25))],
    "elu": [("elu", F.elu), ("elu(0.5)", lambda x: F.elu(x, 0.5))],
    "gelu": [("gelu", F.gelu)],
    "silu": [("silu", F.silu)],
    "hard_swish": [("hard_swish", F.hardswish)],
    "sigmoid": [("sigmoid", torch.sigmoid)],
    "tanh": [("tanh", torch.tanh)],
    "softmax": [("softmax", lambda x: F.softmax(x, 1))],
}
for op, forms in ACTIVATIONS.items():
    for text, f in forms:
        for kind in "smooth", "grid":
            case(op, f"{text}, {kind}", f"x |> {text}", [2, 3, 6, 5], f, kind=kind)
case("softmax", "vector", "x |> flatten |> softmax", [3, 5, 1, 1], lambda x: F.softmax(x.flatten(1), 1), kind="grid")
for kind in "smooth", "grid":
    case("prelu", f"one slope, {kind}", "x |> prelu", [2, 3, 5, 4], lambda x, m: m(x), nn.PReLU(), kind=kind)
    case("prelu", f"per channel, {kind}", "x |> prelu(per_channel = true)", [2, 3, 5, 4], lambda x, m: m(x), nn.PReLU(3), kind=kind)
case("prelu", "vector", "x |> flatten |> prelu(true)", [3, 6, 1, 1], lambda x, m: m(x.flatten(1)), nn.PReLU(6))

# Pools

POOLS = [
    ("2", [2, 3, 6, 4], dict(kernel_size=2)),
    ("2", [2, 3, 7, 5], dict(kernel_size=2)),
    ("2, ceil = true", [2, 3, 7, 5], dict(kernel_size=2, ceil_mode=True)),
    ("3, stride = 2, pad = 1", [2, 3, 7, 6], dict(kernel_size=3, stride=2, padding=1)),
    ("3, stride = 2, pad = 1, ceil = true", [2, 3, 6, 8], dict(kernel_size=3, stride=2, padding=1, ceil_mode=True)),
    ("3, stride = 1, pad = 1", [1, 3, 5, 4], dict(kernel_size=3, stride=1, padding=1)),
    ("2, stride = 3, ceil = true", [1, 3, 6, 9], dict(kernel_size=2, stride=3, ceil_mode=True)),
    ("[3, 2], stride = [2, 3], pad = [1, 0], ceil = true", [1, 3, 8, 7], dict(kernel_size=(3, 2), stride=(2, 3), padding=(1, 0), ceil_mode=True)),
]
for text, shape, config in POOLS:
    for kind in "smooth", "grid":
        size = f"{shape[2]}x{shape[3]}, {kind}"
        case("maxpool", f"{text}; {size}", f"x |> maxpool({text})", shape, lambda x: F.max_pool2d(x, **config), kind=kind)
    case("avgpool", f"{text}; {size}", f"x |> avgpool({text})", shape, lambda x: F.avg_pool2d(x, **config))


def unpool(x, **config):
    y, at = F.max_pool2d(x, return_indices=True, **config)
    return F.max_unpool2d(y, at, config["kernel_size"], config.get("stride"), config.get("padding", 0), x.shape[2:])


for text, shape, config in [
    ("2", [2, 3, 6, 4], dict(kernel_size=2)),
    ("2", [2, 3, 7, 5], dict(kernel_size=2)),
    ("[3, 2]", [1, 3, 7, 9], dict(kernel_size=(3, 2))),
    ("3, stride = 3, pad = 1", [1, 3, 8, 7], dict(kernel_size=3, stride=3, padding=1)),
    ("2, stride = [2, 3]", [1, 3, 6, 8], dict(kernel_size=2, stride=(2, 3))),
]:
    size = f"{text}; {shape[2]}x{shape[3]}"
    for kind in "smooth", "grid":
        pool = f"let (y, at) = x |> maxpool_with_index({text})"
        case("maxpool_with_index", f"{size}, {kind}", f"{pool}\nreturn y", shape, lambda x: F.max_pool2d(x, **config), kind=kind)
        case("unpool", f"{size}, {kind}", f"{pool}\nreturn y |> unpool(at)", shape, lambda x: unpool(x, **config), kind=kind)

for text, shape, size in [
    ("1", [2, 3, 5, 4], 1),
    ("2", [2, 3, 6, 4], 2),
    ("3", [2, 3, 7, 5], 3),
    ("[2, 3]", [1, 3, 5, 7], (2, 3)),
    ("6", [1, 2, 4, 5], 6),
    ("[1, 4]", [1, 2, 5, 6], (1, 4)),
]:
    name = f"{text} of {shape[2]}x{shape[3]}"
    case("avgpool_to", name, f"x |> avgpool_to({text})", shape, lambda x: F.adaptive_avg_pool2d(x, size))
    for kind in "smooth", "grid":
        case("maxpool_to", f"{name}, {kind}", f"x |> maxpool_to({text})", shape, lambda x: F.adaptive_max_pool2d(x, size), kind=kind)

# Interpolation

WAYS = [
    ("nearest", dict(mode="nearest")),
    ("bilinear", dict(mode="bilinear", align_corners=False)),
    ("bilinear, align_corners = true", dict(mode="bilinear", align_corners=True)),
]
for mode, config in WAYS:
    case("up", f"2, {mode}", f"x |> up(2, mode = {mode})", [2, 3, 3, 4], lambda x: F.interpolate(x, scale_factor=2, **config))
    case("up", f"3 by 1, {mode}", f"x |> up([3, 1], mode = {mode})", [1, 3, 3, 4], lambda x: F.interpolate(x, scale_factor=(3, 1), **config))
    case("resize", f"factor 4, {mode}", f"x |> resize(4, mode = {mode})", [1, 2, 2, 3], lambda x: F.interpolate(x, scale_factor=4, **config))
    for shape, size in [([2, 3, 4, 5], (7, 9)), ([1, 3, 9, 7], (4, 3)), ([1, 2, 1, 1], (3, 4)), ([1, 3, 5, 4], (1, 1)), ([1, 2, 6, 5], (11, 5))]:
        text = f"to {size[0]}x{size[1]} of {shape[2]}x{shape[3]}, {mode}"
        case("resize", text, f"x |> resize(to = [{size[0]}, {size[1]}], mode = {mode})", shape, lambda x: F.interpolate(x, size=size, **config))
    case("resize", f"like, {mode}", f"x |> maxpool(2) |> resize(to = x, mode = {mode})", [2, 3, 7, 5], lambda x: F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:], **config))
case("up", "default", "x |> up(2)", [1, 2, 3, 3], lambda x: F.interpolate(x, scale_factor=2))
case("resize", "default", "x |> resize(2)", [1, 2, 3, 3], lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"))

# Borders

for text, sides in [("1", (1, 1, 1, 1)), ("[2, 1]", (1, 1, 2, 2)), ("[0, 1, 2, 3]", (2, 3, 0, 1)), ("[2, 0, 0, 1]", (0, 1, 2, 0))]:
    for mode in "constant", "reflect", "replicate":
        case("pad", f"{text}, {mode}", f"x |> pad({text}, mode = {mode})", [2, 2, 3, 4], lambda x: F.pad(x, sides, mode=mode))
case("pad", "reflect, all but one", "x |> pad([3, 2], mode = reflect)", [1, 2, 4, 3], lambda x: F.pad(x, (2, 2, 3, 3), mode="reflect"))
case("pad", "replicate, more than the map", "x |> pad([5, 0, 0, 7], mode = replicate)", [1, 2, 2, 3], lambda x: F.pad(x, (0, 7, 5, 0), mode="replicate"))
case("crop", "middle", "x |> crop(to = [3, 2])", [2, 3, 6, 4], lambda x: x[:, :, 1:4, 1:3])
case("crop", "all", "x |> crop(to = [4, 4])", [1, 3, 4, 4], lambda x: x)
case("crop", "at", "x |> crop(to = [2, 3], at = [0, 2])", [2, 3, 5, 5], lambda x: x[:, :, 0:2, 2:5])
case("crop", "at the end", "x |> crop(to = [2, 3], at = [3, 1])", [1, 3, 5, 4], lambda x: x[:, :, 3:5, 1:4])
case("crop", "like", "x |> crop(to = x |> maxpool(2))", [2, 3, 7, 5], lambda x: x[:, :, 2:5, 1:3])

# Channels

case("slice", "front", "x |> slice(0, to = 2)", [2, 5, 3, 3], lambda x: x[:, 0:2])
case("slice", "rest", "x |> slice(3)", [2, 5, 3, 3], lambda x: x[:, 3:])
case("slice", "one, of a vector", "x |> flatten |> slice(2, to = 3)", [3, 5, 1, 1], lambda x: x.flatten(1)[:, 2:3])
case("channel_mean", "map", "x |> channel_mean", [2, 5, 3, 4], lambda x: x.mean(1, keepdim=True))
for kind in "smooth", "grid":
    case("channel_max", kind, "x |> channel_max", [2, 9, 3, 4], lambda x: x.max(1, keepdim=True).values, kind=kind)
case("channel_max", "CBAM's gate", "x * (concat(x |> channel_mean, x |> channel_max) |> conv(1, k = 7) |> sigmoid)", [2, 3, 5, 6],
     lambda x, m: x * torch.sigmoid(m(torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True).values], 1))), nn.Conv2d(2, 1, 7, padding=3))
case("channel_shuffle", "2 of 6", "x |> channel_shuffle(2)", [2, 6, 2, 3], lambda x: F.channel_shuffle(x, 2))
case("channel_shuffle", "3 of 6", "x |> channel_shuffle(3)", [1, 6, 3, 2], lambda x: F.channel_shuffle(x, 3))
case("pixel_shuffle", "2", "x |> pixel_shuffle(2)", [2, 8, 2, 3], lambda x: F.pixel_shuffle(x, 2))
case("pixel_shuffle", "3", "x |> pixel_shuffle(3)", [1, 9, 3, 2], lambda x: F.pixel_shuffle(x, 3))

# Several inputs

case("concat", "two", "concat(x |> slice(0, to = 1), x)", [2, 3, 3, 4], lambda x: torch.cat([x[:, :1], x], 1))
case("concat", "list", "let y = x |> slice(1)\nreturn [y, x, y] |> concat", [2, 3, 3, 4], lambda x: torch.cat([x[:, 1:], x, x[:, 1:]], 1))
case("concat", "vectors", "let v = x |> flatten\nreturn concat(v, v |> slice(2))", [2, 5, 1, 1], lambda x: torch.cat([x.flatten(1), x.flatten(1)[:, 2:]], 1))
case("concat", "one", "concat(x)", [1, 3, 2, 2], lambda x: x)
ELEMENTWISE = {"add": ("+", torch.add), "sub": ("-", torch.sub), "mul": ("*", torch.mul), "div": ("/", torch.div)}
PARTS = [
    ("equal", "slice(3)", lambda x: x[:, 3:]),
    ("[c, 1, 1]", "slice(3) |> crop(to = [1, 1])", lambda x: x[:, 3:, 1:2, 1:2]),
    ("[1, h, w]", "slice(5)", lambda x: x[:, 5:]),
]
for op, (symbol, f) in ELEMENTWISE.items():
    for what, text, part in PARTS:
        # A divisor of at least 1/4.
        away = (lambda t: torch.sigmoid(t)) if op == "div" else (lambda t: t)
        end = " |> sigmoid" if op == "div" else ""
        before = f"let a = x |> slice(0, to = 3){end}\nlet b = x |> {text}{end}\n"
        shape = [2, 6, 4, 4] if what == "[c, 1, 1]" else [2, 6, 3, 4]
        one = lambda x: away(x[:, :3])
        two = lambda x: away(part(x))
        case(op, f"{what} on the right", f"{before}return a {symbol} b", shape, lambda x: f(one(x), two(x)))
        case(op, f"{what} on the left", f"{before}return {op}(b, a)", shape, lambda x: f(two(x), one(x)))
    if op == "div":
        continue  # exactly 1, so that the gradient is only rounding
    case(op, "with itself", f"let a = x |> sigmoid\nreturn a {symbol} a", [1, 2, 3, 3], lambda x: f(torch.sigmoid(x), torch.sigmoid(x)))

case("flatten", "map", "x |> flatten", [2, 3, 2, 4], lambda x: x.flatten(1))
case("unflatten", "vector", "x |> flatten |> unflatten", [2, 3, 2, 2], lambda x: x.flatten(1)[:, :, None, None])
case("unflatten", "gate", "x * (x |> avgpool_to(1) |> flatten |> linear(3) |> sigmoid |> unflatten)", [2, 3, 3, 4],
     lambda x, m: x * torch.sigmoid(m(x.mean((2, 3))))[:, :, None, None], nn.Linear(3, 3))
case("dropout", "eval", "x |> dropout(0.5)", [2, 3, 3, 4], lambda x: F.dropout(x, 0.5, False), mode="eval")
case("dropout", "train, p = 0", "x |> dropout(0)", [2, 3, 3, 4], lambda x: F.dropout(x, 0.0, True))
case("dropout", "eval, vector", "x |> flatten |> dropout(0.9)", [2, 4, 1, 1], lambda x: x.flatten(1), mode="eval")

# New cases are appended, so that the seeds of the others stay

for kind in "smooth", "grid":
    case("hard_sigmoid", kind, "x |> hard_sigmoid", [2, 3, 6, 5], F.hardsigmoid, kind=kind)
case("channel_pad", "map", "x |> channel_pad(5)", [2, 3, 3, 4], lambda x: F.pad(x, (0, 0, 0, 0, 0, 2)))
case("channel_pad", "nothing to add", "x |> channel_pad(3)", [1, 3, 2, 2], lambda x: x)
case("channel_pad", "vector", "x |> flatten |> channel_pad(7)", [3, 5, 1, 1], lambda x: F.pad(x.flatten(1), (0, 2)))
case("channel_pad", "shortcut without parameters", "x |> conv(6, stride = 2) |> add(x |> avgpool(1, stride = 2) |> channel_pad(6))",
     [2, 4, 5, 6], lambda x, m: m(x) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 2)), nn.Conv2d(4, 6, 3, 2, 1))
case("reshape", "map", "x |> reshape([6, 2, 4])", [2, 3, 4, 4], lambda x: x.reshape(-1, 6, 2, 4))
case("reshape", "the rest", "x |> reshape([2, -1, 3])", [2, 4, 3, 5], lambda x: x.reshape(-1, 2, 10, 3))
case("reshape", "to a vector", "x |> reshape([-1]) |> linear(4)", [2, 3, 2, 2], lambda x, m: m(x.reshape(-1, 12)), nn.Linear(12, 4))
case("reshape", "from a vector", "x |> flatten |> reshape(to = [3, 2, -1]) |> conv(2)", [2, 6, 2, 1], lambda x, m: m(x.reshape(-1, 3, 2, 2)), nn.Conv2d(3, 2, 3, padding=1))
case("reshape", "channel shuffle by hand", "x |> reshape([-1, 1, W])", [1, 2, 3, 4], lambda x: x.reshape(1, -1, 1, 4))

out = pathlib.Path(__file__).with_name("ops.json")
out.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(f"{len(cases)} cases, {out.stat().st_size} bytes, torch {torch.__version__}")
