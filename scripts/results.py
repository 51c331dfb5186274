#!/usr/bin/env python3
"""Makes the tables of docs/results.md: trains what is missing, evaluates it, and prints Markdown.

    python3 scripts/results.py --data-root DATA --out runs/results            # train, evaluate, print: about half an hour on two cores
    python3 scripts/results.py --data-root DATA --out runs/results --print    # print the tables of the runs that are finished

DATA holds the folders `lung_ct_lctsc`, `skin_isic2018_256` and `polyp_kvasir_256`. A run that is finished is not trained again, and one
that was interrupted goes on. Only Python's standard library is used.

What the tables rest on:

- Weights are those of the last epoch. No epoch is chosen on the images that are scored, and none on others: the skin and polyp runs train on the
  whole training list, where the blocks of models/data.model keep a tenth of it to choose an epoch (`val = 0.1`).
- The lung set has six patients. Two folds by patient test each patient once, by a network that has not seen the patient. A patient's score is the
  mean over the patient's slices (and over the seeds); the table shows the mean over the six patients and the least and the greatest. The unit is the patient: the p-value
  of a difference is that of the exact sign-flip test over the six differences, whose smallest value is 2/64.
- The skin and polyp sets have no patients in their lists; their near-duplicates lie on one side of the split. The unit is the
  image; intervals of scores are percentile bootstraps over the images, and those of differences over images and seeds.
"""

import argparse
import csv
import itertools
import json
import os
import random
import statistics
import subprocess
import sys

FOLDS = 2
SEEDS = 3
ATTENTION = ["none", "se", "cam"]
RESAMPLES = 10_000
# The lists of results.md: the paper's Table 2, Dice and IoU.
PAPER = {
    "lung": {"none": (0.9807, 0.9758), "se": (0.9820, 0.9772), "cam": (0.9832, 0.9785)},
    "polyp": {"none": (0.8157, 0.7439), "se": (0.8186, 0.7448), "cam": (0.8397, 0.7766)},
}


class Run:
    """One training run: a model file, a `train` block, overrides, and its folder."""

    def __init__(self, table, name, file, block, *settings):
        self.table, self.name, self.file, self.block, self.settings = table, name, file, block, settings

    def folder(self, out):
        return os.path.join(out, self.name)

    def commands(self, npc, data_root, out):
        folder = self.folder(out)
        sets = [part for setting in (*self.settings, "keep=[last]") for part in ("--set", setting)]
        train = [npc, "train", self.file, self.block, "--data-root", data_root, *sets, "--out", folder, "--resume=auto"]
        return train, [npc, "eval", folder, "--checkpoint", "last", "--data-root", data_root]


def fold(number):
    return f'data.split=kfold(k = {FOLDS}, fold = {number}, seed = 0, group = "{{group}}_z*")'


def whole_list(data):
    """Trains on the whole training list, without the validation part of the data block."""
    return f'data.split=lists(train = "{data}/train.txt", test = "{data}/test.txt")'


def runs():
    """All runs, the quick ones first."""
    small = "data.size=[128,128]"
    npnet, unet = "models/npnet.model", "models/unet.model"
    for f in range(FOLDS):
        yield Run("equal", f"equal_npnet_fold{f}", npnet, "npnet_lung", small, "epochs=10", fold(f))
    for seed, attention, f in itertools.product(range(SEEDS), ATTENTION, range(FOLDS)):
        yield Run("table2", f"lung_{attention}_seed{seed}_fold{f}", npnet, "npnet_lung", small, f"seed={seed}",
                  f"model.attention={attention}", fold(f))
    for f in range(FOLDS):
        yield Run("real", f"real_lung_fold{f}", npnet, "npnet_lung", fold(f))
    yield Run("real", "real_isic", npnet, "npnet_isic", whole_list("skin_isic2018_256"))
    for seed, attention in itertools.product(range(SEEDS), ATTENTION):
        # `real` shows the run of the default attention and seed 0.
        yield Run("table2", f"polyp_{attention}_seed{seed}", npnet, "npnet_polyp", f"seed={seed}", f"model.attention={attention}",
                  whole_list("polyp_kvasir_256"))
    for f in range(FOLDS):
        yield Run("equal", f"equal_unet_fold{f}", unet, "unet_lung", small, "epochs=10", fold(f))


