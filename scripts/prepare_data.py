#!/usr/bin/env python3
"""Makes the data folders that models/data.model reads from the official downloads.

    python scripts/prepare_data.py isic2018 DOWNLOAD --out DATA    # DATA/skin_isic2018_256
    python scripts/prepare_data.py kvasir DOWNLOAD --out DATA      # DATA/polyp_kvasir_256
    python scripts/prepare_data.py lctsc DOWNLOAD --out DATA       # DATA/lung_ct_lctsc

DOWNLOAD is the folder with what was downloaded, unpacked or as .zip files, or one .zip file. docs/datasets.md says where each set is and
what its licence allows. Needed: Python 3.8, `pip install numpy Pillow`; for lctsc also `pip install pydicom tifffile`.

What is made: images/, masks/, train.txt, test.txt and README.txt with origin and licence. The lists are those of scripts/lists, on which
docs/results.md rests, if all their stems are in the download; then only those images are copied. Otherwise, or with --all, every pair is
copied and split at random with a seed, near-duplicates (lctsc: the slices of a patient) on one side.

Pictures are squashed to squares of 256 x 256 pixels, so shapes of other pictures are distorted. Masks become 0 and 255: what is above 127
after resizing is foreground. The files of lctsc keep their size.

A folder is made beside its place and renamed when it is complete, so that a stop leaves no half of it. One that exists is replaced
with --overwrite only. Whatever is missing, unreadable or does not fit is named, nothing is written, and the exit code is 1.
"""

import argparse
import concurrent.futures
import io
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import zipfile
from pathlib import Path

try:
    import numpy as np
    from PIL import Image
except ImportError as error:
    sys.exit(f"error: {error.name} is missing: pip install numpy Pillow")

LISTS = Path(__file__).resolve().parent / "lists"
SIDE = 256


class Problem(Exception):
    """Something about the download that stops the copy. Its text names the file."""


class PictureSet:
    """How the pictures of a set are found and copied."""

    def __init__(self, folder, image, mask, beside, filter, quality, alike, origin):
        self.folder = folder                # in DATA
        self.image, self.mask = re.compile(image, re.I), re.compile(mask, re.I)     # of names; group 1 is the stem
        self.beside = beside                # images and masks lie in folders of these names beside each other
        self.filter, self.quality = filter, quality             # how the copies that results rest on were made, as far as is known
        self.alike = alike                  # correlation of thumbnails from which two images are near-duplicates
        self.origin = origin


ISIC = PictureSet(
    "skin_isic2018_256", r"(ISIC_\d{7})\.jpe?g", r"(ISIC_\d{7})_segmentation\.png", None, "antialias", 75, 0.965,
    "ISIC 2018 challenge, task 1 (lesion boundary segmentation), training set: https://challenge.isic-archive.com/data/#2018\n"
    "Licence: CC BY-NC 4.0 (attribution, no commercial use), https://creativecommons.org/licenses/by-nc/4.0/\n"
    "Cite: Codella N et al. (2019), Skin lesion analysis toward melanoma detection 2018, arXiv:1902.03368.\n"
    "Tschandl P, Rosendahl C, Kittler H (2018), The HAM10000 dataset, Sci Data 5:180161.\n")
KVASIR = PictureSet(
    "polyp_kvasir_256", r"(.+)\.jpe?g", r"(.+)\.jpe?g", ("images", "masks"), "bilinear", 95, 0.945,
    "Kvasir-SEG, the segmented images of HyperKvasir: https://datasets.simula.no/kvasir-seg/, https://datasets.simula.no/hyper-kvasir/\n"
    "Licence: HyperKvasir CC BY 4.0; the page of Kvasir-SEG allows research and education, and commercial use with written permission only.\n"
    "Cite: Borgli H et al. (2020), HyperKvasir, Sci Data 7:283. Jha D et al. (2020), Kvasir-SEG: a segmented polyp dataset, MMM 2020.\n")
LCTSC_FOLDER = "lung_ct_lctsc"
LCTSC_ORIGIN = (
    "Lung CT Segmentation Challenge 2017, The Cancer Imaging Archive: https://doi.org/10.7937/K9/TCIA.2017.3R3FVZ08\n"
    "Licence: CC BY 3.0, https://creativecommons.org/licenses/by/3.0/ . Do not try to identify or contact a participant.\n"
    "Cite: Yang J et al. (2017), Data from Lung CT Segmentation Challenge, TCIA. Yang J et al. (2018), Med Phys 45(10):4568-4581.\n"
    "Clark K et al. (2013), The Cancer Imaging Archive, J Digit Imaging 26(6):1045-1057.\n")


# The download: files in folders and in .zip files.

