"""Random data sets of pictures: what data_readers.py lays before npc, and what docs/data.md makes of them."""
import os
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from data_pictures import (Refused, pack_bits, raw_tiff, read_picture, turn, write_bmp, write_gif, write_jpeg, write_png, write_tiff, write_webp)

IGNORED = 255
LEFT_OUT = set()    # endings of files that are not made


def in_use(write, path, *arguments):
    """Writes a file of a random format, again where its ending is left out. Returns its kind."""
    while True:
        kind, ending = write(path, *arguments)
        if ending not in LEFT_OUT: return kind
        os.remove(path + ending)


@dataclass
class Block:
    """The keys of a data block that decide what a pixel is."""
    size: tuple
    labels: list
    rule: str                      # threshold, threshold(N), exact, colour or alpha
    window: tuple | None = None
    channels: int = 1
    orientation: str | None = None
    ignore: list = field(default_factory=list)
    images: str = "images/*"
    masks: str = "masks/*"
    lists: str | None = None
    more: str = ""

    def text(self):
        show = lambda v: '"#%02x%02x%02x"' % tuple(v) if isinstance(v, tuple) else str(v)
        lines = [f'  list = "{self.lists}"'] if self.lists else [f'  images = "{self.images}"', f'  masks = "{self.masks}"']
        lines += [f"  size = [{self.size[0]}, {self.size[1]}]", f"  classes = [{', '.join(chr(34) + 'c%d' % i + chr(34) for i in range(len(self.labels)))}]"]
        lines += [f"  labels = [{', '.join(map(show, self.labels))}]", "  empty = one"]
        if self.rule != "colour": lines.append(f"  mask = {self.rule}")
        if self.window: lines.append(f"  window = [{self.window[0]}, {self.window[1]}]")
        if self.orientation: lines.append(f"  orientation = {self.orientation}")
        if len(self.ignore) == 1: lines.append(f"  ignore = {show(self.ignore[0])}")
        elif self.ignore: lines.append(f"  ignore = [{', '.join(map(show, self.ignore))}]")
        if self.more: lines.append(self.more)
        return "npc 1\n\ndata d {\n" + "\n".join(lines) + "\n}\n"


# ---- pictures --------------------------------------------------------------------------------------------------------------

def structure(rng, h, w, c, top, smooth=False):
    """Values without any symmetry: noise, or a slanted ramp with one bright corner for lossy formats."""
    if not smooth: return rng.integers(0, top + 1, (h, w, c))
    y, x = np.mgrid[0:h, 0:w]
    ramp = top * (0.15 + 0.35 * x / w + 0.25 * y / h)
    ramp = ramp + top * 0.2 * ((x < w / 3) & (y < h / 3))
    a = np.stack([ramp * (1 - 0.12 * i) for i in range(c)], -1)
    return a.clip(0, top).astype(np.int64)


def some_alpha(rng, h, w, top, kinds=(0.5, 0.1, 0.4)):
    """An alpha channel: opaque, of one other value, or with holes."""
    how = rng.choice(3, p=kinds)
    if how == 0: return np.full((h, w, 1), top)
    if how == 1: return np.full((h, w, 1), int(rng.integers(0, top)))
    return np.where(rng.random((h, w, 1)) < 0.3, int(rng.integers(0, top)), top)


