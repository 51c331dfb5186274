"""Scores of random volumes by SciPy: tests/reference/volume_metrics.json.

    python tests/reference/volume_metrics.py > tests/reference/volume_metrics.json

The code follows medpy 0.5 (`medpy.metric.binary.__surface_distances`): the surface is a mask without its erosion by the six
neighbours, the outside counts as background, and distances come from SciPy's Euclidean distance transform with `sampling`.
`hd95` is the larger of the two directed percentiles (MONAI), `hd95_medpy` one percentile of all distances, `assd` the mean of all
distances of both directions. Needs NumPy and SciPy alone.
"""

import json
import sys

import numpy as np
import scipy.ndimage as nd

rng = np.random.default_rng(7)


def runs(mask):
    """Run lengths: a list of [class, length]."""
    flat = mask.reshape(-1).astype(int)
    cut = np.flatnonzero(np.diff(flat)) + 1
    starts = np.concatenate([[0], cut])
    lengths = np.diff(np.concatenate([starts, [flat.size]]))
    return [[int(flat[s]), int(n)] for s, n in zip(starts, lengths)]


def directed(a, b, spacing):
    """Distances from the surface of a to the surface of b."""
    six = nd.generate_binary_structure(3, 1)
    surface = lambda m: m ^ nd.binary_erosion(m, structure=six, iterations=1)
    return nd.distance_transform_edt(~surface(b), sampling=spacing)[surface(a)]


def scores(p, t, spacing):
    tp, fp, fn = int((p & t).sum()), int((p & ~t).sum()), int((~p & t).sum())
    found = {"tp": tp, "fp": fp, "fn": fn}
    if p.any() and t.any():
        there, back = directed(p, t, spacing), directed(t, p, spacing)
        both = np.concatenate([there, back])
        found |= {
            "dice": 2 * tp / (2 * tp + fp + fn),
            "iou": tp / (tp + fp + fn),
            "hd95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
            "hd95_medpy": float(np.percentile(both, 95)),
            "assd": float(both.mean()),
        }
    return found


def class_map(shape, classes, smooth):
    fields = [nd.gaussian_filter(rng.standard_normal(shape), smooth) for _ in range(classes)]
    return np.argmax(fields, axis=0).astype(np.uint8)


def main():
    volumes = []
    for i in range(14):
        shape = [int(n) for n in rng.integers(3, 14, 3)]
        # Slices of CT lie farther apart than pixels; coronal ones nearer.
        spacing = [float(s) for s in np.round(rng.uniform(0.4, 6.0, 3), 3)]
        classes = 2 + i % 3
        smooth = [0.6, 1.0, 1.6][i % 3]
        truth = class_map(shape, classes, smooth)
        pred = class_map(shape, classes, smooth)
        if i % 4 == 1:
            # A prediction that is nearly right: one slice shifted.
            pred = np.roll(truth, 1, axis=int(rng.integers(3)))
        if i == 5:
            pred[pred == 1] = 0
        if i == 6:
            pred[:] = 1
        each = [scores(pred == k, truth == k, spacing) for k in range(classes)]
        volumes.append({"size": shape, "spacing": spacing, "classes": classes, "pred": runs(pred), "truth": runs(truth), "scores": each})
    json.dump({"volumes": volumes}, sys.stdout, separators=(",", ":"))
    print()


main()
