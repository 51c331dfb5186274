"""Values and gradients of losses with ignored pixels by PyTorch.

    python tests/reference/torch_ignore.py            (writes losses_ignored.json into its own folder)

The format is that of losses.json (torch_losses.py); class 255 is an ignored pixel. Cross entropy is
`torch.nn.functional.cross_entropy(ignore_index=255)`. The other losses have no such option in a library that averages in the
same way: each is written here from its definition, over the other pixels alone, and images without other pixels are left out
of means over images. Needs PyTorch alone. All is computed in f64.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
UNIT = 65536
SAMPLES = 10
MASK = (1 << 64) - 1
IGNORED = 255
SMOOTH = 1e-5


def inputs():
    generator = torch.Generator().manual_seed(9)

    def case(n, k, h, w, share):
        logits = torch.randint(-3 * UNIT, 3 * UNIT, (n, k, h, w), generator=generator)
        truth = torch.randint(0, k, (n, h, w), generator=generator)
        truth[torch.rand((n, h, w), generator=generator) < share] = IGNORED
        return logits, truth

    yield "two classes", *case(1, 2, 4, 5, 0.3)
    yield "three images, three classes", *case(3, 3, 3, 4, 0.4)
    logits, truth = case(3, 4, 3, 3, 0.2)
    truth[1] = IGNORED
    yield "an image of ignored pixels alone", logits, truth
    logits, truth = case(2, 3, 3, 3, 0.2)
    truth[truth == 1] = IGNORED
    yield "a class under ignored pixels alone", logits, truth


def kept(x, y):
    """Each image as p [k, pixels] and classes [pixels], without ignored pixels; images without others are left out."""
    p = x.softmax(1)
    parts = [(q[:, t != IGNORED], t[t != IGNORED]) for q, t in zip(p, y)]
    return [(q, t) for q, t in parts if len(t)]


def joined(images):
    return [(torch.cat([q for q, _ in images], 1), torch.cat([t for _, t in images]))]


def cross_entropy(weights=None, smoothing=0.0):
    def loss(x, y):
        weight = None if weights is None else torch.tensor(weights[: x.shape[1]])
        return F.cross_entropy(x, y, weight=weight, label_smoothing=smoothing, ignore_index=IGNORED)

    return "torch", loss


def focal(gamma, alpha=None):
    def loss(x, y):
        (q, t), = joined(kept(x, y))
        own = q.gather(0, t[None])[0]
        part = -((1 - own) ** gamma) * own.log()
        return (part if alpha is None else part * torch.tensor(alpha[: x.shape[1]])[t]).mean()

    return "torch, by definition", loss


def region(overlap, batch, background, gamma=1.0):
    def loss(x, y):
        images = joined(kept(x, y)) if batch else kept(x, y)
        first = 0 if background else 1
        parts = [1 - overlap(q[c], (t == c).double()) for q, t in images for c in range(first, x.shape[1])]
        return torch.stack(parts).clamp_min(1e-12).pow(gamma).mean() if gamma != 1.0 else torch.stack(parts).mean()

    return "torch, by definition", loss


def dice(squared=False):
    def overlap(p, g):
        return (2 * (p * g).sum() + SMOOTH) / (((p * p) if squared else p).sum() + g.sum() + SMOOTH)

    return overlap


def tversky(alpha, beta):
    def overlap(p, g):
        tp = (p * g).sum()
        return (tp + SMOOTH) / (tp + alpha * (p * (1 - g)).sum() + beta * ((1 - p) * g).sum() + SMOOTH)

    return overlap


def lovasz(per_image):
    def one(p, y):
        losses = []
        for c in y.unique():
            truth = y == c
            errors = (truth.double() - p[c]).abs()
            wrong, before, loss = torch.zeros_like(truth), 0.0, 0.0
            for i in errors.argsort(descending=True):
                wrong[i] = True
                found = truth ^ wrong
                after = 1.0 - (found & truth).sum().item() / (found | truth).sum().item()
                loss, before = loss + errors[i] * (after - before), after
            losses.append(loss)
        return sum(losses) / len(losses)

    def loss(x, y):
        images = kept(x, y) if per_image else joined(kept(x, y))
        return sum(one(q, t) for q, t in images) / len(images)

    return "torch, by definition", loss


# Numbers of a list are cut to the classes of the input.
CASES = [
    ("cross_entropy", cross_entropy()),
    ("cross_entropy(weights = [0.5, 2, 1, 3])", cross_entropy([0.5, 2.0, 1.0, 3.0])),
    ("cross_entropy(smoothing = 0.1)", cross_entropy(smoothing=0.1)),
    ("cross_entropy(weights = [1, 4, 0, 2], smoothing = 0.2)", cross_entropy([1.0, 4.0, 0.0, 2.0], 0.2)),
    ("focal(gamma = 2)", focal(2.0)),
    ("focal(gamma = 3, alpha = [1, 4, 2, 3])", focal(3.0, [1.0, 4.0, 2.0, 3.0])),
    ("dice", region(dice(), True, False)),
    ("dice(batch = false, include_background = true)", region(dice(), False, True)),
    ("dice(squared = true, batch = false)", region(dice(True), False, False)),
    ("tversky(alpha = 0.3, beta = 0.7)", region(tversky(0.3, 0.7), True, False)),
    ("tversky(alpha = 0.2, beta = 0.8, gamma = 2, batch = false, include_background = true)",
     region(tversky(0.2, 0.8), False, True, 2.0)),
    ("lovasz", lovasz(False)),
    ("lovasz(per_image = true)", lovasz(True)),
]


def sign(i):
    """-1 where bit 0 of splitmix64's output i is set, from seed 0."""
    z = ((i + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return -1 if (z ^ (z >> 31)) & 1 else 1


def short(v):
    return float(f"{v:.12g}")


def record(gradient):
    values = gradient.flatten().tolist()
    step = max(1, (len(values) - 1) // SAMPLES)
    return {
        "l2": short(gradient.norm().item()),
        "signed_sum": short(sum(sign(i) * v for i, v in enumerate(values))),
        "sample": [short(v) for v in values[::step][:SAMPLES]],
    }


def write(file, given, cases):
    """Writes inputs and results into `file` of this folder."""
    made = {
        "inputs": {
            name: {"shape": list(x.shape), "logits": x.flatten().tolist(), "classes": y.flatten().tolist()}
            for name, x, y in given
        },
        "cases": cases,
    }
    lines = ",\n".join(json.dumps(c) for c in cases)
    text = '{"inputs": ' + json.dumps(made["inputs"]) + ',\n"cases": [\n' + lines + "\n]}\n"
    assert json.loads(text) == made
    pathlib.Path(__file__).with_name(file).write_text(text, encoding="utf-8")


def main():
    given = list(inputs())
    cases = []
    for loss, (library, compute) in CASES:
        results = {}
        for name, logits, truth in given:
            x = (logits.double() / UNIT).requires_grad_()
            value = compute(x, truth)
            value.backward()
            ignored = (truth == IGNORED)[:, None].expand_as(x)
            assert value.isfinite() and x.grad.isfinite().all() and (x.grad[ignored] == 0).all(), (loss, name)
            results[name] = {"value": short(value.item()), **record(x.grad)}
        cases.append({"loss": loss, "library": library, "results": results})
    write("losses_ignored.json", given, cases)


if __name__ == "__main__":
    main()
