"""Scores of random masks by MONAI, medpy, SciPy and NumPy: tests/reference/metrics.json.

    python tests/reference/metrics_reference.py > tests/reference/metrics.json

Each number names its source. Definitions that differ between the packages are kept apart: `hd95` is MONAI's (the
larger of two directed percentiles), `hd95_medpy` medpy's (one percentile of all distances).
"""

import json
import sys
import warnings

import monai.metrics as mm
import numpy as np
import scipy.ndimage as nd
import scipy.stats as st
import torch
from medpy.metric import binary as medpy

warnings.filterwarnings("ignore")
rng = np.random.default_rng(2026)


def blob(h, w, smooth, share):
    """A smooth random mask that covers about `share` of the pixels."""
    field = nd.gaussian_filter(rng.standard_normal((h, w)), smooth)
    return field > np.quantile(field, 1 - share)


def class_map(h, w, classes, smooth):
    fields = [nd.gaussian_filter(rng.standard_normal((h, w)), smooth) for _ in range(classes)]
    return np.argmax(fields, axis=0).astype(np.uint8)


def runs(mask):
    """Run lengths, the first of value 0; of a class map a list of [class, length]."""
    flat = mask.reshape(-1).astype(int)
    cut = np.flatnonzero(np.diff(flat)) + 1
    starts = np.concatenate([[0], cut])
    lengths = np.diff(np.concatenate([starts, [flat.size]]))
    return [[int(flat[s]), int(n)] for s, n in zip(starts, lengths)]


def number(x):
    x = float(x)
    return x if np.isfinite(x) else None


def onehot(mask):
    return torch.tensor(np.stack([~mask, mask])[None].astype(np.float32))


def confusion(p, t):
    """Dice, IoU and the rest by MONAI, for the object only; NaN where MONAI leaves the image out."""
    a, b = onehot(p), onehot(t)
    matrix = mm.get_confusion_matrix(a, b, include_background=False)
    get = lambda name: number(mm.compute_confusion_matrix_metric(name, matrix)[0, 0])
    return {
        "dice": number(mm.compute_dice(a, b, include_background=False, ignore_empty=False)[0, 0]),
        "iou": number(mm.compute_iou(a, b, include_background=False, ignore_empty=False)[0, 0]),
        "precision": get("precision"),
        "recall": get("sensitivity"),
        "specificity": get("specificity"),
        "accuracy": get("accuracy"),
        "medpy_precision": number(medpy.precision(p, t)),
        "medpy_recall": number(medpy.recall(p, t)),
    }


def boundary_iou(p, t, share=0.02):
    """Cheng et al. 2021 by SciPy's erosion."""
    h, w = p.shape
    width = max(1, int(round(share * float(np.hypot(h, w)))))
    erode = lambda m: nd.binary_erosion(m, np.ones((3, 3)), iterations=width, border_value=0)
    a, b = p & ~erode(p), t & ~erode(t)
    either = (a | b).sum()
    return number((a & b).sum() / either) if either else None


def surface(p, t, spacing):
    if not p.any() or not t.any():
        return None
    a, b = onehot(p), onehot(t)
    kw = dict(include_background=False, spacing=list(spacing))
    return {
        "hd95": number(mm.compute_hausdorff_distance(a, b, percentile=95, **kw)[0, 0]),
        "assd": number(mm.compute_average_surface_distance(a, b, symmetric=True, **kw)[0, 0]),
        "hd95_medpy": number(medpy.hd95(p, t, voxelspacing=spacing)),
        "assd_medpy": number(medpy.assd(p, t, voxelspacing=spacing)),
    }


def pair(p, t, spacing, classes=2):
    h, w = p.shape
    per_class = []
    for k in range(classes):
        a, b = p == k, t == k
        per_class.append({**confusion(a, b), "boundary_iou": boundary_iou(a, b), "surface": surface(a, b, spacing)})
    return {"size": [h, w], "spacing": spacing, "classes": classes, "pred": runs(p), "truth": runs(t), "scores": per_class}