def finished(folder):
    return os.path.exists(os.path.join(folder, "summary.json")) and os.path.exists(os.path.join(folder, "cases.csv"))


def make(npc, data_root, out, only):
    for run in runs():
        if (only and run.table not in only) or finished(run.folder(out)):
            continue
        print(f"# {run.name}", file=sys.stderr, flush=True)
        for command in run.commands(npc, data_root, out):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def cases(out, name, metric):
    """The score of each case of a run's only foreground class, and the case's group."""
    with open(os.path.join(out, name, "cases.csv"), newline="") as file:
        return {row["stem"]: (float(row[metric]), row.get("group") or row["stem"]) for row in csv.DictReader(file)}


def by_unit(out, names_by_seed, metric):
    """Scores by unit (patient or image), averaged over seeds. `names_by_seed`: for each seed the runs of its folds."""
    totals = {}
    for names in names_by_seed:
        of_seed = {}
        for name in names:
            for stem, (score, group) in cases(out, name, metric).items():
                of_seed.setdefault(group, {})[stem] = score
        for group, scores in of_seed.items():
            totals.setdefault(group, []).append(statistics.fmean(scores.values()))
    assert all(len(scores) == len(names_by_seed) for scores in totals.values()), "a unit is missing in a run"
    return {group: statistics.fmean(scores) for group, scores in sorted(totals.items())}


def bootstrap(values, seed=0):
    """95 % percentile interval of the mean over units."""
    draw = random.Random(seed)
    means = sorted(statistics.fmean(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]


def bootstrap_of_difference(out, names_by_seed, reference_by_seed, metric, seed=0):
    """95 % percentile interval of the mean difference over images and seeds: both are drawn. Runs are paired by seed and image."""
    each = []
    for names, reference in zip(names_by_seed, reference_by_seed):
        ours, theirs = by_unit(out, [names], metric), by_unit(out, [reference], metric)
        each.append([ours[unit] - theirs[unit] for unit in theirs])
    draw = random.Random(seed)
    images = range(len(each[0]))
    means = []
    for _ in range(RESAMPLES):
        chosen = draw.choices(images, k=len(images))
        means.append(statistics.fmean(statistics.fmean(row[i] for i in chosen) for row in draw.choices(each, k=len(each))))
    means.sort()
    return means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]


def sign_flip(differences):
    """Exact two-sided p-value of the mean difference: the share of the 2^n sign patterns with a mean at least as far from 0."""
    observed = abs(sum(differences)) - 1e-12
    patterns = list(itertools.product((1, -1), repeat=len(differences)))
    return sum(abs(sum(s * d for s, d in zip(signs, differences))) >= observed for signs in patterns) / len(patterns)


def spread(scores):
    values = list(scores.values())
    return f"{statistics.fmean(values):.4f} ({min(values):.3f} to {max(values):.3f})"


def with_interval(scores):
    low, high = bootstrap(list(scores.values()))
    return f"{statistics.fmean(scores.values()):.4f} [{low:.4f}, {high:.4f}]"


def seed_spread(out, names_by_seed):
    means = [statistics.fmean(by_unit(out, [names], "dice").values()) for names in names_by_seed]
    return f"{statistics.stdev(means):.4f}" if len(means) > 1 else ""


def everything_foreground(out, names):
    """Dice of a mask that is foreground everywhere: 2 n / (n + all), from the counts of each case."""
    units = {}
    for name in names:
        with open(os.path.join(out, name, "cases.csv"), newline="") as file:
            for row in csv.DictReader(file):
                truth, area = (sum(int(row[k]) for k in keys) for keys in (("tp", "fn"), ("tp", "fp", "fn", "tn")))
                units.setdefault(row.get("group") or row["stem"], []).append(2 * truth / (truth + area))
    return statistics.fmean(statistics.fmean(scores) for scores in units.values())


