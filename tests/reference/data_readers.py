"""Holds what training gets against other readers: random data sets, read by npc and by Pillow, tifffile, nibabel and pydicom.

    cargo build --release --no-default-features --features data --example dump_samples
    pip install numpy pillow tifffile imagecodecs nibabel pydicom
    python tests/reference/data_readers.py --dump target/release/examples/dump_samples --sets 3000 --seed 0

Each set is a folder of files with a data block. What training gets of each case (examples/dump_samples.rs) has to equal what the
other readers and docs/data.md make of its files, or npc has to refuse it. Every difference is printed with the seed of its set,
whose folder is kept. `--kinds` chooses pictures, volumes or names; `--only SEED` makes a single set again.
"""
import argparse, base64, collections, json, os, shutil, subprocess, sys, traceback

import numpy as np

from data_pictures import Refused
import data_lists, data_sets, data_volumes


class Tally:
    """How often each kind of file was equal, refused, and refused although it has a meaning."""

    def __init__(self):
        self.rows = collections.defaultdict(collections.Counter)
        self.reasons = collections.defaultdict(collections.Counter)
        self.failures = []

    def count(self, kinds, what, reason=None):
        for kind in kinds:
            self.rows[kind][what] += 1
            if reason: self.reasons[kind][reason] += 1

    def fail(self, seed, text):
        self.failures.append((seed, text)); print(f"DIFFERENCE set {seed}: {text}", flush=True)


def decoded(case, block):
    h, w = block.size
    image = np.frombuffer(base64.b64decode(case["image"]), "<f4").reshape(block.channels, h, w)
    return image.astype(np.float64), np.frombuffer(base64.b64decode(case["mask"]), np.uint8).reshape(h, w).astype(np.int64)


def reason_of(message):
    """An error message without its file and numbers, to count it."""
    text = message.split(": ", 1)[-1]
    return "".join("#" if c.isdigit() else c for c in text)[:90]


def compare_case(seed, case, want, block, kinds, tally, findings):
    """Compares one case of npc's answer with the expectation (or Refused)."""
    if "error" in case:
        tally.count(kinds, "refused rightly" if isinstance(want, Refused) else "refused", None if isinstance(want, Refused) else reason_of(case["error"]["message"]))
        return
    if isinstance(want, Refused):
        return tally.fail(seed, f"{case['stem']} {kinds}: accepted, but has to be refused: {want}")
    if "_z" not in case["stem"] and case["predicted"] != "the same":
        return tally.fail(seed, f"{case['stem']} {kinds}: a prediction gets {case['predicted']}")
    image, mask = decoded(case, block)
    off = np.abs(image - want["image"])
    if off.max() > want["tolerance"]:
        at = np.unravel_index(off.argmax(), off.shape)
        return tally.fail(seed, f"{case['stem']} {kinds}: the image differs in {(off > want['tolerance']).mean():.1%} of its values, at {tuple(map(int, at))}: npc {image[at]:.5f}, reader {want['image'][at]:.5f}; notes {want['notes']}; warnings {case['warnings']}")
    wrong = mask != want["mask"]
    if want.get("unsure") is not None: wrong &= ~want["unsure"]
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        return tally.fail(seed, f"{case['stem']} {kinds}: the mask differs in {wrong.mean():.1%} of its pixels, at {tuple(map(int, at))}: npc {mask[at]}, reader {want['mask'][at]}; warnings {case['warnings']}")
    for who, told in (("training", case["warnings"]), ("npc data check", findings)):
        for words in want["tells"]:
            if not any(word in " ".join(told).lower() for word in words):
                return tally.fail(seed, f"{case['stem']} {kinds}: {who} does not tell of {words}; warnings {case['warnings']}")
    tally.count(kinds, "told" if want["tells"] else "equal")