def image_8(path, rng, h, w, orientation):
    """An 8-bit picture in a random format. Returns its kind."""
    dice = int(rng.integers(0, 26))
    grey, colour = structure(rng, h, w, 1, 255), structure(rng, h, w, 3, 255)
    if dice < 2:
        depth = int(rng.choice([1, 2, 4, 8])); write_png(path + ".png", rng, structure(rng, h, w, 1, (1 << depth) - 1), depth, 0, orientation=orientation); return f"png grey {depth}", ".png"
    if dice < 4: write_png(path + ".png", rng, colour, 8, 2, orientation=orientation); return "png rgb 8", ".png"
    if dice < 6:
        depth = int(rng.choice([1, 2, 4, 8])); n = int(rng.integers(2, (1 << depth) + 1)) if depth > 1 else 2
        trns = rng.integers(0, 256, int(rng.integers(1, n + 1))).astype(np.uint8).tobytes() if rng.random() < 0.3 else None
        write_png(path + ".png", rng, rng.integers(0, n, (h, w, 1)), depth, 3, rng.integers(0, 256, (n, 3)), trns, orientation); return f"png palette {depth}" + (" trns" if trns else ""), ".png"
    if dice == 6: write_png(path + ".png", rng, np.concatenate([grey, some_alpha(rng, h, w, 255)], 2), 8, 4, orientation=orientation); return "png grey-alpha 8", ".png"
    if dice == 7: write_png(path + ".png", rng, np.concatenate([colour, some_alpha(rng, h, w, 255)], 2), 8, 6, orientation=orientation); return "png rgba 8", ".png"
    if dice == 8:
        key = int(grey[0, 0, 0]); write_png(path + ".png", rng, grey, 8, 0, None, bytes([0, key]), orientation); return "png grey 8 trns", ".png"
    if dice == 9: write_png(path + ".png", rng, colour, 8, 2, None, b"".join(bytes([0, int(v)]) for v in colour[0, 0]), orientation); return "png rgb 8 trns", ".png"
    if dice < 12: write_jpeg(path + ".jpg", rng, structure(rng, h, w, 1, 255, True).astype(np.uint8), orientation); return "jpeg grey", ".jpg"
    if dice < 14: write_jpeg(path + ".jpg", rng, structure(rng, h, w, 3, 255, True).astype(np.uint8), orientation, keep_rgb=rng.random() < 0.2); return "jpeg rgb", ".jpg"
    if dice == 14: write_jpeg(path + ".jpg", rng, structure(rng, h, w, 3, 255, True).astype(np.uint8), orientation, mode="CMYK"); return "jpeg cmyk", ".jpg"
    if dice < 20: return tiff_8(path, rng, grey, colour, orientation), ".tif"
    if dice == 20: write_bmp(path + ".bmp", rng, grey, top_down=rng.random() < 0.5); return "bmp grey 8", ".bmp"
    if dice == 21:
        bits = int(rng.choice([1, 4, 8, 24, 32])); top_down = rng.random() < 0.5
        if bits <= 8: write_bmp(path + ".bmp", rng, rng.integers(0, 1 << bits, (h, w, 1)), rng.integers(0, 256, (1 << bits, 3)), top_down, bits)
        else: write_bmp(path + ".bmp", rng, colour if bits == 24 else np.concatenate([colour, some_alpha(rng, h, w, 255)], 2), top_down=top_down)
        return f"bmp {bits}", ".bmp"
    if dice == 22:
        frames = 1 + int(rng.random() < 0.25); transparent = 3 if rng.random() < 0.2 else None
        write_gif(path + ".gif", rng, rng.integers(0, 16, (h, w)), rng.integers(0, 256, (16, 3)), transparent, frames); return "gif" + (" animated" if frames > 1 else ""), ".gif"
    if dice == 23: write_webp(path + ".webp", rng, colour.astype(np.uint8), True, orientation); return "webp lossless", ".webp"
    if dice == 24: write_webp(path + ".webp", rng, np.concatenate([colour, some_alpha(rng, h, w, 255)], 2).astype(np.uint8), True, orientation); return "webp lossless alpha", ".webp"
    if rng.random() < 0.3: write_webp(path + ".webp", rng, colour.astype(np.uint8), True, orientation, frames=2); return "webp animated", ".webp"
    write_webp(path + ".webp", rng, structure(rng, h, w, 3, 255, True).astype(np.uint8), False, orientation); return "webp lossy", ".webp"


