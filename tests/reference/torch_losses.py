"""Values and gradients of losses by PyTorch, MONAI and segmentation_models_pytorch.

    python tests/reference/torch_losses.py            (writes losses.json into its own folder)

An input has logits [n, k, h, w], given as whole numbers of 1/65536 (exact in f32), and classes [n, h, w], both row-major.
A case has a loss as npc's language writes it, the library that computed it, and for each input the value and the gradient
by the logits, which is recorded as its L2 norm, its sum with the signs of `sign`, and some elements. All is computed in
f64. `sign` and the rest that both share is in torch_ignore.py, which needs PyTorch alone.

Where a library computes in f32 (MONAI's focal loss, smp's Lovász loss) or averages in another order (smp's focal Tversky
loss), the formula is written out here and asserted to agree with the library where they must.
"""

import torch
import torch.nn.functional as F
from monai.losses import DiceCELoss, DiceLoss, FocalLoss, TverskyLoss
from segmentation_models_pytorch.losses import DiceLoss as SmpDice
from segmentation_models_pytorch.losses import LovaszLoss as SmpLovasz
from segmentation_models_pytorch.losses import TverskyLoss as SmpTversky
from torch_ignore import UNIT, record, short, write

torch.set_default_dtype(torch.float64)


def inputs():
    generator = torch.Generator().manual_seed(4)

    def smooth(n, k, h, w):
        return torch.randint(-3 * UNIT, 3 * UNIT, (n, k, h, w), generator=generator)

    def classes(n, k, h, w):
        return torch.randint(0, k, (n, h, w), generator=generator)

    yield "two classes", smooth(1, 2, 4, 5), classes(1, 2, 4, 5)
    # No image has class 2 and class 1 both, one has neither.
    truth = classes(3, 3, 3, 4)
    truth[0][truth[0] == 2] = 0
    truth[1][truth[1] == 1] = 0
    truth[2] = 0
    yield "three images, three classes", smooth(3, 3, 3, 4), truth
    yield "a class that is nowhere", smooth(2, 4, 3, 3), classes(2, 3, 3, 3)
    yield "background alone", smooth(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.long)
    # Far on the right and on the wrong side; a few pixels in between, so that the gradient is not zero everywhere.
    far = torch.tensor([20000.0, -20000.0, 100.0, -100.0, 30.0, -30.0])
    logits = torch.zeros(3, 2, 3, 4)
    logits[:, 1] = far[torch.randint(0, 6, (3, 3, 4), generator=generator)]
    logits[0, 1, 0, 0], logits[1, 1, 1, 1], logits[2, 1, 2, 2] = 0.75, -1.5, 2.25
    yield "far logits", (logits * UNIT).long(), classes(3, 2, 3, 4)


def one_hot(x, y):
    """In f64: MONAI's own is f32, and its squared norms round."""
    return F.one_hot(y, x.shape[1]).movedim(-1, 1).double()


def monai(loss):
    return "MONAI", lambda x, y: loss(x, one_hot(x, y))


def smp(loss, only=None):
    return "smp", loss, only


def focal(gamma, alpha=None):
    def ours(x, y):
        log_p = F.log_softmax(x, 1).gather(1, y[:, None])[:, 0]
        # 1 - p as the sum of the others, for gammas below 1 at p = 1.
        others = F.log_softmax(x, 1).masked_fill(one_hot(x, y) == 1, -torch.inf)
        loss = -torch.exp(gamma * torch.logsumexp(others, 1)) * log_p if gamma else -log_p
        if alpha is not None:
            k = x.shape[1]
            of = alpha[:k] if isinstance(alpha, list) else [1 - alpha] + [alpha] * (k - 1)
            loss = loss * torch.tensor(of)[y]
        of = alpha if not isinstance(alpha, list) else alpha[: x.shape[1]]
        theirs = FocalLoss(gamma=gamma, alpha=of, use_softmax=True, to_onehot_y=True)(x, y[:, None]) * x.shape[1]
        torch.testing.assert_close(loss.mean().float(), theirs, rtol=1e-5, atol=1e-6)
        return loss.mean()

    return "MONAI (times the classes, since it is a mean over them too)", ours


def focal_tversky(alpha, beta, gamma, batch, background):
    loss = TverskyLoss(
        batch=batch, include_background=background, reduction="none", alpha=alpha, beta=beta, softmax=True
    )

    def ours(x, y):
        parts = loss(x, one_hot(x, y))
        # At 0 a power below 1 has no slope; npc stops at 1e-12.
        power = parts.clamp_min(1e-12).pow(gamma).mean()
        if x.shape[1] == 2 and batch and not background and (y == 1).any():
            theirs = SmpTversky("multiclass", classes=[1], alpha=alpha, beta=beta, gamma=gamma, smooth=1e-5)(x, y)
            torch.testing.assert_close(power, theirs, rtol=1e-6, atol=1e-8)
        return power

    return "MONAI (power of its parts), smp for one class", ours