def compare_set(seed, answer, block, cases, folder, tally):
    findings = [f["message"] for f in answer.get("check", [])]
    if "error" in answer:
        tally.count({k for c in cases for k in c[1:3]}, "set refused", reason_of(answer["error"]["message"]))
        return
    got = {case["stem"]: case for case in answer["cases"]}
    for stem, kind, mask_kind, trouble in cases:
        find = lambda sub: next(f"{folder}/{sub}/{f}" for f in sorted(os.listdir(f"{folder}/{sub}")) if f.startswith(stem + "."))
        kinds = [kind, mask_kind] + ([f"trouble: {trouble}"] if trouble else [])
        if stem not in got:
            tally.fail(seed, f"{stem} {kinds}: the case is not there, and no error"); continue
        try: want = data_sets.expectation(find("images"), find("masks"), block)
        except Refused as refused: want = refused
        compare_case(seed, got[stem], want, block, kinds, tally, findings)


def ask(dump, folders):
    """npc's answers, one for each folder; a crash answers for the folder that it happened in."""
    answers, at = [], 0
    while at < len(folders):
        text = "".join(f"{folder}\t{channels}\n" for folder, channels in folders[at:])
        try:
            done = subprocess.run([dump], input=text.encode(), capture_output=True, timeout=600)
            lines, died = done.stdout.splitlines(), done.stderr.decode(errors="replace")[-600:]
        except subprocess.TimeoutExpired as late:
            lines, died = (late.stdout or b"").splitlines(), "no answer within ten minutes"
        answers += [json.loads(line) for line in lines]
        at += len(lines)
        if at < len(folders):
            answers.append({"crash": died}); at += 1
    return answers


def compare_volumes(*arguments):
    return data_volumes.compare_volumes(*arguments, compare_case, reason_of)


def compare_names(*arguments):
    return data_lists.compare_names(*arguments, reason_of, decoded)


KINDS = {"pictures": (data_sets.picture_set, compare_set), "volumes": (data_volumes.volume_set, compare_volumes), "names": (data_lists.name_set, compare_names)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", required=True); parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0); parser.add_argument("--only", type=int)
    parser.add_argument("--kinds", default=",".join(KINDS)); parser.add_argument("--out", default="data_readers_out")
    parser.add_argument("--without", default="", help="endings that are not made: .bmp,.gif")
    options = parser.parse_args()
    kinds, tally, sets = options.kinds.split(","), Tally(), 0
    data_sets.LEFT_OUT.update(filter(None, options.without.split(",")))
    shutil.rmtree(options.out, ignore_errors=True)
    seeds = [options.only] if options.only is not None else [options.seed * 1_000_000 + i for i in range(options.sets)]
    for start in range(0, len(seeds), 100):
        made = []
        for seed in seeds[start:start + 100]:
            kind, folder = kinds[seed % len(kinds)], os.path.abspath(f"{options.out}/set_{seed}")
            os.makedirs(folder)
            made.append((seed, kind, folder, *KINDS[kind][0](folder, np.random.default_rng(seed))))
        answers = ask(options.dump, [(folder, block.channels) for _, _, folder, block, _ in made])
        for (seed, kind, folder, block, cases), answer in zip(made, answers):
            sets, before = sets + 1, len(tally.failures)
            if "crash" in answer: tally.fail(seed, "npc crashed: " + answer["crash"])
            elif answer.get("error", {}).get("code") == "model": tally.fail(seed, "the data block: " + answer["error"]["message"])
            else:
                try: KINDS[kind][1](seed, answer, block, cases, folder, tally)
                except Exception: tally.fail(seed, "the reader failed: " + traceback.format_exc(limit=4))
            if len(tally.failures) == before and options.only is None: shutil.rmtree(folder)
    print(f"\n{'kind':48} {'equal':>7} {'told':>7} {'rightly':>8} {'refused':>8}  most common refusal of what has a meaning")
    for kind, row in sorted(tally.rows.items()):
        reasons = tally.reasons[kind].most_common(2)
        print(f"{kind:48} {row['equal']:7} {row['told']:7} {row['refused rightly']:8} {row['refused'] + row['set refused']:8}  {'; '.join(f'{n} x {r}' for r, n in reasons)}")
    print(f"\n{sets} sets, {len(tally.failures)} differences")
    sys.exit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