def tiff_8(path, rng, grey, colour, orientation):
    h, w = grey.shape[:2]
    path, dice, u8 = path + ".tif", int(rng.integers(0, 12)), lambda a: a.astype(np.uint8)
    tags = {274: (3, [orientation])} if orientation != 1 else {}
    if dice < 2: write_tiff(path, rng, u8(grey), orientation=orientation); return "tiff grey 8"
    if dice < 4: write_tiff(path, rng, u8(colour), orientation=orientation); return "tiff rgb 8"
    if dice == 4: write_tiff(path, rng, u8(grey), "miniswhite", orientation=orientation); return "tiff white-is-zero 8"
    if dice == 5: write_tiff(path, rng, grey[..., 0] > 127, rng.choice(["minisblack", "miniswhite"]), orientation=orientation); return "tiff bilevel"
    if dice == 6:
        bits = int(rng.choice([1, 2, 4])); reverse = rng.random() < 0.3; photometric = int(rng.random() < 0.7)
        raw_tiff(path, rng, pack_bits(grey[..., 0] >> (8 - bits), bits, reverse), h, w, bits, 1, photometric, {**tags, **({266: (3, [2])} if reverse else {})}); return f"tiff grey {bits}" + (" white-is-zero" if not photometric else "") + (" fill order 2" if reverse else "")
    if dice == 7: write_tiff(path, rng, u8(grey), "palette", rng.integers(0, 65536, (3, 256)).astype(np.uint16), orientation=orientation); return "tiff palette 8"
    if dice == 8:
        kind = str(rng.choice(["unassalpha", "assocalpha", "unspecified"])); write_tiff(path, rng, u8(np.concatenate([colour, some_alpha(rng, h, w, 255)], 2)), "rgb", extrasamples=[kind], orientation=orientation); return f"tiff rgb + {kind}"
    if dice == 9:
        kind = str(rng.choice(["unassalpha", "unspecified"])); write_tiff(path, rng, u8(np.concatenate([grey, some_alpha(rng, h, w, 255)], 2)), "minisblack", extrasamples=[kind], orientation=orientation); return f"tiff grey + {kind}"
    if dice == 10:
        where = str(rng.choice(["first", "last", "pages"])); write_tiff(path, rng, u8(grey), thumbnail=where if where != "pages" else None, pages=2 if where == "pages" else 1, orientation=orientation); return f"tiff {where}" + (" reduced" if where != "pages" else "")
    write_tiff(path, rng, u8(structure(rng, h, w, int(rng.choice([1, 3])), 255, True)), jpeg=True, orientation=orientation); return "tiff jpeg"


def image_16(path, rng, h, w, orientation):
    grey, colour = structure(rng, h, w, 1, 65535), structure(rng, h, w, 3, 65535)
    if rng.random() < 0.5: grey, colour = grey >> 4, colour >> 4
    dice = int(rng.integers(0, 8))
    alpha = some_alpha(rng, h, w, 65535)
    if dice < 2: write_png(path + ".png", rng, grey, 16, 0, orientation=orientation); return "png grey 16", ".png"
    if dice == 2: write_png(path + ".png", rng, colour, 16, 2, orientation=orientation); return "png rgb 16", ".png"
    if dice == 3: write_png(path + ".png", rng, np.concatenate([grey, alpha], 2), 16, 4, orientation=orientation); return "png grey-alpha 16", ".png"
    if dice == 4: write_png(path + ".png", rng, np.concatenate([colour, alpha], 2), 16, 6, orientation=orientation); return "png rgba 16", ".png"
    if dice == 5: write_tiff(path + ".tif", rng, colour.astype(np.uint16), orientation=orientation); return "tiff rgb 16", ".tif"
    if dice == 6: write_tiff(path + ".tif", rng, grey.astype(np.uint16), "miniswhite", orientation=orientation); return "tiff white-is-zero 16", ".tif"
    write_tiff(path + ".tif", rng, grey.astype(np.uint16), orientation=orientation); return "tiff grey 16", ".tif"


