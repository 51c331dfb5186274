"""Random pictures and masks in every format and variant, and what they mean by docs/data.md, read by Pillow, tifffile and imagecodecs.

`write_*` make files; `read_picture` reads one without knowing how it was made. Used by data_readers.py.
"""
import io, struct, zlib
from dataclasses import dataclass, field

import imagecodecs, numpy as np, tifffile
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


class Refused(Exception):
    """The definition gives the file no meaning, so npc has to refuse it."""


@dataclass
class Reading:
    """A picture as the definition reads it."""
    values: np.ndarray            # height x width x channels (1 or 3) as float64, stored values in reading order of the file
    kind: str                     # u8, u16, i16 or wide
    alpha: np.ndarray | None = None
    index: np.ndarray | None = None    # palette indices
    orientation: int = 1
    lossy: float = 0.0            # largest difference between decoders, in units of the values
    frames: int = 1
    bits: int = 8                 # of a grey sample in the file; values are those that viewers show, 0 to 255
    ramp: bool = False            # a palette that only repeats the grey values of its depth
    unnamed: bool = False         # `alpha` is an extra sample without a meaning
    doubtful: bool = False        # npc may refuse the file
    notes: set = field(default_factory=set)


# ---- writers -------------------------------------------------------------------------------------------------------------