def table_real(out):
    print("| run | data | size | batch | epochs | Dice | IoU | everything foreground, Dice |\n|---|---|---|---|---|---|---|---|")
    lung = [f"real_lung_fold{f}" for f in range(FOLDS)]
    for label, data, names, show in [
        ("`npnet_lung`", "LCTSC lung CT, 6 patients in 2 folds", lung, spread),
        ("`npnet_isic`", "ISIC 2018, 1868 / 467", ["real_isic"], with_interval),
        ("`npnet_polyp`", "Kvasir-SEG, 490 / 122", ["polyp_cam_seed0"], with_interval),
    ]:
        settings = json.load(open(os.path.join(out, names[0], "eval.json")))
        text = open(os.path.join(out, names[0], "settings.yaml")).read()
        setting = lambda key: next(line.split(":")[1].strip() for line in text.splitlines() if line.strip().startswith(key + ":"))
        size = "x".join(map(str, settings["size"]))
        dice, iou = (show(by_unit(out, [names], metric)) for metric in ("dice", "iou"))
        print(f"| {label} | {data} | {size} | {setting('batch')} | {setting('epochs')} | {dice} | {iou} | {everything_foreground(out, names):.3f} |")


def table_attention(out, data):
    folds = range(FOLDS) if data == "lung" else [None]
    names = lambda attention: [
        [f"{data}_{attention}_seed{s}" + ("" if f is None else f"_fold{f}") for f in folds] for s in range(SEEDS)
    ]
    none = by_unit(out, names("none"), "dice")
    print("| attention | Dice | ± over seeds | to none | IoU | paper, Dice | IoU |\n|---|---|---|---|---|---|---|")
    for attention in ATTENTION:
        dice = by_unit(out, names(attention), "dice")
        difference = ""
        if attention != "none":
            each = [dice[unit] - none[unit] for unit in none]
            if data == "lung":
                difference = f"{statistics.fmean(each):+.4f} ({min(each):+.3f} to {max(each):+.3f}), p = {sign_flip(each):.2f}"
            else:
                low, high = bootstrap_of_difference(out, names(attention), names("none"), "dice")
                difference = f"{statistics.fmean(each):+.4f} [{low:+.4f}, {high:+.4f}]"
        iou = statistics.fmean(by_unit(out, names(attention), "iou").values())
        paper = PAPER[data][attention]
        show = spread if data == "lung" else with_interval
        print(f"| {attention} | {show(dice)} | {seed_spread(out, names(attention))} | {difference} | {iou:.4f} | {paper[0]:.4f} | {paper[1]:.4f} |")


def table_equal(out):
    names = lambda net: [[f"equal_{net}_fold{f}" for f in range(FOLDS)]]
    print("| over the six patients: mean (least to greatest) | NPNet | U-Net | U-Net - NPNet |\n|---|---|---|---|")
    for metric, label, digits in [("dice", "Dice", 4), ("iou", "IoU", 4), ("hd95", "95th percentile Hausdorff distance, pixels", 1)]:
        npnet, unet = (by_unit(out, names(net), metric) for net in ("npnet", "unet"))
        each = [unet[unit] - npnet[unit] for unit in npnet]
        shown = lambda s: f"{statistics.fmean(s):.{digits}f} ({min(s):.{min(digits, 3)}f} to {max(s):.{min(digits, 3)}f})"
        print(f"| {label} | {shown(list(npnet.values()))} | {shown(list(unet.values()))} | {shown(each)}, p = {sign_flip(each):.3f} |")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--npc", default="npc")
    arguments.add_argument("--data-root", default=".")
    arguments.add_argument("--out", default="runs/results")
    arguments.add_argument("--only", choices=["real", "table2", "equal"], nargs="*")
    arguments.add_argument("--print", action="store_true", help="train nothing")
    given = arguments.parse_args()
    if not given.print:
        make(given.npc, given.data_root, given.out, given.only)
    for title, table, write in [
        ("Runs on real images", "real", lambda: table_real(given.out)),
        ("Attention, LCTSC lung CT", "table2", lambda: table_attention(given.out, "lung")),
        ("Attention, Kvasir-SEG polyps", "table2", lambda: table_attention(given.out, "polyp")),
        ("NPNet and U-Net at equal settings", "equal", lambda: table_equal(given.out)),
    ]:
        if not given.only or table in given.only:
            print(f"\n## {title}\n")
            try:
                write()
            except FileNotFoundError as missing:
                print(f"not finished: {missing.filename}")


if __name__ == "__main__":
    main()