def image_wide(path, rng, h, w, orientation):
    kind = str(rng.choice(["int8", "int16", "uint32", "int32", "float16", "float32", "float64"]))
    low, high = (-128, 127) if kind == "int8" else (0, 2000) if kind[0] == "u" else (-1200, 1200)
    a = rng.integers(low, high + 1, (h, w, 3 if rng.random() < 0.2 else 1))
    a = (a + rng.random(a.shape) if kind[0] == "f" else a).astype(kind)
    if rng.random() < 0.03 and kind[0] == "f": a[0, 0] = np.nan
    white = "miniswhite" if a.shape[2] == 1 and rng.random() < 0.05 else None
    write_tiff(path + ".tif", rng, a, white, orientation=orientation)
    return f"tiff {kind}" + (" white-is-zero" if white else ""), ".tif"


# ---- masks -----------------------------------------------------------------------------------------------------------------

def write_mask(path, rng, classes, block, trouble):
    """A mask of these classes in a random format that can hold them. `trouble` is what may be wrong with it."""
    h, w = classes.shape
    orientation = int(rng.integers(2, 9)) if trouble == "orientation" else 1
    if block.rule == "alpha":
        alpha = np.where(classes == 1, 255, 0)[..., None]
        colour = structure(rng, h, w, 3, 255)
        if rng.random() < 0.5: write_png(path + ".png", rng, np.concatenate([colour, alpha], 2), 8, 6, orientation=orientation); return "alpha png", ".png"
        write_tiff(path + ".tif", rng, np.concatenate([colour, alpha], 2).astype(np.uint8), "rgb", extrasamples=["unassalpha"], orientation=orientation); return "alpha tiff", ".tif"
    if block.rule == "colour":
        a = np.asarray(block.labels, np.int64)[classes]
        if trouble == "stray": a[int(rng.integers(h)), int(rng.integers(w))] ^= 1
        if block.ignore and trouble is None: a = np.where((rng.random((h, w)) < 0.1)[..., None], block.ignore[-1], a); trouble = "void"
        dice = int(rng.integers(0, 7))
        if trouble == "alpha" or dice == 0:
            alpha = some_alpha(rng, h, w, 255, (0, 0, 1) if trouble == "alpha" else (0.9, 0.1, 0))
            write_png(path + ".png", rng, np.concatenate([a, alpha], 2), 8, 6, orientation=orientation); return "colour png rgba", ".png"
        if dice == 1 and trouble not in ("stray", "void"):
            order = rng.permutation(256)[:len(block.labels)]; palette = rng.integers(0, 256, (256, 3)); palette[order] = block.labels
            write_png(path + ".png", rng, order[classes], 8, 3, palette, orientation=orientation); return "colour png palette", ".png"
        if dice == 2: write_tiff(path + ".tif", rng, a.astype(np.uint8), orientation=orientation); return "colour tiff", ".tif"
        if orientation == 1 and dice == 3: write_bmp(path + ".bmp", rng, a, top_down=rng.random() < 0.5); return "colour bmp", ".bmp"
        if orientation == 1 and dice == 4 and trouble not in ("stray", "void"):
            write_gif(path + ".gif", rng, classes, list(block.labels) + [(1, 2, 3)] * (256 - len(block.labels))); return "colour gif", ".gif"
        if dice == 5: write_webp(path + ".webp", rng, a.astype(np.uint8), True, orientation); return "colour webp", ".webp"
        write_png(path + ".png", rng, a, 8, 2, orientation=orientation); return "colour png rgb", ".png"
    a = np.asarray(block.labels if block.rule != "threshold(100)" else [20, 200], np.int64)[classes]
    top = int(a.max())
    if trouble == "stray": a[int(rng.integers(h)), int(rng.integers(w))] = int(rng.integers(0, max(top, 2) + 1))
    if trouble == "void": a[rng.random((h, w)) < 0.1] = 255
    if block.ignore and trouble is None: a[rng.random((h, w)) < 0.1] = block.ignore[-1]
    if block.rule.startswith("threshold") and trouble is None and rng.random() < 0.2: a = np.where(rng.random((h, w)) < 0.06, rng.integers(min(block.labels), max(block.labels) + 1, (h, w)), a)
    top = int(a.max())
    g = a[..., None]
    dice = int(rng.integers(0, 16))
    if top > 255 or dice == 0:
        if rng.random() < 0.6: write_png(path + ".png", rng, g, 16, 0, orientation=orientation); return f"{block.rule} png grey 16", ".png"
        write_tiff(path + ".tif", rng, a.astype(rng.choice(["uint16", "int32", "float32"])), orientation=orientation); return f"{block.rule} tiff wide", ".tif"
    if trouble == "alpha" or dice == 1:
        alpha = some_alpha(rng, h, w, 255, (0, 0, 1) if trouble == "alpha" else (0.9, 0.1, 0))
        if rng.random() < 0.5: write_png(path + ".png", rng, np.concatenate([g, alpha], 2), 8, 4, orientation=orientation); return f"{block.rule} png grey-alpha", ".png"
        write_png(path + ".png", rng, np.concatenate([g, g, g, alpha], 2), 8, 6, orientation=orientation); return f"{block.rule} png rgba", ".png"
    if trouble == "colour": 
        b = np.repeat(g, 3, 2); b[..., int(rng.integers(3))] //= 3
        write_png(path + ".png", rng, b, 8, 2, orientation=orientation); return f"{block.rule} png in colours", ".png"
    if dice == 2 or trouble == "palette":   # the index is the label; the colours are anything
        palette = rng.integers(0, 256, (256, 3)) if rng.random() < 0.5 else np.repeat(np.arange(256)[:, None], 3, 1)
        trns = bytes([0]) if rng.random() < 0.15 else None
        write_png(path + ".png", rng, g, 8, 3, palette, trns, orientation); return f"{block.rule} png palette" + (" trns" if trns else ""), ".png"
    if dice == 3:                           # fewer bits
        depth = int(rng.choice([1, 2, 4])); values = (1 << depth) - 1
        if (a * values % 255 == 0).all() and top > values: write_png(path + ".png", rng, g * values // 255, depth, 0, orientation=orientation)
        else: write_png(path + ".png", rng, np.minimum(g, values), depth, 0, orientation=orientation)
        return f"{block.rule} png grey {depth}", ".png"
    if dice == 4:
        photometric = str(rng.choice(["minisblack", "miniswhite"]))
        if rng.random() < 0.5: write_tiff(path + ".tif", rng, (a > 0), photometric, orientation=orientation); return f"{block.rule} tiff bilevel {photometric}", ".tif"
        write_tiff(path + ".tif", rng, (a if photometric == "minisblack" else 255 - a).astype(np.uint8), photometric, orientation=orientation); return f"{block.rule} tiff {photometric}", ".tif"
    if dice == 5: write_tiff(path + ".tif", rng, a.astype(np.uint8), "palette", rng.integers(0, 65536, (3, 256)).astype(np.uint16), orientation=orientation); return f"{block.rule} tiff palette", ".tif"
    if dice == 6: write_tiff(path + ".tif", rng, np.repeat(g, 3, 2).astype(np.uint8), orientation=orientation); return f"{block.rule} tiff rgb grey", ".tif"
    if dice == 7 and orientation == 1: write_bmp(path + ".bmp", rng, g, None if rng.random() < 0.6 else rng.integers(0, 256, (256, 3)), rng.random() < 0.5); return f"{block.rule} bmp 8", ".bmp"
    if dice == 8 and orientation == 1: write_gif(path + ".gif", rng, a, np.repeat(np.arange(256)[:, None], 3, 1) if rng.random() < 0.6 else rng.integers(0, 256, (256, 3)), frames=1 + int(rng.random() < 0.1)); return f"{block.rule} gif", ".gif"
    if dice == 9: write_webp(path + ".webp", rng, np.repeat(g, 3, 2).astype(np.uint8), True, orientation); return f"{block.rule} webp lossless", ".webp"
    if dice == 10 and block.rule.startswith("threshold"): write_jpeg(path + ".jpg", rng, a.astype(np.uint8), orientation, quality=95); return "threshold jpeg", ".jpg"
    if dice == 11 and rng.random() < 0.3: write_jpeg(path + ".jpg", rng, a.astype(np.uint8), orientation, quality=95); return f"{block.rule} jpeg", ".jpg"
    if dice == 12: write_tiff(path + ".tif", rng, a.astype(np.uint8), thumbnail=str(rng.choice(["first", "last"])), orientation=orientation); return f"{block.rule} tiff reduced", ".tif"
    if dice == 13: write_tiff(path + ".tif", rng, a.astype(np.uint8), pages=int(rng.choice([1, 2])), orientation=orientation); return f"{block.rule} tiff grey", ".tif"
    write_png(path + ".png", rng, g, 8, 0, orientation=orientation); return f"{block.rule} png grey 8", ".png"


def picture_block(rng):
    """A random data block of pictures."""
    size = (int(rng.integers(5, 20)), int(rng.integers(5, 20)))
    rule = str(rng.choice(["threshold", "threshold(100)", "exact", "colour", "alpha"], p=[0.33, 0.07, 0.35, 0.2, 0.05]))
    if rule in ("alpha", "threshold(100)"): labels = [[0, 255], [0, 1], [255, 0]][int(rng.integers(3))]
    elif rule == "threshold": labels = [[0, 255], [0, 255], [255, 0], [0, 1], [0, 128], [0, 1000], [10, 200]][int(rng.integers(7))]
    elif rule == "exact":
        pools = [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 255], [0, 128, 255], [0, 85, 170, 255], [1, 0], [5, 7, 200], [0, 300], [0, 1, 65535]]
        labels = pools[int(rng.integers(len(pools)))]
    else:
        labels = [tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(int(rng.integers(2, 5)))]
        if rng.random() < 0.5: labels[0] = (0, 0, 0)
        if rng.random() < 0.3: labels[-1] = (255, 255, 255)
        if len(set(labels)) < len(labels): return picture_block(rng)
    ignore = []
    if rng.random() < 0.3 and rule != "alpha":
        void = [(255, 255, 255), (224, 224, 192)] if rule == "colour" else [255, 254] if rule == "exact" else [128, 77]
        ignore = [v for v in void[:int(rng.integers(1, 3))] if v not in labels]
    orientation = str(rng.choice(["apply", "stored"])) if rng.random() < 0.3 else None
    return Block(size, labels, rule, channels=int(rng.choice([1, 3])), ignore=ignore, orientation=orientation)