def pairs():
    out = []
    for h, w, spacing in [(17, 23, (1, 1)), (31, 31, (0.7, 0.7)), (40, 27, (2.5, 0.6)), (64, 49, (0.3, 1.9)), (1, 19, (1, 2)), (13, 1, (3, 1))]:
        for share in (0.05, 0.3, 0.8):
            t = blob(h, w, 2, share)
            p = np.roll(t, (1, 2), (0, 1)) ^ blob(h, w, 1, 0.05)
            out.append(pair(p.astype(np.uint8), t.astype(np.uint8), spacing))
    size, spacing = (21, 34), (1.5, 0.8)
    nothing, all_, some = np.zeros(size, np.uint8), np.ones(size, np.uint8), blob(*size, 3, 0.2).astype(np.uint8)
    dot = nothing.copy()
    dot[20, 33] = 1
    for p, t in [(nothing, nothing), (nothing, some), (some, nothing), (all_, some), (some, all_), (all_, all_), (dot, some), (dot, dot)]:
        out.append(pair(p, t, spacing))
    for h, w, k in [(45, 38, 3), (29, 61, 5)]:
        t = class_map(h, w, k, 4)
        p = np.where(blob(h, w, 1.5, 0.15), class_map(h, w, k, 3), t).astype(np.uint8)
        t[t == k - 1] = 0
        out.append(pair(p, t, (0.9, 1.3), k))
    return out


def transform():
    """SciPy's exact distance transform: the squares are compared pixel by pixel."""
    out = []
    for h, w, spacing, share in [(19, 26, (1, 1), 0.03), (33, 12, (0.4, 2.2), 0.02), (9, 50, (3, 0.5), 0.1)]:
        mask = rng.random((h, w)) < share
        mask[0, 0] = True
        d = nd.distance_transform_edt(~mask, sampling=spacing)
        out.append({"size": [h, w], "spacing": spacing, "set": runs(mask), "distance": np.round(d, 9).reshape(-1).tolist()})
    return out


def ece():
    """Expected calibration error, 15 bins, as torchmetrics' MulticlassCalibrationError(norm="l1") defines it."""
    confidence = rng.beta(5, 1.2, 700).astype(np.float32)
    right = rng.random(700) < confidence**1.5
    edges = np.linspace(0, 1, 16)
    index = np.clip(np.digitize(confidence.astype(np.float64), edges) - 1, 0, 14)
    error, worst = 0.0, 0.0
    for b in range(15):
        inside = index == b
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].astype(np.float64).mean())
            error += inside.mean() * gap
            worst = max(worst, gap)
    return {"confidence": [float(c) for c in confidence], "right": right.astype(int).tolist(), "ece": error, "mce": worst}


def statistics():
    a = np.clip(rng.beta(12, 2, 60), 0, 1)
    b = np.clip(a - 0.01 + 0.03 * rng.standard_normal(60), 0, 1)
    d = a - b
    boot = lambda x, seed: st.bootstrap((x,), np.mean, n_resamples=200_000, method="percentile", rng=np.random.default_rng(seed), batch=10_000).confidence_interval
    flips = lambda x: st.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=200_000, rng=np.random.default_rng(3), batch=10_000).pvalue
    # The cluster bootstrap: groups drawn whole, the mean over the images drawn.
    group = rng.integers(0, 15, 60)
    sums, counts = np.bincount(group, a, 15), np.bincount(group, minlength=15)
    draw = rng.integers(0, 15, (200_000, 15))
    grouped = np.percentile(sums[draw].sum(1) / counts[draw].sum(1), [2.5, 97.5])
    tied = np.round(d, 2)
    few = d[:9]
    wilcoxon = lambda x, method: float(st.wilcoxon(x, method=method).pvalue)
    return {
        "a": a.tolist(), "b": b.tolist(), "group": group.tolist(), "tied": tied.tolist(),
        "interval": list(map(float, boot(a, 1))), "difference": list(map(float, boot(d, 2))), "grouped": grouped.tolist(),
        "permutation": float(flips(d)), "permutation_few": float(flips(few)),
        "wilcoxon": wilcoxon(d, "approx"), "wilcoxon_exact": wilcoxon(d[:40], "exact"), "wilcoxon_few": wilcoxon(few, "exact"),
        "wilcoxon_tied": float(st.wilcoxon(tied, zero_method="wilcox", method="approx").pvalue),
        "holm_in": [0.01, 0.04, 0.03, 0.005], "holm": [0.03, 0.06, 0.06, 0.02],
    }


import monai
import scipy
from importlib.metadata import version

versions = {"monai": monai.__version__, "medpy": version("medpy"), "scipy": scipy.__version__, "numpy": np.__version__}
json.dump({"versions": versions, "pairs": pairs(), "transform": transform(), "calibration": ece(), "statistics": statistics()}, sys.stdout)
