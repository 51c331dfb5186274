"""Confusion matrix and average precision of random pixels by scikit-learn: tests/reference/precision_recall.json.

    python tests/reference/precision_recall.py > tests/reference/precision_recall.json

Two images of softmax probabilities of three classes: one of a network that is unsure, one of a network that is nearly always sure,
whose probabilities crowd at 0 and 1. A tenth of the pixels is ignored (255). `average_precision` is of the probabilities
themselves, `binned` of their bins: the nearer of p and 1 - p, cut to 11 leading bits (10 behind the first).
"""

import json
import sys

import numpy as np
from sklearn.metrics import average_precision_score, confusion_matrix

CLASSES, PIXELS = 3, 300
rng = np.random.default_rng(16)


def image(sharpness):
    truth = rng.choice(CLASSES, PIXELS, p=[0.7, 0.25, 0.05])
    logits = rng.standard_normal((CLASSES, PIXELS)) + 1.5 * np.eye(CLASSES)[truth].T
    logits = (sharpness * logits).astype(np.float32)
    e = np.exp(logits - logits.max(0))
    truth[rng.random(PIXELS) < 0.1] = 255
    return (e / e.sum(0)).astype(np.float32), truth


def cut(distance):
    mantissa, exponent = np.frexp(distance.astype(np.float64))
    return np.where(distance < 2.0**-24, 0, np.floor(mantissa * 2048) / 2048 * 2.0**exponent)


def binned(p):
    p = p.astype(np.float64)
    # 1 - p is cut downwards as well, so equal scores are equal bins, and higher scores are higher bins.
    return np.where(p < 0.5, cut(p), 1 - cut(1 - p))


images = [image(1.0), image(9.0)]
probabilities = np.concatenate([p for p, _ in images], 1)
truth = np.concatenate([t for _, t in images])
predicted = probabilities.argmax(0)
counted = truth != 255
scores = {"average_precision": [], "binned": []}
for c in range(1, CLASSES):
    own, p = truth[counted] == c, probabilities[c][counted]
    scores["average_precision"].append(average_precision_score(own, p))
    scores["binned"].append(average_precision_score(own, binned(p)))
json.dump(
    {
        "images": [{"probabilities": p.ravel().tolist(), "truth": t.tolist()} for p, t in images],
        "predicted": predicted.tolist(),
        "confusion": confusion_matrix(truth[counted], predicted[counted]).tolist(),
        **scores,
    },
    sys.stdout,
    separators=(",", ":"),
)
print()