def picture_set(folder, rng):
    """Writes a set. Returns its block and (stem, kind of image, kind of mask, trouble) of each case."""
    block = picture_block(rng)
    os.makedirs(f"{folder}/images"); os.makedirs(f"{folder}/masks")
    family = str(rng.choice(["8", "16", "wide", "mixed"], p=[0.65, 0.2, 0.1, 0.05]))
    if family == "wide": block.window = (int(rng.integers(-900, 0)), int(rng.integers(10, 900)))
    elif rng.random() < 0.2: block.window = (int(rng.integers(-50, 100)), int(rng.integers(120, 4000 if family != "8" else 300)))
    (h, w), cases = block.size, []
    if rng.random() < 0.15: h, w = int(rng.integers(6, 40)), int(rng.integers(6, 40))
    for i in range(int(rng.integers(3, 6))):
        stem = f"p{i}"
        trouble = str(rng.choice(["orientation", "stray", "void", "alpha", "colour", "palette", "image orientation", "both orientations", "size"])) if rng.random() < 0.3 else None
        turned = int(rng.integers(2, 9)) if trouble in ("image orientation", "both orientations") else int(rng.choice([0, 9])) if rng.random() < 0.02 else 1
        how = family if family != "mixed" else str(rng.choice(["8", "16"]))
        kind = in_use({"8": image_8, "16": image_16, "wide": image_wide}[how], f"{folder}/images/{stem}", rng, h, w, turned)
        mh, mw = (h + int(rng.integers(-1, 3)), w + int(rng.integers(-1, 3))) if trouble == "size" else (h, w)
        classes = blobs(rng, mh, mw, len(block.labels))
        mask_kind = in_use(write_mask, f"{folder}/masks/{stem}", rng, classes, block, "orientation" if trouble == "both orientations" else trouble)
        cases.append((stem, kind, mask_kind, trouble))
    open(f"{folder}/m.model", "w").write(block.text())
    return block, cases


