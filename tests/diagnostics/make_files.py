"""Writes the small files of fixtures about data: `python3 tests/diagnostics/make_files.py`. Needs the standard library alone."""

import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent


def png(path, height=8, width=8, values=(0, 255), colours=1, bits=8):
    """A PNG whose left half has the first value and whose right half has the last."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def pixel(column):
        value = values[column * len(values) // width]
        return value.to_bytes(bits // 8, "big") * colours

    row = b"\0" + b"".join(pixel(column) for column in range(width))
    header = struct.pack(">IIBBBBB", width, height, bits, {1: 0, 3: 2}[colours], 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * height, 9)) + chunk(b"IEND", b"")
    path.write_bytes(data)


def data_set(name, cases=4):
    """A folder with images and masks of 8x8 pixels."""
    folder = HERE / name
    for case in range(1, cases + 1):
        png(folder / "images" / f"{case}.png", values=(40 * case, 200))
        png(folder / "masks" / f"{case}.png")
    return folder


def nifti(path, value, kind=16):
    """A NIfTI-1 volume of 8x8x1 voxels of one value: 32-bit floats, or 8-bit integers with `kind=2`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bits, code = {16: (32, "<f"), 2: (8, "<B")}[kind]
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 8, 8, 1, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<fff", header, 108, 352, 1, 0)
    struct.pack_into("<4s", header, 344, b"n+1\0")
    path.write_bytes(bytes(header) + struct.pack(code, value) * 64)


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


data_set("E0703_damaged_image")
path = HERE / "E0703_damaged_image" / "images" / "2.png"
path.write_bytes(path.read_bytes()[:40])

text(HERE / "E0705_list_without_masks" / "cases.csv", "image,label\nimages/1.png,1\n")

folder = data_set("E0710_missing_mask")
(folder / "masks" / "3.png").unlink()

folder = data_set("E0712_size_of_a_mask")
png(folder / "masks" / "2.png", height=4, width=8)

folder = data_set("E0713_unknown_label")
png(folder / "masks" / "2.png", values=(0, 1))

folder = data_set("E0715_stem_in_two_lists")
text(folder / "train.txt", "1\n2\n")
text(folder / "val.txt", "3\n")
text(folder / "test.txt", "2\n4\n")

folder = data_set("E0704_text_for_an_image")
text(folder / "images" / "2.png", "image,mask\n")

for case in range(1, 5):
    nifti(HERE / "E0711_no_window" / "images" / f"{case}.nii", -400.0)
    nifti(HERE / "E0711_no_window" / "masks" / f"{case}.nii", 255, kind=2)

data_set("E0717_turned_images_that_are_not_square")