class Entry:
    """A file of the download. `parts` are the folders that it lies in and its name; a .zip file counts as a folder."""

    def __init__(self, parts, path, archive=None, member=None):
        self.parts, self.path, self.archive, self.member = parts, path, archive, member

    @property
    def name(self):
        return self.parts[-1]

    def __str__(self):
        return "/".join(self.parts)

    def open(self):
        return self.archive.open(self.member) if self.archive else open(self.path, "rb")

    def read(self, count=-1):
        try:
            with self.open() as file:
                return file.read(count)
        except Exception as error:          # of the system, of zipfile, of zlib
            raise Problem(f"{self}: cannot be read: {error}") from None


def is_hidden(part):
    return part.startswith(".") or part == "__MACOSX"


def zip_entries(path, parts, problems):
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        problems.append(f"{'/'.join(parts)}: not a readable .zip file: {error}")
        return
    for member in archive.infolist():
        inside = [part for part in re.split(r"[/\\]", member.filename) if part]
        if not member.is_dir() and inside and not any(map(is_hidden, inside)):
            yield Entry(parts + inside, path, archive, member)


def download_entries(download, problems):
    """Lists all files of the download, those of .zip files too, in a fixed order."""
    if download.is_file():
        yield from zip_entries(download, [download.name], problems)
        return
    seen = set()
    for folder, folders, files in os.walk(download, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        parts = list(Path(folder).relative_to(download).parts)
        for name in sorted(name for name in files if not is_hidden(name)):
            if name.lower().endswith(".zip"):
                yield from zip_entries(Path(folder) / name, parts + [name], problems)
            else:
                yield Entry(parts + [name], Path(folder) / name)


# Pictures.

def found_pairs(kind, entries, problems):
    """Returns (image, mask) by stem. Unpacked files win over those in .zip files."""
    images, masks = {}, {}
    for entry in entries:
        if kind.beside and len(entry.parts) < 2 or is_of_other_split(entry):
            continue
        for pattern, found, index in ((kind.mask, masks, 1), (kind.image, images, 0)):
            match = pattern.fullmatch(entry.name)
            if match and (not kind.beside or entry.parts[-2].lower() == kind.beside[index]):
                base = tuple(entry.parts[:-2]) if kind.beside else ()
                found.setdefault(base, {}).setdefault(match.group(1).lower(), []).append((match.group(1), entry))
    chosen = {}
    for base in sorted(set(images) & set(masks)):
        for stem in sorted(set(images[base]) | set(masks[base])):
            pair = []
            for what, found in (("image", images), ("mask", masks)):
                all_found = found[base].get(stem, [])
                packed = [one for one in all_found if one[1].archive is None] or all_found
                if len(packed) > 1:
                    problems.append(f"{packed[0][1]}: the {what} is there twice; the other is {packed[1][1]}")
                pair.append(packed[0] if packed else None)
            if None in pair:
                lone = "no mask belongs to this image" if pair[0] else "no image belongs to this mask"
                problems.append(f"{(pair[0] or pair[1])[1]}: {lone}")
                continue
            name, both = pair[0][0], (pair[0][1], pair[1][1])
            if stem in chosen and (chosen[stem][1][0].archive is None) == (both[0].archive is None):
                problems.append(f"{both[0]}: the image is there twice; the other is {chosen[stem][1][0]}")
            if stem not in chosen or chosen[stem][1][0].archive is not None:
                chosen[stem] = (name, both)
    return {name: both for name, both in chosen.values()}


def is_of_other_split(entry):
    """Says whether a file is of the validation or test set of the ISIC challenge, which are not copied."""
    return any(re.match(r"ISIC2018_.*(Validation|Test)_", part, re.I) for part in entry.parts[:-1])


def decoded(entry):
    try:
        picture = Image.open(io.BytesIO(entry.read()))
        if picture.getexif().get(0x0112, 1) != 1:
            raise Problem(f"{entry}: the picture has an orientation other than upright, which its mask may not have")
        picture.load()
        return picture
    except Problem:
        raise
    except Exception as error:              # Pillow raises many kinds for damaged files
        raise Problem(f"{entry}: not a readable picture: {str(error).replace(chr(10), ' ')}") from None


def bilinear(values, side):
    """Bilinear at pixel centres without a filter against aliasing: cv2.resize(..., INTER_LINEAR). `values` is [height, width, channels]."""
    height, width = values.shape[:2]
    y = np.clip((np.arange(side) + 0.5) * height / side - 0.5, 0, height - 1)
    x = np.clip((np.arange(side) + 0.5) * width / side - 0.5, 0, width - 1)
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    y1, x1 = np.minimum(y0 + 1, height - 1), np.minimum(x0 + 1, width - 1)
    fy, fx = (y - y0)[:, None, None], (x - x0)[None, :, None]
    upper, lower = values[y0].astype(float), values[y1].astype(float)
    rows = upper * (1 - fy) + lower * fy
    return rows[:, x0] * (1 - fx) + rows[:, x1] * fx


def squashed(picture, how):
    if how == "antialias":
        return picture.resize((SIDE, SIDE), Image.BILINEAR)
    values = np.asarray(picture)
    small = np.rint(bilinear(values.reshape(*values.shape[:2], -1), SIDE)).astype(np.uint8)
    return Image.fromarray(small if small.shape[2] == 3 else small[:, :, 0])


def copied_pair(kind, image_entry, mask_entry):
    """Returns the bytes of the JPEG and of the mask's PNG."""
    image, mask = decoded(image_entry), decoded(mask_entry)
    if image.mode not in ("RGB", "L"):
        raise Problem(f"{image_entry}: a picture of mode {image.mode}; RGB or grey was expected")
    if mask.mode not in ("1", "L", "P", "RGB"):
        raise Problem(f"{mask_entry}: a mask of mode {mask.mode}; 8-bit grey or RGB was expected")
    if max(abs(a - b) for a, b in zip(image.size, mask.size)) > 1:
        a, b = image.size, mask.size
        raise Problem(f"{mask_entry}: {b[0]} x {b[1]} pixels (width x height), but its image has {a[0]} x {a[1]}")
    grey = mask.convert("RGB").convert("L") if mask.mode == "P" else mask.convert("L")
    largest = int(np.asarray(grey).max())
    if largest <= 127:
        raise Problem(f"{mask_entry}: no pixel is above 127, the largest is {largest}; the mask would be empty")
    small = (np.asarray(squashed(grey, kind.filter)) > 127).astype(np.uint8) * 255
    jpeg, png = io.BytesIO(), io.BytesIO()
    squashed(image.convert("RGB"), kind.filter).save(jpeg, "JPEG", quality=kind.quality)
    Image.fromarray(small).save(png, "PNG")
    return jpeg.getvalue(), png.getvalue()


def duplicate_groups(folder, stems, alike):
    """Returns groups of stems whose 24 x 24 grey thumbnails correlate above `alike`, directly or through others."""
    rows = []
    for stem in stems:
        thumb = np.asarray(Image.open(folder / "images" / f"{stem}.jpg").convert("L").resize((24, 24), Image.BOX), float).ravel()
        thumb -= thumb.mean()
        rows.append(thumb / max(np.linalg.norm(thumb), 1e-9))
    close = np.array(rows) @ np.array(rows).T > alike
    group = list(range(len(stems)))
    for i, j in zip(*np.nonzero(np.triu(close, 1))):
        a, b = group[i], group[j]
        if a != b:
            group = [min(a, b) if g in (a, b) else g for g in group]
    found = {}
    for stem, number in zip(stems, group):
        found.setdefault(number, []).append(stem)
    return list(found.values())


# Lists and folders.

def committed_lists(folder):
    return {role: (LISTS / f"{folder}_{role}.txt").read_text().split() for role in ("train", "test")}


def seeded_split(groups, seed):
    """Deals whole groups to the test list until it has a fifth of the stems."""
    groups = sorted(sorted(group) for group in groups)
    random.Random(seed).shuffle(groups)
    count, test = sum(map(len, groups)), []
    for group in groups[:-1]:
        if 5 * len(test) >= count:
            break
        test += group
    return {"train": sorted(set(sum(groups, [])) - set(test)), "test": sorted(test)}


def write_set(folder, lists, origin, made):
    for role, stems in lists.items():
        (folder / f"{role}.txt").write_bytes("".join(f"{stem}\n" for stem in stems).encode())
    text = f"{origin}\nChanges: {made}\nMade by scripts/prepare_data.py of npc. Nothing of test.txt may be trained on.\n"
    (folder / "README.txt").write_bytes(text.encode())


class NewFolder:
    """A folder that appears under its name when it is complete, and not at all otherwise."""

    def __init__(self, out, name, endings, overwrite):
        self.target = out / name
        if os.path.lexists(self.target):
            if not overwrite:
                raise Problem(f"{self.target} exists; --overwrite replaces it")
            foreign = self.foreign_files(endings)
            if foreign:
                raise Problem(f"{self.target} is not replaced: it holds {foreign}, which this script does not write; move it away")
        out.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=out))
        os.chmod(self.path, 0o755)
        for part in ("images", "masks"):
            (self.path / part).mkdir()

    def foreign_files(self, endings):
        """Returns the first file of the old folder that this script does not write."""
        if self.target.is_symlink() or not self.target.is_dir():
            return "a link or a file in place of the folder"
        for item in sorted(self.target.iterdir()):
            if item.is_symlink() or item.name not in ("images", "masks", "train.txt", "test.txt", "README.txt"):
                return item.name
            for file in sorted(item.iterdir()) if item.name in ("images", "masks") and item.is_dir() else ():
                if not file.is_file() or file.suffix not in endings:
                    return f"{item.name}/{file.name}"
        return None

    def finish(self):
        old = None
        if self.target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{self.target.name}.old.", dir=self.target.parent))
            os.replace(self.target, old / "it")
        try:
            os.replace(self.path, self.target)
        except OSError:
            if old:
                os.replace(old / "it", self.target)
            raise
        finally:
            if old:
                shutil.rmtree(old, ignore_errors=True)

    def drop(self):
        shutil.rmtree(self.path, ignore_errors=True)


