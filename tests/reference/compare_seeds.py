"""Compares runs of npc with those of torch_seeds.py: Dice after each epoch, mean and range over the seeds.

    python tests/reference/compare_seeds.py torch.json RUN_DIR RUN_DIR ...

Below the curves: for each run the mean Dice of its last quarter of epochs (one number a run, less noisy than the last
epoch), the difference of the two means of these with Welch's 95 % interval over the seeds, and the best epochs. "Within
seed noise" is printed where that interval contains 0; with few seeds it is wide and excludes little.
"""

import argparse
import json
import math
import pathlib
import statistics
import sys

# 0.975 quantile of Student's t for 1, 2, ... degrees of freedom.
T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]


def npc_run(folder):
    lines = (pathlib.Path(folder) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def welch(a, b):
    """Difference of the means of b and a, and half the width of its 95 % interval; None where a spread is unknown."""
    difference = statistics.mean(b) - statistics.mean(a)
    if min(len(a), len(b)) < 2:
        return difference, None
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    if va + vb == 0:
        return difference, 0.0
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    t = T[min(int(freedom), len(T)) - 1]
    return difference, t * math.sqrt(va + vb)


def main():
    parser = argparse.ArgumentParser(description="Compare npc's runs with PyTorch's.")
    parser.add_argument("torch", type=pathlib.Path, help="what torch_seeds.py wrote")
    parser.add_argument("runs", nargs="+", help="run folders of npc")
    args = parser.parse_args()
    document = json.loads(args.torch.read_text(encoding="utf-8"))
    torch = [run["epochs"] for run in document["runs"]]
    npc = [npc_run(folder) for folder in args.runs]
    epochs = min(len(run) for run in torch + npc)
    longest = max(len(run) for run in torch + npc)
    if epochs != longest:
        print(f"runs of {epochs} to {longest} epochs; the first {epochs} are compared", file=sys.stderr)
    if epochs == 0:
        raise SystemExit("a run has no epoch")

    print(f"{document['settings']['data']}, {len(torch)} seeds in PyTorch, {len(npc)} runs of npc; Dice on the test images\n")
    print("epoch  torch mean   min    max     npc mean   min    max     npc - torch   loss torch    npc")
    for k in range(epochs):
        column = lambda runs, key: [run[k][key] for run in runs]
        a, b = column(torch, "dice"), column(npc, "dice")
        la, lb = statistics.mean(column(torch, "loss")), statistics.mean(column(npc, "loss"))
        print(
            f"{k + 1:5}  {statistics.mean(a):10.4f} {min(a):6.4f} {max(a):6.4f}   {statistics.mean(b):10.4f} {min(b):6.4f}"
            f" {max(b):6.4f}   {statistics.mean(b) - statistics.mean(a):+11.4f}   {la:10.4f} {lb:6.4f}"
        )
    last = max(1, epochs // 4)
    tail = lambda runs: [statistics.mean(line["dice"] for line in run[epochs - last : epochs]) for run in runs]
    best = lambda runs: [max(line["dice"] for line in run[:epochs]) for run in runs]
    for what, of in [(f"mean of the last {last} epochs", tail), ("best epoch", best)]:
        a, b = of(torch), of(npc)
        difference, half = welch(a, b)
        numbers = lambda values: " ".join(f"{v:.4f}" for v in values)
        print(f"\n{what}: torch {numbers(a)}, npc {numbers(b)}")
        if half is None:
            print(f"  npc - torch {difference:+.4f}; one run on a side says nothing about seeds")
            continue
        verdict = "within seed noise" if abs(difference) <= half else "NOT within seed noise"
        print(f"  npc - torch {difference:+.4f}, 95 % [{difference - half:+.4f}, {difference + half:+.4f}]: {verdict}")


if __name__ == "__main__":
    main()
