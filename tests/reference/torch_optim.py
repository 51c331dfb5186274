"""Steps of torch.optim with its schedulers and clip_grad_norm_ on a small network, and rates of its schedulers.

    python tests/reference/torch_optim.py            (writes optim.json into its own folder)

The network is conv 3x3 of 1 to 3 channels, ReLU, conv 1x1 to 2, on a batch of 3 images of 6x6, with cross entropy. Numbers
are given as whole numbers of 1/256, exact in f32; all is computed in f64. A case has the optimiser, schedule and clip as
npc's language writes them, the loss before each step, the norm of the gradients before clipping and all weights at the end.
Its steps are 5 an epoch.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    LinearLR,
    PolynomialLR,
    SequentialLR,
)

torch.set_default_dtype(torch.float64)
UNIT, STEPS, PER_EPOCH = 256, 20, 5


def short(v):
    return float(f"{v:.14g}")


def given():
    generator = torch.Generator().manual_seed(7)

    def whole(*shape):
        return torch.randint(-UNIT, UNIT, shape, generator=generator)

    weights = {"a.weight": whole(3, 1, 3, 3), "a.bias": whole(3), "b.weight": whole(2, 3, 1, 1), "b.bias": whole(2)}
    return weights, whole(3, 1, 6, 6), torch.randint(0, 2, (3, 6, 6), generator=generator)


class Net(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 2, 1)
        self.load_state_dict({name: w / UNIT for name, w in weights.items()})

    def forward(self, x):
        return self.b(F.relu(self.a(x)))


def constant(optimizer, _):
    return ConstantLR(optimizer, 1.0, 1)


def poly(power):
    return lambda optimizer, steps: PolynomialLR(optimizer, steps, power)


def cosine(low, restarts):
    def make(optimizer, steps):
        if restarts == 0:
            return CosineAnnealingLR(optimizer, steps, low)
        assert steps % (restarts + 1) == 0
        return CosineAnnealingWarmRestarts(optimizer, steps // (restarts + 1), 1, low)

    return make


def scheduler(optimizer, curve, warmup, steps):
    if warmup == 0:
        return curve(optimizer, steps)
    rise = LinearLR(optimizer, 1.0 / (warmup + 1), 1.0, warmup)
    return SequentialLR(optimizer, [rise, curve(optimizer, steps - warmup)], [warmup])


# Optimiser, schedule and clip in npc's words, and the same here; warm-ups in steps.
CASES = [
    ("adam(lr = 0.02)", "constant", None, lambda p: Adam(p, 0.02), (constant, 0)),
    ("adam(lr = 0.02, beta1 = 0.8, beta2 = 0.95, eps = 1e-4, weight_decay = 0.1)", "constant", None,
     lambda p: Adam(p, 0.02, (0.8, 0.95), 1e-4, 0.1), (constant, 0)),
    ("adamw(lr = 0.02)", "constant", None, lambda p: AdamW(p, 0.02), (constant, 0)),
    ("adamw(lr = 0.02, beta1 = 0.8, weight_decay = 0.5)", "cosine(min = 0.001, restarts = 1)", 0.05,
     lambda p: AdamW(p, 0.02, (0.8, 0.999), weight_decay=0.5), (cosine(0.001, 1), 0)),
    ("sgd(lr = 0.3)", "constant", None, lambda p: SGD(p, 0.3), (constant, 0)),
    ("sgd(lr = 0.3, weight_decay = 0.05)", "constant", 0.03, lambda p: SGD(p, 0.3, weight_decay=0.05), (constant, 0)),
    ("sgd(lr = 0.1, momentum = 0.9)", "constant", None, lambda p: SGD(p, 0.1, 0.9), (constant, 0)),
    ("sgd(lr = 0.1, momentum = 0.99, nesterov = true, weight_decay = 0.003)", "poly(power = 0.9, warmup = 1)", 0.04,
     lambda p: SGD(p, 0.1, 0.99, nesterov=True, weight_decay=0.003), (poly(0.9), 5)),
]


def run(weights, x, y, case):
    text, schedule, clip, make, (curve, warmup) = case
    net = Net(weights)
    optimizer = make(net.parameters())
    steps = scheduler(optimizer, curve, warmup, STEPS)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x / UNIT), y)
        loss.backward()
        norms.append(short(nn.utils.clip_grad_norm_(net.parameters(), math.inf if clip is None else clip).item()))
        optimizer.step()
        steps.step()
        losses.append(short(loss.item()))
    end = {name: [short(v) for v in w.flatten().tolist()] for name, w in net.state_dict().items()}
    return {"optimizer": text, "schedule": schedule, "clip": clip, "losses": losses, "norms": norms, "weights": end}


# Schedule, rate, steps an epoch, epochs, and the same here.
RATES = [
    ("constant", 0.1, 3, 2, (constant, 0)),
    ("constant(warmup = 2)", 0.1, 3, 4, (constant, 6)),
    ("poly", 0.01, 7, 3, (poly(0.9), 0)),
    ("poly(power = 2, warmup = 1)", 0.3, 4, 4, (poly(2.0), 4)),
    ("cosine", 1e-3, 5, 4, (cosine(0.0, 0), 0)),
    ("cosine(min = 1e-5, warmup = 0.5)", 1e-3, 6, 3, (cosine(1e-5, 0), 3)),
    ("cosine(restarts = 3)", 0.2, 6, 4, (cosine(0.0, 3), 0)),
    ("cosine(min = 0.01, restarts = 1, warmup = 1)", 0.2, 4, 5, (cosine(0.01, 1), 4)),
]


def rates(schedule, lr, per_epoch, epochs, curve, warmup):
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr)
    steps = scheduler(optimizer, curve, warmup, per_epoch * epochs)
    found = []
    for _ in range(per_epoch * epochs):
        found.append(short(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        steps.step()
    return {"schedule": schedule, "lr": lr, "per_epoch": per_epoch, "epochs": epochs, "rates": found}


def main():
    weights, x, y = given()
    made = {
        "weights": {name: {"shape": list(w.shape), "values": w.flatten().tolist()} for name, w in weights.items()},
        "images": x.flatten().tolist(),
        "classes": y.flatten().tolist(),
        "per_epoch": PER_EPOCH,
        "cases": [run(weights, x, y, case) for case in CASES],
        "schedules": [rates(*first, *last) for *first, last in RATES],
    }
    pathlib.Path(__file__).with_name("optim.json").write_text(json.dumps(made) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