def chosen_lists(folder, there, take_all):
    """Returns the committed lists if all their stems are there, else None."""
    if take_all:
        return None
    lists = committed_lists(folder)
    missing = [stem for role in lists.values() for stem in role if stem not in there]
    if not missing:
        return lists
    count = sum(map(len, lists.values()))
    names = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
    print(f"warning: {len(missing)} of the {count} stems of scripts/lists are not in the download: {names}\n"
          "warning: all pairs of the download are split anew; scores cannot be compared with those of docs/results.md", file=sys.stderr)
    return None


def copy_pictures(kind, args):
    problems = []
    pairs = found_pairs(kind, download_entries(args.download, problems), problems)
    if not pairs and not problems:
        where = f"folders `{kind.beside[0]}` and `{kind.beside[1]}` side by side with .jpg files" if kind.beside else \
            "ISIC_0000000.jpg and ISIC_0000000_segmentation.png"
        raise Problem(f"{args.download}: no pairs of image and mask; what is looked for: {where}; unpack .rar, .7z and .tar files first")
    if problems:
        raise Problem("\n".join(problems))
    lists = chosen_lists(kind.folder, pairs, args.all)
    stems = sorted(pairs if lists is None else lists["train"] + lists["test"])
    folder = NewFolder(args.out, kind.folder, (".jpg", ".png"), args.overwrite)
    try:
        def one(stem):
            jpeg, png = copied_pair(kind, *pairs[stem])
            (folder.path / "images" / f"{stem}.jpg").write_bytes(jpeg)
            (folder.path / "masks" / f"{stem}.png").write_bytes(png)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            waiting = [pool.submit(one, stem) for stem in stems]
            try:
                problems += [str(error) for error in (done.exception() for done in waiting) if isinstance(error, Problem)]
            finally:
                for done in waiting:
                    done.cancel()
        for done in waiting:
            if not isinstance(done.exception(), Problem):
                done.result()
        if problems:
            raise Problem("\n".join(problems))
        source = "scripts/lists"
        if lists is None:
            groups = duplicate_groups(folder.path, stems, kind.alike)
            lists, source = seeded_split(groups, args.seed), f"seed {args.seed}, {len(stems) - len(groups)} near-duplicates kept together"
        write_set(folder.path, lists, kind.origin,
                  f"squashed to {SIDE} x {SIDE} pixels, masks above 127 set to 255 and the rest to 0, masks named as their images.")
        folder.finish()
    except BaseException:
        folder.drop()
        raise
    return folder.target, lists, source


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=("isic2018", "kvasir", "lctsc"), help="the set that was downloaded")
    parser.add_argument("download", type=Path, metavar="DOWNLOAD", help="folder with the download, unpacked or as .zip files, or one .zip file")
    parser.add_argument("--out", type=Path, required=True, metavar="DATA", help="folder that npc gets as --data-root")
    parser.add_argument("--all", action="store_true", help="copy every pair, not only those of scripts/lists, and split at random")
    parser.add_argument("--seed", type=int, default=0, help="of the random split (default 0)")
    parser.add_argument("--slices", type=int, default=16, help="lctsc: slices of a patient that the lists do not name (default 16)")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if not args.download.exists():
            raise Problem(f"{args.download}: there is no such folder or file")
        if args.slices < 1:
            raise Problem("--slices must be at least 1")
        if args.set == "lctsc":
            from prepare_lctsc import copy_lctsc
            target, lists, source = copy_lctsc(args)
        else:
            target, lists, source = copy_pictures(ISIC if args.set == "isic2018" else KVASIR, args)
    except Problem as problem:
        lines = str(problem).split("\n")
        print("\n".join(f"error: {line}" for line in lines), file=sys.stderr)
        sys.exit(f"{len(lines)} problem{'s' * (len(lines) != 1)}; nothing was written")
    except OSError as error:
        sys.exit(f"error: {error}\n1 problem; nothing was written")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing was written")
    count = sum(map(len, lists.values()))
    print(f"{target}: {count} pairs, train {len(lists['train'])}, test {len(lists['test'])} ({source})")
    print(f"next: npc data check models/data.model {target.name} --data-root {args.out}")


if __name__ == "__main__":
    import prepare_data     # by its name, so that prepare_lctsc.py and this file share one class `Problem`
    prepare_data.main()