def blobs(rng, h, w, k):
    """A class map without symmetry."""
    a = np.zeros((h, w), np.int64)
    for c in range(1, k):
        for _ in range(int(rng.integers(0, 4))):
            y, x = int(rng.integers(h)), int(rng.integers(w))
            a[y:y + int(rng.integers(1, h)), x:x + int(rng.integers(1, w))] = c
    if rng.random() < 0.3: a = np.where(rng.random((h, w)) < 0.2, rng.integers(0, k, (h, w)), a)
    return a


# ---- the definition --------------------------------------------------------------------------------------------------------

def oriented(a, reading, block):
    if reading.orientation in range(2, 9):
        if block.orientation is None: raise Refused("an orientation tag, and the block does not say what to do")
        if block.orientation == "apply": return turn(a, reading.orientation)
    return a


def speaks(reading):
    """Whether alpha says something: it is not opaque everywhere, or a sample without a name is not constant."""
    if reading.alpha is None: return False
    return len(np.unique(reading.alpha)) > 1 if reading.unnamed else (reading.alpha < 255).any()


def units(values, kind, block):
    """Stored values to 0..1."""
    low, high = block.window or {"u8": (0, 255), "u16": (0, 65535)}.get(kind, (None, None))
    if low is None: raise Refused(f"{kind} values without a window")
    if not np.isfinite(values).all(): raise Refused("values that are no numbers")
    if kind == "u16" and block.window and low < 0 and (values > 32767).any(): values = np.where(values > 32767, values - 65536, values)
    return ((values - low) / (high - low)).clip(0, 1)


