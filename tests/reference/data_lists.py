"""Random names, patterns and CSV lists, and which image belongs to which mask by docs/data.md.

Every picture carries its number, so that a wrong pair shows whatever the files are called.
"""
import csv, io, os, unicodedata

import numpy as np

from data_pictures import Refused, write_bmp, write_png
from data_sets import Block

SIZE, ENDINGS = (4, 6), {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"}
WORDS = ["Fall", "scan", "Größe", "naïve", "straße", "ÉTÉ", "東京", "한글", "a b", "x.y", "v1.2", "-dash", "..", "(1)", "#7", "%20", "é", "ö", "İ", "ǅ", "mask", "image", "IMG", "lesion+", "a,b", "q;r", "'s", "&", "[1]", "{g}"]


def number_image(path, rng, n):
    a = np.full((*SIZE, 1), 7); a[0, 0], a[0, 1], a[3, 5] = n, 255 - n, 99
    if path.lower().endswith(".bmp"): write_bmp(path, rng, a)
    else: write_png(path, rng, a, 8, 0, plain=True)


def number_mask(path, rng, n):
    a = np.zeros((*SIZE, 1), int); a[1, :, 0] = [(n >> b & 1) for b in range(6)]; a[3, 0] = 1
    if path.lower().endswith(".bmp"): write_bmp(path, rng, a)
    else: write_png(path, rng, a, 8, 0, plain=True)


def random_stem(rng):
    words = [WORDS[int(rng.integers(len(WORDS)))] for _ in range(int(rng.integers(1, 4)))]
    stem = str(rng.choice(["_", "-", " ", ""])).join(words) + (str(int(rng.integers(0, 120))).zfill(int(rng.integers(1, 4))) if rng.random() < 0.6 else "")
    return unicodedata.normalize("NFC", stem).strip()


def spelled(rng, text, how):
    if how == "case": return "".join(c.upper() if rng.random() < 0.5 else c.lower() for c in text)
    if how == "nfd": return unicodedata.normalize("NFD", text)
    return text


PATTERNS = [("images/*", "masks/*", "images/{}", "masks/{}"), ("images/*.png", "masks/*.png", "images/{}", "masks/{}"), ("images/*", "masks/*_mask.png", "images/{}", "masks/{}_mask"),
            ("all/*.png", "all/*_mask.png", "all/{}", "all/{}_mask"), ("pt_*/image.png", "pt_*/label.png", "pt_{}/image", "pt_{}/label"), ("Images/*", "MASKS/*", "images/{}", "masks/{}")]


def pattern_set(folder, rng):
    images, masks, image_name, mask_name = PATTERNS[int(rng.integers(len(PATTERNS)))]
    block = Block(SIZE, [0, 1], "exact", images=images, masks=masks)
    trouble = str(rng.choice(["lone image", "lone mask", "twin ending", "case twin", "form twin", "hidden twin", "foreign", "system files", "nfd"])) if rng.random() < 0.6 else None
    stems, kinds = [], set()
    while len(stems) < int(rng.integers(3, 7)):
        stem = random_stem(rng)
        lower = stem.lower()
        if stem in ("", ".", "..") or stem.startswith(".") or lower.endswith("_mask") or key(stem) in {key(s) for s in stems}: continue
        stems.append(stem)
    place = lambda pattern, stem: f"{folder}/{pattern.format(stem)}"
    free = images.endswith("*")
    for n, stem in enumerate(stems, 1):
        how = "nfd" if trouble == "nfd" and rng.random() < 0.6 else str(rng.choice(["", "", "case"]))
        other = spelled(rng, stem, how)
        if how == "case" and other.lower() != stem.lower(): other = stem    # letters whose small form differs from that of their capital
        kinds.add(f"name {how or 'plain'}")
        ending = str(rng.choice([".png", ".png", ".PNG"])) if free or images.endswith(".png") and "/image" not in images else ".png"
        for pattern, spelling, write in ((image_name, stem, number_image), (mask_name, other, number_mask)):
            path = place(pattern, spelling) + (ending if "label" not in pattern and "image" not in pattern.split("/")[-1] else ".png")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if trouble == "lone image" and n == 1 and write is number_mask: continue
            if trouble == "lone mask" and n == 1 and write is number_image: continue
            write(path, rng, n)
    add = lambda pattern, stem, ending, write: (os.makedirs(os.path.dirname(place(pattern, stem)), exist_ok=True), write(place(pattern, stem) + ending))
    if trouble == "twin ending" and free: add(image_name, stems[0], ".bmp", lambda p: number_image(p, rng, 60))
    if trouble == "case twin" and stems[0].swapcase() != stems[0] and stems[0].swapcase().lower() == stems[0].lower(): add(image_name, stems[0].swapcase(), ".png", lambda p: number_image(p, rng, 60))
    if trouble == "form twin" and unicodedata.normalize("NFD", stems[0]) != stems[0]:
        for pattern, write in ((image_name, number_image), (mask_name, number_mask)): add(pattern, unicodedata.normalize("NFD", stems[0]), ".png", lambda p: write(p, rng, 61))
    if trouble == "hidden twin" and "{}/" not in image_name:    # what macOS writes beside a file is no picture
        if rng.random() < 0.5: add(image_name.replace("{}", "._{}"), stems[0], ".png", lambda p: open(p, "wb").write(b"\0\5\x16\7\0\2\0\0Mac OS X        "))
        else: add(image_name.replace("{}", ".hidden{}"), stems[0], ".png", lambda p: number_image(p, rng, 60))
    if trouble == "foreign" and free:
        ending = str(rng.choice([".jp2", ".heic", ".avif", ".svg", ".mha", ".nrrd", ".dcm", ".tga", ".ppm", ".psd"]))
        for pattern in (image_name, mask_name.replace("_mask", "")): add(pattern, "foreign", ending, lambda p: open(p, "wb").write(b"foreign bytes that no reader takes"))
    if trouble == "system files" and "{}/" not in image_name:
        for name in ("Thumbs.db", "desktop.ini", ".DS_Store"): open(os.path.dirname(place(image_name, "x")) + "/" + name, "wb").write(b"\0\0\0\1Bud1")
    open(f"{folder}/m.model", "w").write(block.text())
    return block, (trouble, sorted(kinds), images, masks)


def key(stem): return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).lower())