def exif(rng, orientation, order=None):
    """An EXIF block with an orientation tag, in either byte order, with other tags before and behind it."""
    e = order or ("<" if rng.random() < 0.5 else ">")
    tags = [(0x0112, 3, 1, struct.pack(e + "HH", orientation, 0))]
    if rng.random() < 0.5: tags.append((0x0100, 3, 1, struct.pack(e + "HH", 6, 0)))
    if rng.random() < 0.5: tags.append((0x0128, 3, 1, struct.pack(e + "HH", 2, 0)))
    tags.sort()
    head = (b"II*\0" if e == "<" else b"MM\0*") + struct.pack(e + "I", 8)
    return head + struct.pack(e + "H", len(tags)) + b"".join(struct.pack(e + "HHI", t, k, n) + v for t, k, n, v in tags) + bytes(4)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_rows(rng, a, depth, filtered):
    """The filtered rows of one pass. a: height x width x channels."""
    h, w, c = a.shape
    unit, before, out = max(1, c * depth // 8), None, b""
    for row in a.reshape(h, w * c).astype(np.int64):
        if depth == 16: line = np.frombuffer(row.astype(">u2").tobytes(), np.uint8)
        elif depth == 8: line = row.astype(np.uint8)
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(-1).astype(np.uint8)
            line = np.packbits(bits)
        line = line.astype(np.int64)
        up = before if before is not None else np.zeros_like(line)
        left, corner = np.zeros_like(line), np.zeros_like(line)
        left[unit:], corner[unit:] = line[:-unit], up[:-unit]
        kind = int(rng.integers(5)) if filtered else 0
        p = left + up - corner
        pa, pb, pc = abs(p - left), abs(p - up), abs(p - corner)
        paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, up, corner))
        guess = [np.zeros_like(line), left, up, (left + up) // 2, paeth][kind]
        out += bytes([kind]) + ((line - guess) % 256).astype(np.uint8).tobytes()
        before = line
    return out


def write_png(path, rng, a, depth=8, colour=0, palette=None, trns=None, orientation=1, plain=False):
    """colour: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    a = a if a.ndim == 3 else a[..., None]
    h, w, _ = a.shape
    interlaced = not plain and rng.random() < 0.3
    some = lambda p: not plain and rng.random() < p
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    parts = [a[y::dy, x::dx] for y, x, dy, dx in passes]
    raw = b"".join(png_rows(rng, part, depth, some(0.6)) for part in parts if part.size)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlaced))
    if some(0.15): out += chunk(b"gAMA", struct.pack(">I", int(rng.choice([45455, 100000, 22727]))))
    if some(0.1): out += chunk(b"pHYs", struct.pack(">IIB", 2835, 5670, 1))
    if colour in (2, 3, 6) and some(0.1): out += chunk(b"iCCP", b"p\0\0" + zlib.compress(SRGB))
    elif some(0.1): out += chunk(b"sRGB", b"\0")
    if some(0.1): out += chunk(b"tEXt", b"Comment\0 made up")
    late = some(0.5)
    if orientation != 1 and not late: out += chunk(b"eXIf", exif(rng, orientation))
    if palette is not None: out += chunk(b"PLTE", np.asarray(palette, np.uint8).tobytes())
    if trns is not None: out += chunk(b"tRNS", bytes(trns))
    packed = zlib.compress(raw, int(rng.integers(0, 10)))
    cut = int(rng.integers(1, len(packed))) if some(0.3) else len(packed)
    out += chunk(b"IDAT", packed[:cut]) + (chunk(b"IDAT", packed[cut:]) if cut < len(packed) else b"")
    if orientation != 1 and late: out += chunk(b"eXIf", exif(rng, orientation))
    open(path, "wb").write(out + chunk(b"IEND", b""))


def write_jpeg(path, rng, a, orientation=1, mode=None, quality=None, keep_rgb=False):
    image = Image.fromarray(a if a.ndim == 2 or a.shape[2] > 1 else a[..., 0], mode) if mode != "CMYK" else Image.fromarray(a[..., :3]).convert("CMYK")
    options = dict(quality=quality or int(rng.integers(75, 97)), progressive=bool(rng.random() < 0.3), subsampling=int(rng.choice([0, 0, 1, 2])))
    if keep_rgb and image.mode == "RGB": options.update(keep_rgb=True, subsampling=0)
    if orientation != 1 or rng.random() < 0.1: options["exif"] = b"Exif\0\0" + exif(rng, orientation)
    if image.mode == "RGB" and rng.random() < 0.1: options["icc_profile"] = SRGB
    if rng.random() < 0.2: options["comment"] = "made up"
    image.save(path, "JPEG", **options)


def raw_tiff(path, rng, packed, h, w, bits, samples, photometric, tags=(), sample_format=1):
    """A TIFF file with one uncompressed strip, byte by byte, for what tifffile does not write."""
    e = "<" if rng.random() < 0.5 else ">"
    entries = {256: (4, [w]), 257: (4, [h]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]), 277: (3, [samples]), 278: (4, [h]), 279: (4, [len(packed)]), 273: (4, [0]), 339: (3, [sample_format] * samples)}
    entries.update(dict(tags))
    size = {3: 2, 4: 4}
    at = 8 + 2 + 12 * len(entries) + 4
    blobs, ifd = b"", b""
    extra = sum(max(0, size[k] * len(v)) for k, v in entries.values() if size[k] * len(v) > 4)
    for tag in sorted(entries):
        kind, values = entries[tag]
        if tag == 273: values = [at + extra]
        data = struct.pack(e + {3: "H", 4: "I"}[kind] * len(values), *values)
        ifd += struct.pack(e + "HHI", tag, kind, len(values))
        if len(data) <= 4: ifd += data.ljust(4, b"\0")
        else:
            ifd += struct.pack(e + "I", at + len(blobs)); blobs += data
    head = (b"II*\0" if e == "<" else b"MM\0*") + struct.pack(e + "I", 8)
    open(path, "wb").write(head + struct.pack(e + "H", len(entries)) + ifd + bytes(4) + blobs + packed)


def pack_bits(a, bits, reverse=False):
    """Rows of samples of fewer than 8 bits, each row on a byte boundary; reverse is FillOrder 2."""
    planes = ((a[..., None].astype(np.int64) >> np.arange(bits - 1, -1, -1)) & 1).reshape(a.shape[0], -1).astype(np.uint8)
    return b"".join(np.packbits(row, bitorder="little" if reverse else "big").tobytes() for row in planes)


def write_tiff(path, rng, a, photometric=None, colormap=None, extrasamples=None, orientation=1, plain=False, thumbnail=None, pages=1, jpeg=False):
    a = a[..., 0] if a.ndim == 3 and a.shape[2] == 1 else a
    some = lambda p: not plain and rng.random() < p
    options = dict(photometric=photometric or ("rgb" if a.ndim == 3 else "minisblack"), metadata=None)
    options["byteorder"] = "<" if rng.random() < 0.5 else ">"
    options["bigtiff"] = some(0.15)
    if colormap is not None: options["colormap"] = colormap
    if extrasamples is not None: options["extrasamples"] = extrasamples
    if jpeg: options.update(compression="jpeg", compressionargs={"level": 90}, byteorder="<")
    elif a.dtype != bool:
        options["compression"] = [None, "lzw", "zlib", "packbits", "zstd", "lzma"][int(rng.choice(6, p=[0.35, 0.2, 0.2, 0.1, 0.1, 0.05]))] if not plain else None
        if options["compression"] in ("lzw", "zlib") and some(0.5):
            options["predictor"] = 3 if a.dtype.kind == "f" else 2 if a.dtype.itemsize <= 4 else False
    elif some(0.3): options["compression"] = "packbits"
    if some(0.3) and not jpeg and a.dtype != bool: options["tile"] = (16, 32)
    elif some(0.5): options["rowsperstrip"] = int(rng.integers(1, 9)) * (8 if jpeg else 1)
    if a.ndim == 3 and not jpeg and some(0.2):
        options["planarconfig"] = "separate"
        a = np.moveaxis(a, 2, 0)
        options.pop("predictor", None)
    if some(0.2): options.update(resolution=(72, 36), resolutionunit="INCH")
    # Orientation 1 is written as often as not at all.
    if orientation != 1 or some(0.1): options["extratags"] = [(274, "H", 1, orientation, True)]
    with tifffile.TiffWriter(path, byteorder=options.pop("byteorder"), bigtiff=options.pop("bigtiff")) as out:
        if thumbnail == "first":
            small = a[..., ::2, ::2] if options.get("planarconfig") else a[::2, ::2]
            out.write(np.ascontiguousarray(small), subfiletype=1, photometric=options["photometric"], metadata=None, **({"colormap": colormap} if colormap is not None else {}))
        for _ in range(pages): out.write(np.ascontiguousarray(a), **options)
        if thumbnail == "last":
            small = a[..., ::2, ::2] if options.get("planarconfig") else a[::2, ::2]
            out.write(np.ascontiguousarray(small), subfiletype=1, photometric=options["photometric"], metadata=None, **({"colormap": colormap} if colormap is not None else {}))


def write_bmp(path, rng, a, palette=None, top_down=False, bits=None):
    """Grey or palette (8 bits or fewer), 24 and 32 bits, rows from the bottom or from the top."""
    h, w = a.shape[:2]
    bits = bits or (8 if a.ndim == 2 or a.shape[2] == 1 else 8 * a.shape[2])
    table = b""
    if bits <= 8:
        palette = np.asarray(palette if palette is not None else np.repeat(np.arange(256)[:, None], 3, 1))[: 1 << bits]
        table = np.concatenate([palette[:, ::-1], np.zeros((len(palette), 1), int)], 1).astype(np.uint8).tobytes()
        lines = [pack_bits(row[None], bits) for row in a.reshape(h, w)]
    else:
        lines = [row.astype(np.uint8).tobytes() for row in (a[..., ::-1] if bits == 24 else a[..., [2, 1, 0, 3]])]
    lines = [line + bytes(-len(line) % 4) for line in lines]
    body = b"".join(lines if top_down else lines[::-1])
    info = struct.pack("<IiiHHIIiiII", 40, w, -h if top_down else h, 1, bits, 0, len(body), 2835, 2835, len(table) // 4, 0)
    start = 14 + len(info) + len(table)
    open(path, "wb").write(b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + table + body)


def write_gif(path, rng, index, palette, transparent=None, frames=1):
    image = Image.fromarray(index.astype(np.uint8), "P")
    image.putpalette(np.asarray(palette, np.uint8).reshape(-1).tobytes())
    options = {} if transparent is None else {"transparency": transparent}
    more = []
    for _ in range(frames - 1):
        other = Image.fromarray(rng.permutation(index.reshape(-1)).reshape(index.shape).astype(np.uint8), "P")
        other.putpalette(image.getpalette()); more.append(other)
    if more: options.update(save_all=True, append_images=more, duration=100)
    image.save(path, "GIF", interlace=int(rng.random() < 0.5), optimize=False, **options)


def write_webp(path, rng, a, lossless=True, orientation=1, frames=1):
    image = Image.fromarray(a if a.ndim == 3 and a.shape[2] > 1 else np.repeat(a.reshape(*a.shape[:2], 1), 3, 2))
    options = dict(lossless=lossless, quality=90, exact=True)
    if orientation != 1: options["exif"] = b"Exif\0\0" + exif(rng, orientation) if rng.random() < 0.5 else exif(rng, orientation)
    if rng.random() < 0.1: options["icc_profile"] = SRGB
    if frames > 1: options.update(save_all=True, append_images=[image.rotate(180)] * (frames - 1))
    image.save(path, "WEBP", **options)


# ---- the independent reader -----------------------------------------------------------------------------------------------

def turn(a, orientation):
    """The picture as a viewer shows it (TIFF 6.0, tag 274)."""
    return {2: lambda: a[:, ::-1], 3: lambda: a[::-1, ::-1], 4: lambda: a[::-1], 5: lambda: a.swapaxes(0, 1), 6: lambda: np.rot90(a, -1),
            7: lambda: a[::-1, ::-1].swapaxes(0, 1), 8: lambda: np.rot90(a, 1)}.get(orientation, lambda: a)()


def read_picture(path):
    """Reads a picture file of any format, told by its first bytes."""
    data = open(path, "rb").read()
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"): return read_tiff(path)
    if data[:8] == b"\x89PNG\r\n\x1a\n": return read_png(data)
    image = Image.open(io.BytesIO(data))
    orientation = image.getexif().get(0x0112, 1)
    frames = getattr(image, "n_frames", 1)
    if data[:3] == b"\xff\xd8\xff":
        image.load()
        if image.mode == "L": reading = Reading(np.asarray(image, np.float64)[..., None], "u8")
        elif image.mode == "RGB": reading = Reading(np.asarray(image, np.float64), "u8")
        else: raise Refused(f"a JPEG file in {image.mode}")
        reading.lossy = 4.0 if image.mode == "L" else 12.0
    elif data[:2] == b"BM":
        bits = struct.unpack("<H", data[28:30])[0]
        reading = read_indexed(image, bits, struct.unpack("<I", data[46:50])[0] or 1 << bits)
    elif data[:4] == b"GIF8":
        flags = data[10] if data[10] & 128 else data[data.index(b",", 13) + 9]
        entries = 2 << (flags & 7)
        reading = read_indexed(image, {2: 1, 4: 2, 8: 4, 16: 4}.get(entries, 8), entries)
    elif data[:4] == b"RIFF":
        reading = with_alpha(np.asarray(image.convert("RGBA"), np.float64))
        if image.mode == "RGB": reading.alpha = None
        if b"VP8 " in data[:64]: reading.lossy = 10.0
    else: raise Refused("no picture")
    reading.orientation, reading.frames = orientation, frames
    return reading


def with_alpha(rgba):
    return Reading(rgba[..., :3], "u8", alpha=rgba[..., 3])


def grey_ramp(table, bits, entries):
    """Whether a palette only repeats the grey values of its depth."""
    grey = np.arange(1 << bits) * 255 // ((1 << bits) - 1)
    return bits <= 8 and entries == len(grey) <= len(table) and (np.asarray(table)[:entries] == grey[:, None]).all()


def read_indexed(image, bits, entries):
    """BMP and GIF by Pillow: the first picture."""
    image.seek(0)
    if image.mode in ("1", "L"):    # palettes of equal channels: for Pillow these are no palettes
        grey = np.asarray(image.convert("L"), np.float64)
        table = np.array([0, 255] if image.mode == "1" else range(256))
        index = grey.astype(np.int64) // (255 if image.mode == "1" else 1)
        return Reading(grey[..., None], "u8", index=index, ramp=grey_ramp(np.repeat(table[:, None], 3, 1), bits, entries), bits=min(bits, 8))
    if image.mode != "P": return with_alpha(np.asarray(image.convert("RGBA"), np.float64)) if image.mode == "RGBA" else Reading(np.asarray(image.convert("RGB"), np.float64), "u8")
    reading = with_alpha(np.asarray(image.convert("RGBA"), np.float64))
    reading.index, table = np.asarray(image).astype(np.int64), np.asarray(image.getpalette("RGB")).reshape(-1, 3)
    reading.ramp, reading.bits = grey_ramp(table, bits, entries), bits
    if "transparency" not in image.info: reading.alpha = None
    return reading


def read_png(data):
    depth, colour = data[24], data[25]
    chunks, at = {}, 8
    while at < len(data):
        n = struct.unpack(">I", data[at:at + 4])[0]
        chunks.setdefault(data[at + 4:at + 8], data[at + 8:at + 8 + n]); at += 12 + n
    trns = chunks.get(b"tRNS")
    if depth == 16:
        a = imagecodecs.png_decode(data)
        a = (a if a.ndim == 3 else a[..., None]).astype(np.float64)
        channels = 3 if colour in (2, 6) else 1
        reading = Reading(a[..., :channels], "u16", alpha=a[..., -1] / 257 if colour in (4, 6) else None)
    else:
        image = Image.open(io.BytesIO(data)); image.load()
        if colour == 3:
            index = np.asarray(image).astype(np.int64)
            table = np.asarray(image.getpalette("RGB"), np.float64).reshape(-1, 3)
            opacity = np.full(len(table), 255.0)
            if trns: opacity[:len(trns)] = list(trns)[:len(table)]
            reading = Reading(table[index], "u8", index=index, alpha=opacity[index] if trns else None)
            reading.ramp, reading.bits = grey_ramp(table, depth, len(table)), depth
        else:
            a = np.asarray(image.convert({0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}[colour]), np.float64)
            a = a if a.ndim == 3 else a[..., None]
            channels = 3 if colour in (2, 6) else 1
            reading = Reading(a[..., :channels], "u8", alpha=a[..., -1] if colour in (4, 6) else None, bits=depth)
    if trns and colour in (0, 2):
        key = np.frombuffer(trns, ">u2").astype(np.float64)
        scale = 255 / ((1 << depth) - 1) if depth < 8 else 1
        reading.alpha = np.where((reading.values == key * scale).all(-1), 0.0, 255.0)
    image = Image.open(io.BytesIO(data)); image.load()
    reading.orientation = image.getexif().get(0x0112, 1)
    return reading


def read_tiff(path):
    with tifffile.TiffFile(path) as file:
        full = [page for page in file.pages if not page.subfiletype & 1]
        page, pages = full[0], len(full)
        a = page.asarray()
        if page.planarconfig == 2 and a.ndim == 3 and page.samplesperpixel > 1: a = np.moveaxis(a, 0, 2)
        bits, photometric, samples = page.bitspersample, int(page.photometric), page.samplesperpixel
        orientation = int(page.tags[274].value) if 274 in page.tags else 1
        colormap, extra = page.colormap, [int(e) for e in page.extrasamples]
        lossy = 12.0 if int(page.compression) in (6, 7) else 0.0
        first_is_small = bool(file.pages[0].subfiletype & 1)
    if a.dtype == bool: bits = 1
    a = a if a.ndim == 3 else a[..., None]
    kind = {"uint8": "u8", "bool": "u8", "uint16": "u16", "int16": "i16"}.get(str(a.dtype), "wide")
    a = a.astype(np.float64)
    reading = Reading(a, kind, orientation=orientation, frames=pages, lossy=lossy)
    if first_is_small: reading.notes.add("thumbnail first")
    if photometric == 3:
        index = a[..., 0].astype(np.int64)
        reading.index, reading.kind, table = index, "u8", np.asarray(colormap).T >> 8
        reading.values, reading.ramp = table[index].astype(np.float64), (table == np.arange(256)[:, None]).all()
        return reading
    top = (1 << bits) - 1
    if photometric == 0:
        reading.notes.add("white is zero")
        if kind not in ("u8", "u16"): raise Refused("WhiteIsZero of signed or float samples")
        a = top - a
    if bits < 8: a, reading.bits = a * (255 / top), bits
    channels = 3 if photometric in (2, 6) else 1
    if photometric not in (0, 1, 2, 6): raise Refused(f"TIFF of photometric interpretation {photometric}")
    reading.values = a[..., :channels]
    rest = a[..., channels:]
    if rest.shape[2] > 1: reading.notes.add("more than one extra sample")
    if rest.shape[2] >= 1 and extra and extra[0] in (1, 2): reading.alpha = rest[..., 0] / (top / 255)
    elif rest.shape[2] >= 1: reading.unnamed, reading.alpha = True, rest[..., 0] / (top / 255)
    return reading
