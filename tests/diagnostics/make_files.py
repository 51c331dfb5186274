"""Writes the small files of fixtures about data: `python3 tests/diagnostics/make_files.py`. Needs only the standard library."""

import json
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent


def png(path, height=8, width=8, values=(0, 255), colours=1, bits=8, orientation=None):
    """A PNG whose left half has the first value and whose right half has the last, with an orientation in EXIF if one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def pixel(column):
        value = values[column * len(values) // width]
        return value.to_bytes(bits // 8, "big") * colours

    row = b"\0" + b"".join(pixel(column) for column in range(width))
    header = struct.pack(">IIBBBBB", width, height, bits, {1: 0, 3: 2}[colours], 0, 0, 0)
    exif = b""
    if orientation is not None:
        exif = chunk(b"eXIf", b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + exif + chunk(b"IDAT", zlib.compress(row * height, 9)) + chunk(b"IEND", b"")
    path.write_bytes(data)


def data_set(name, cases=4):
    """A folder with images and masks of 8x8 pixels."""
    folder = HERE / name
    for case in range(1, cases + 1):
        png(folder / "images" / f"{case}.png", values=(40 * case, 200))
        png(folder / "masks" / f"{case}.png")
    return folder


def nifti(path, value, kind=16, times=1, place=None):
    """A NIfTI-1 volume of 8x8x1 voxels of one value at some points of time: 32-bit floats, or 8-bit integers with `kind=2`.
    `place` is where the first voxel is, in mm; without it the header has no orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bits, code = {16: (32, "<f"), 2: (8, "<B")}[kind]
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 4 if times > 1 else 3, 8, 8, 1, times, 1, 1, 1)
    struct.pack_into("<hh", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<fff", header, 108, 352, 1, 0)
    if place:
        struct.pack_into("<h", header, 254, 1)
        for row in range(3):
            struct.pack_into("<4f", header, 280 + 16 * row, *[float(column == row) for column in range(3)], place[row])
    struct.pack_into("<4s", header, 344, b"n+1\0")
    path.write_bytes(bytes(header) + struct.pack(code, value) * 64 * times)


def dicom(path, number, height, series=1):
    """A DICOM slice of 8x8 pixels at a height in mm, of the series with a number."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def element(group, item, kind, value):
        value = value if isinstance(value, bytes) else value.encode()
        value += (b"\0" if kind in ("UI", "OB") else b" ") * (len(value) % 2)
        size = struct.pack("<HI", 0, len(value)) if kind in ("OB", "OW") else struct.pack("<H", len(value))
        return struct.pack("<HH", group, item) + kind.encode() + size + value

    def short(group, item, value):
        return element(group, item, "US", struct.pack("<H", value))

    ct, instance = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{series}.{number}"
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", ct) + element(2, 3, "UI", instance)
    meta += element(2, 0x10, "UI", "1.2.840.10008.1.2.1") + element(2, 0x12, "UI", "1.2.3")
    data = element(8, 0x16, "UI", ct) + element(8, 0x18, "UI", instance) + element(8, 0x60, "CS", "CT")
    data += element(0x20, 0xD, "UI", "1.2.3") + element(0x20, 0xE, "UI", f"1.2.3.{series}")
    data += element(0x20, 0x13, "IS", str(number)) + element(0x20, 0x32, "DS", f"0\\0\\{height}")
    data += element(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0")
    data += short(0x28, 2, 1) + element(0x28, 4, "CS", "MONOCHROME2") + short(0x28, 0x10, 8) + short(0x28, 0x11, 8)
    data += element(0x28, 0x30, "DS", "1\\1") + short(0x28, 0x100, 16) + short(0x28, 0x101, 16)
    data += short(0x28, 0x102, 15) + short(0x28, 0x103, 1)
    data += element(0x7FE0, 0x10, "OW", struct.pack("<h", -400) * 64)
    length = element(2, 0, "UL", struct.pack("<I", len(meta)))
    path.write_bytes(bytes(128) + b"DICM" + length + meta + data)


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

folder = data_set("E0713_undeclared_void")
for case in range(1, 5):
    png(folder / "masks" / f"{case}.png", values=(0, 1))
png(folder / "masks" / "3.png", values=(1, 255))

folder = data_set("E0718_mirrored_photo")
png(folder / "images" / "2.png", values=(80, 200), orientation=2)

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

# The slice at 7.5 mm is missing.
folder = HERE / "E0714_missing_slice"
for number, height in enumerate([0.0, 2.5, 5.0, 10.0], start=1):
    dicom(folder / "series" / "patient" / f"{number}.dcm", number, height)
nifti(folder / "masks" / "patient.nii", 255, kind=2)

folder = HERE / "E0714_two_series_in_a_folder"
for number in range(1, 5):
    dicom(folder / "series" / "patient" / f"{number}.dcm", number, 2.5 * number, series=(number + 1) // 2)
nifti(folder / "masks" / "patient.nii", 255, kind=2)

folder = HERE / "E0742_text_among_images"
png(folder / "images" / "1.png")
text(folder / "images" / "2.png", "no picture\n")

# A volume at two points of time.
folder = HERE / "E0704_four_dimensions"
nifti(folder / "images" / "1.nii", -400, times=2)
nifti(folder / "masks" / "1.nii", 255, kind=2)

# The mask lies 12 mm to the right of its image.
folder = HERE / "E0712_mask_at_another_place"
nifti(folder / "images" / "1.nii", -400, place=(-30, -20, 100))
nifti(folder / "masks" / "1.nii", 255, kind=2, place=(-18, -20, 100))

folder = data_set("E0705_unknown_name_in_a_list", cases=2)
text(folder / "train.txt", "1\n01\n")
text(folder / "test.txt", "2\n")

folder = data_set("E0710_two_masks")
png(folder / "masks" / "2.tif")

# Weights of a convolution, one of which is NaN.
folder = HERE / "E0724_weights_that_are_no_numbers"
folder.mkdir(exist_ok=True)
shapes = {"conv.weight": [2, 1, 1, 1], "conv.bias": [2]}
header = {name: {"dtype": "F32", "shape": shape, "data_offsets": [8 * i, 8 * i + 8]} for i, (name, shape) in enumerate(shapes.items())}
header = json.dumps(header).encode()
header += b" " * (-len(header) % 8)
values = struct.pack("<4f", 0.5, float("nan"), 0, 0)
(folder / "diverged.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + values)