def matches(folder, pattern):
    """Files that a pattern with one `*` matches, by stem. Names are compared without case."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.relpath(f"{base}/{name}", folder).replace(os.sep, "/")
            if path == "m.model" or name.startswith("."): continue
            before, after = pattern.split("*")
            text = unicodedata.normalize("NFC", path)
            if len(text) <= len(before) + len(after) or not text.lower().startswith(before.lower()) or not text.lower().endswith(after.lower()): continue
            star = text[len(before):len(text) - len(after)]
            if "/" in star or os.path.splitext(name)[1].lower() not in ENDINGS: continue
            if pattern.endswith("*"): star = star[:star.rfind(".")]
            found.setdefault(key(star), []).append(path)
    return found


def expected_pairs(folder, block):
    images, masks = matches(folder, block.images), matches(folder, block.masks)
    if block.images.startswith("all/"):
        both = {p for paths in masks.values() for p in paths}
        images = {k: [p for p in paths if p not in both] for k, paths in images.items()}
        images = {k: paths for k, paths in images.items() if paths}
    if any(len(paths) > 1 for paths in [*images.values(), *masks.values()]): raise Refused("two files of one stem")
    if set(images) != set(masks): raise Refused("files without a partner")
    return [(images[k][0], masks[k][0], None, None) for k in images]


ROLE_WORDS = {"train": ["train", "Train", "TRAIN", "training"], "val": ["val", "valid", "validation", "dev"], "test": ["test", "testing", "Test "]}


def list_set(folder, rng):
    block = Block(SIZE, [0, 1], "exact", lists="cases.csv")
    trouble = str(rng.choice(["missing file", "same twice", "unknown role", "no mask column", "blank cell", "short row"])) if rng.random() < 0.3 else None
    with_split, with_group = rng.random() < 0.5, rng.random() < 0.4
    if with_split and rng.random() < 0.6: block.more = "  split = column"
    for sub in ("images", "masks", "more/deep"): os.makedirs(f"{folder}/{sub}", exist_ok=True)
    columns = ["image", "mask"] + ["split"] * with_split + ["group"] * with_group + [c for c in ("age", "site", "comment") if rng.random() < 0.3]
    rng.shuffle(columns)
    rows, used = [], set()
    for n in range(1, int(rng.integers(4, 9))):
        stem = random_stem(rng).replace('"', "")
        if key(stem) in used or stem in ("", ".", "..") or stem.startswith("."): stem = f"p{n}"
        used.add(key(stem))
        sub = "more/deep" if rng.random() < 0.2 else "images"
        number_image(f"{folder}/{sub}/{stem}.png", rng, n); number_mask(f"{folder}/masks/{stem}.png", rng, n)
        role = ["train", "val", "test", ""][int(rng.choice(4, p=[0.5, 0.2, 0.2, 0.1]))] if n > 2 else ["train", "test"][n - 1]
        word = ROLE_WORDS[role][int(rng.integers(len(ROLE_WORDS[role])))] if role else ""
        rows.append(dict(image=f"{sub}/{stem}.png", mask=f"masks/{stem}.png", split=word, group=f"pat{role or 'x'}{n % 2}", age=str(n), site='a "quoted", word', comment=""))
    if trouble == "missing file": rows[0]["mask"] = "masks/none.png"
    if trouble == "same twice": rows.append(dict(rows[0]))
    if trouble == "unknown role" and with_split: rows[0]["split"] = "holdout"
    if trouble == "blank cell": rows[1]["mask"] = ""
    if trouble == "no mask column": columns[columns.index("mask")] = "Maske"
    out = io.StringIO()
    names = [c.upper() if rng.random() < 0.1 else c for c in columns]
    write = csv.writer(out, delimiter=str(rng.choice([",", ",", ";", "\t"])), lineterminator=str(rng.choice(["\n", "\r\n"])), quoting=int(rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])))
    write.writerow(names)
    for i, row in enumerate(rows):
        cells = [row.get(c, "x") for c in columns]
        write.writerow(cells[:1] if trouble == "short row" and i == 1 else cells)
    text = out.getvalue()
    if rng.random() < 0.2: text += "\n"
    open(f"{folder}/cases.csv", "wb").write((b"\xef\xbb\xbf" if rng.random() < 0.2 else b"") + text.encode())
    open(f"{folder}/m.model", "w").write(block.text())
    return block, (trouble, ["list" + (" split" if with_split else "") + (" asked" if block.more else "") + (" group" if with_group else "")], None, None)


def expected_rows(folder, block):
    text = open(f"{folder}/cases.csv", encoding="utf-8-sig", newline="").read()
    first = text.splitlines()[0]
    delimiter = max(",;\t", key=lambda d: (first.count(d), d == ","))
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    header = [h.strip().lower() for h in rows[0]]
    if "image" not in header or "mask" not in header: raise Refused("a column is missing")
    cases, seen = [], set()
    for row in rows[1:]:
        if not any(c.strip() for c in row): continue
        if len(row) != len(header): raise Refused("a row of another length")
        cell = {h: c.strip() for h, c in zip(header, row)}
        for part in ("image", "mask"):
            if not cell[part] or not os.path.isfile(f"{folder}/{cell[part]}"): raise Refused("no such file")
        if key(cell["image"]) in seen: raise Refused("a case twice")
        seen.add(key(cell["image"]))
        role = None
        if "split" in header:
            word = cell["split"].lower()
            role = next((r for r, words in ROLE_WORDS.items() if word in [w.lower().strip() for w in words]), None)
            if role is None and word: raise Refused("an unknown role")
            if role is None: continue    # a row without a role is not used
        cases.append((cell["image"], cell["mask"], role, cell.get("group")))
    groups = {}
    for _, _, role, group in cases:
        if role and group and groups.setdefault(group, role) != role: raise Refused("a group on both sides")
    return cases


def name_set(folder, rng):
    return (list_set if rng.random() < 0.4 else pattern_set)(folder, rng)


def compare_names(seed, answer, block, described, folder, tally, reason_of, decoded):
    trouble, kinds, _, _ = described
    kinds = kinds + [f"trouble: {trouble}"] * bool(trouble)
    try: want = (expected_rows if block.lists else expected_pairs)(folder, block)
    except Refused as refused: want = refused
    if "error" in answer:
        tally.count(kinds, "refused rightly" if isinstance(want, Refused) else "refused", None if isinstance(want, Refused) else reason_of(answer["error"]["message"]))
        return
    if isinstance(want, Refused): return tally.fail(seed, f"{kinds}: accepted, but has to be refused: {want}")
    got = {}
    for case in answer["cases"]:
        if "error" in case: return tally.count(kinds, "refused", reason_of(case["error"]["message"]))
        image, mask = decoded(case, block)
        n, m = round(image[0, 0, 0] * 255), sum(int(v) << b for b, v in enumerate(mask[1]))
        if n != m: return tally.fail(seed, f"{kinds}: image {n} has the mask of {m}: {case['image_file']} and {case['mask_file']}")
        got[os.path.relpath(case["image_file"], folder)] = (case["role"], case["group"], os.path.relpath(case["mask_file"], folder))
    if len({key(p) for p in got}) != len(got) or {key(p) for p in got} != {key(image) for image, _, _, _ in want}:
        return tally.fail(seed, f"{kinds}: npc has {sorted(got)}, the reader {sorted(w[0] for w in want)}")
    by_key = {key(p): v for p, v in got.items()}
    for image, mask, role, group in want:
        if role and by_key[key(image)][0] != role: return tally.fail(seed, f"{kinds}: {image} is in {by_key[key(image)][0]}, its row says {role}")
        if group and by_key[key(image)][1] != group: return tally.fail(seed, f"{kinds}: {image} has the group {by_key[key(image)][1]}, its row says {group}")
    findings = " ".join(f["message"] for f in answer["check"])
    words = {"foreign": ("foreign", ".jp2", ".heic", ".avif", ".svg", ".mha", ".nrrd", ".dcm", ".tga", ".ppm", ".psd"), "hidden twin": ("hidden picture",)}.get(trouble)
    left = [n for base, _, names in os.walk(folder) for n in names if n.startswith("foreign") or n.startswith(".hidden")]
    if words and left and not any(w in findings for w in words): return tally.fail(seed, f"{kinds}: nothing tells of {left}; findings {findings[:200]}")
    tally.count(kinds, "told" if words and left else "equal")
