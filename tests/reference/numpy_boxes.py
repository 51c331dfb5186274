"""Quartiles and whiskers of lists of scores by NumPy: tests/reference/boxes.json.

    python tests/reference/numpy_boxes.py > tests/reference/boxes.json

Quartiles are `numpy.quantile` with its default, linear interpolation. Whiskers are those of `matplotlib.cbook.boxplot_stats`:
the farthest values within 1.5 interquartile ranges of the quartiles, and the quartile where no value is between.
"""

import json
import sys

import numpy as np

rng = np.random.default_rng(16)
lists = [
    [0.5],
    [0.25, 0.75],
    [0.1, 0.2, 0.9],
    [1, 2, 3, 4],
    [0.0, 0.0, 0.0, 0.0, 1.0],
    [0.9, 0.9, 0.9, 0.9],
    [1.0, 2.0, 3.0, 4.0, 100.0],
    [10.0, 10.0, 0.0, 10.5],
    *[np.round(rng.beta(8, 2, n), 6).tolist() for n in (5, 8, 13, 21, 100)],
    *[np.round(rng.exponential(4, n), 4).tolist() for n in (7, 30)],
]
cases = []
for values in lists:
    low, median, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    reach = 1.5 * (high - low)
    inside = [v for v in values if low - reach <= v <= high + reach]
    whiskers = [min([low, *inside]), max([high, *inside])]
    cases.append({"values": values, "mean": float(np.mean(values)), "median": median, "quartiles": [low, high], "whiskers": whiskers})
json.dump({"numpy": np.__version__, "cases": cases}, sys.stdout, indent=1)
print()