def to_channels(unit, channels):
    """height x width x c to channels x height x width."""
    if unit.shape[2] == 3 and channels == 1: unit = (unit @ np.array([0.299, 0.587, 0.114]))[..., None]
    if unit.shape[2] == 1 and channels == 3: unit = np.repeat(unit, 3, 2)
    return np.moveaxis(unit, 2, 0)


def resized(planes, size):
    if planes.shape[1:] == tuple(size): return planes
    return np.stack([np.asarray(Image.fromarray(p.astype(np.float32)).resize((size[1], size[0]), Image.BILINEAR)) for p in planes]).astype(np.float64)


def nearest(a, size):
    y, x = [np.minimum(((np.arange(n) * 2 + 1) * m) // (2 * n), m - 1) for n, m in zip(size, a.shape)]
    return a[y][:, x]


def expected_image(path, block):
    """The planes that training has to get, the tolerance, and the words of which a warning has to have one."""
    reading = read_picture(path)
    tells = []
    if speaks(reading): tells.append(("alpha", "sample"))
    if reading.frames > 1: tells.append(("page", "frame", "picture"))
    unit = units(oriented(reading.values, reading, block), reading.kind, block)
    planes = resized(to_channels(unit, block.channels), block.size)
    low, high = block.window or ((0, 255) if reading.kind == "u8" else (0, 65535))
    return planes, 1.01 / 65535 + reading.lossy / (high - low) + (1e-4 if planes.shape[1:] != unit.shape[:2] else 0), tells, reading, unit.shape[:2]


def matched(keys, labels, ignore):
    """The class of each key; every key has to be a label or ignored."""
    out = np.full(keys.shape, -1)
    for i, label in enumerate(labels): out[keys == label] = i
    for value in ignore: out[(keys == value) & (out < 0)] = IGNORED
    if (out < 0).any(): raise Refused("values that are no label")
    return out


def classify(reading, block):
    """Values to class indices, and where a lossy file leaves them open."""
    values, rule, labels = reading.values, block.rule, block.labels
    if rule == "alpha":
        if reading.alpha is None or reading.unnamed: raise Refused("no alpha channel")
        return (reading.alpha > 127.5).astype(np.int64), None
    if speaks(reading): raise Refused("alpha that says something in a mask")
    if reading.lossy and block.ignore: raise Refused("ignored values in a lossy file")
    grey = reading.index is None or reading.ramp
    if rule == "colour":
        if reading.lossy: raise Refused("colours in a lossy file")
        if reading.kind != "u8": raise Refused("colours of more than 8 bits")
        weights = np.array([65536, 256, 1])
        rgb = values if values.shape[2] == 3 else np.repeat(values, 3, 2)
        return matched(rgb @ weights, [np.dot(c, weights) for c in labels], [np.dot(c, weights) for c in block.ignore]), None
    if not grey and rule.startswith("threshold("): raise Refused("indices have no order")
    if not grey: return matched(reading.index, labels, block.ignore), None
    if reading.ramp: values = values[..., :1]
    if reading.bits < 8 and not rule.startswith("threshold(") and max(labels) < 1 << reading.bits: values = values * ((1 << reading.bits) - 1) / 255
    bright, uneven = values.max(-1), values.max(-1) - values.min(-1)
    if rule == "exact":
        if reading.lossy: raise Refused("labels in a lossy file")
        if uneven.any(): raise Refused("a mask in colours")
        return matched(bright, labels, block.ignore), None
    ignored = np.isin(bright, block.ignore)
    at = (labels[0] + labels[1]) / 2 if rule == "threshold" else float(rule[10:-1])
    if rule == "threshold":
        if uneven.max() > (64 + 2 * reading.lossy if reading.lossy else 8): raise Refused("a mask in colours")
        if reading.lossy and abs(labels[0] - labels[1]) < 64: raise Refused("labels too near for a lossy file")
        rest = bright[~ignored]
        if not reading.lossy and ((rest < min(labels)) | (rest > max(labels))).any(): raise Refused("values outside of the labels")
        reading.doubtful = not reading.lossy and len(rest) > 0 and rest.max() < min(labels) + (max(labels) - min(labels)) / 8
    elif reading.lossy and not 32 <= at <= 223: raise Refused("a threshold too near to an end for a lossy file")
    first = int(labels[0] > labels[1])
    classes = np.where(bright > at, 1 - first, first)
    classes[ignored] = IGNORED
    return classes, abs(bright - at) <= reading.lossy if reading.lossy else None


def expected_mask(path, block, image_size):
    reading = read_picture(path)
    classes, unsure = classify(reading, block)
    classes = oriented(classes, reading, block)
    if unsure is not None: unsure = oriented(unsure, reading, block)
    if max(abs(a - b) for a, b in zip(classes.shape, image_size)) > 1: raise Refused("mask and image differ in size")
    tells = [("page", "frame", "picture")] if reading.frames > 1 else []
    return nearest(classes, block.size), None if unsure is None else nearest(unsure, block.size), tells, reading


def expectation(image, mask, block):
    """What training has to get of a case. Raises Refused where npc has to refuse it."""
    planes, tolerance, tells, reading, size = expected_image(image, block)
    classes, unsure, more, mask_reading = expected_mask(mask, block, size)
    return dict(image=planes, tolerance=tolerance, mask=classes, unsure=unsure, tells=tells + more, notes=reading.notes | {"mask " + n for n in mask_reading.notes})