def lovasz(per_image):
    def jaccard_loss(wrong, truth):
        """1 - intersection / union of the truth and the prediction whose mistakes are the pixels `wrong`."""
        found = truth ^ wrong
        return 1.0 - (found & truth).sum().item() / (found | truth).sum().item()

    def one(p, y):
        losses = []
        for c in y.unique():
            truth = y == c
            errors = (truth.double() - p[c]).abs()
            wrong, before, loss = torch.zeros_like(truth), 0.0, 0.0
            for i in errors.argsort(descending=True):
                wrong[i] = True
                after = jaccard_loss(wrong, truth)
                loss, before = loss + errors[i] * (after - before), after
            losses.append(loss)
        return sum(losses) / len(losses)

    def ours(x, y):
        p, k = x.softmax(1), x.shape[1]
        if per_image:
            loss = sum(one(q.reshape(k, -1), t.flatten()) for q, t in zip(p, y)) / len(y)
        else:
            loss = one(p.movedim(1, 0).reshape(k, -1), y.flatten())
        theirs = SmpLovasz("multiclass", per_image=per_image)(x.float(), y)
        torch.testing.assert_close(loss.float(), theirs, rtol=1e-5, atol=1e-6)
        return loss

    return "smp", ours


def cross_entropy(weights=None, smoothing=0.0):
    def loss(x, y):
        weight = None if weights is None else torch.tensor(weights[: x.shape[1]])
        return F.cross_entropy(x, y, weight=weight, label_smoothing=smoothing)

    return "torch", loss


def dice_ce(x, y):
    return DiceCELoss(softmax=True, to_onehot_y=True, lambda_dice=0.5, lambda_ce=2.0)(x, y[:, None])


def all_present(x, y):
    return all((y == c).any() for c in range(x.shape[1]))


SOFT = {"softmax": True}
# `K` numbers of a list are cut to the classes of the input.
CASES = [
    ("cross_entropy", cross_entropy()),
    ("cross_entropy(weights = [0.5, 2, 1, 3])", cross_entropy([0.5, 2.0, 1.0, 3.0])),
    ("cross_entropy(smoothing = 0.1)", cross_entropy(smoothing=0.1)),
    ("cross_entropy(weights = [1, 4, 0, 2], smoothing = 0.2)", cross_entropy([1.0, 4.0, 0.0, 2.0], 0.2)),
    ("dice", monai(DiceLoss(include_background=False, batch=True, **SOFT))),
    ("dice(batch = false, include_background = true)", monai(DiceLoss(**SOFT))),
    ("dice(squared = true, batch = false)", monai(DiceLoss(include_background=False, squared_pred=True, **SOFT))),
    ("dice(squared = true, include_background = true, smooth = 1)",
     monai(DiceLoss(squared_pred=True, batch=True, smooth_nr=1.0, smooth_dr=1.0, **SOFT))),
    ("dice(include_background = true, smooth = 0)", smp(SmpDice("multiclass"), all_present)),
    ("focal", focal(2.0)),
    ("focal(gamma = 0.5, alpha = 0.25)", focal(0.5, 0.25)),
    ("focal(gamma = 3, alpha = [1, 4, 2, 3])", focal(3.0, [1.0, 4.0, 2.0, 3.0])),
    ("tversky(alpha = 0.3, beta = 0.7)",
     monai(TverskyLoss(alpha=0.3, beta=0.7, batch=True, include_background=False, **SOFT))),
    ("tversky(batch = false, include_background = true)", monai(TverskyLoss(**SOFT))),
    ("tversky(alpha = 0.3, beta = 0.7, include_background = true, smooth = 0)",
     smp(SmpTversky("multiclass", alpha=0.3, beta=0.7), all_present)),
    ("tversky(alpha = 0.3, beta = 0.7, gamma = 0.75)", focal_tversky(0.3, 0.7, 0.75, True, False)),
    ("tversky(alpha = 0.2, beta = 0.8, gamma = 2, batch = false, include_background = true)",
     focal_tversky(0.2, 0.8, 2.0, False, True)),
    ("lovasz", lovasz(False)),
    ("lovasz(per_image = true)", lovasz(True)),
    ("2 * cross_entropy + dice(batch = false, include_background = true) * 0.5", ("MONAI", dice_ce)),
]


def main():
    given = list(inputs())
    cases = []
    for loss, (library, compute, *only) in CASES:
        results = {}
        for name, logits, truth in given:
            x = (logits.double() / UNIT).requires_grad_()
            if only and only[0] and not only[0](x, truth):
                continue
            value = compute(x, truth)
            value.backward()
            assert value.isfinite() and x.grad.isfinite().all(), (loss, name)
            results[name] = {"value": short(value.item()), **record(x.grad)}
        cases.append({"loss": loss, "library": library, "results": results})
    write("losses.json", given, cases)


if __name__ == "__main__":
    main()
