"""Random volumes, NIfTI files and DICOM series with their masks, and what docs/data.md makes of them, read by nibabel and pydicom."""
import os, struct, warnings

import nibabel as nib, numpy as np, pydicom
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, generate_uid

from data_pictures import Reading, Refused, read_picture, write_png
from data_sets import Block, blobs, classify, nearest, resized, to_channels, units

warnings.filterwarnings("ignore")
nib.imageglobals.logger.setLevel(50)


# ---- writers -------------------------------------------------------------------------------------------------------------

def turned(ras, affine, rng):
    """The same voxels in another order of axes, with the affine that says so."""
    order = rng.permutation(3)
    codes = "".join((("R", "L"), ("A", "P"), ("S", "I"))[a][int(rng.integers(2))] for a in order)
    ornt = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    return apply_orientation(ras, ornt), affine @ inv_ornt_aff(ornt, ras.shape)


def random_affine(rng, slant=True):
    spacing = rng.choice([0.7, 1.0, 1.5, 2.0, 3.5, 5.0], 3)
    turn = np.eye(3)
    if slant and rng.random() < 0.25:
        a = rng.uniform(-0.3, 0.3)
        i, j = sorted(rng.permutation(3)[:2]); turn[i, i] = turn[j, j] = np.cos(a); turn[i, j], turn[j, i] = -np.sin(a), np.sin(a)
    affine = np.eye(4); affine[:3, :3] = turn @ np.diag(spacing); affine[:3, 3] = rng.uniform(-200, 200, 3).round(2)
    return affine


def write_nifti(path, rng, stored, affine, slope=None, inter=None, trouble=None, forms="both"):
    """stored: the array as it lies in the file. forms: which of sform and qform the header has."""
    version = nib.Nifti2Image if trouble == "nifti-2" else nib.Nifti1Image
    order = ">" if rng.random() < 0.25 else "<"
    if trouble == "four dimensions": stored = stored[..., None] if rng.random() < 0.5 else np.stack([stored, stored], -1)
    header = version.header_class(endianness=order)
    header.set_data_dtype(stored.dtype.newbyteorder(order))
    image = version(stored, affine, header)
    image.header.set_data_dtype(stored.dtype.newbyteorder(order))
    if forms in ("both", "qform"): image.set_qform(affine, int(rng.integers(1, 5)))
    else: image.set_qform(affine, 0)
    if forms in ("both", "sform"): image.set_sform(affine, int(rng.integers(1, 5)))
    else: image.set_sform(None, 0)
    if trouble == "forms disagree": image.set_qform(affine @ np.diag([-1, 1, 1, 1]) if rng.random() < 0.5 else affine + np.eye(4) * 0, 1); image.set_sform(affine @ np.diag([1, -1, 1, 1.0]), 1)
    if rng.random() < 0.2: image.header.set_xyzt_units("mm", "sec")
    if rng.random() < 0.15: image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"made up"))
    if rng.random() < 0.1: image.header["intent_code"] = int(rng.choice([0, 1002, 2]))
    if rng.random() < 0.1: image.header["cal_max"], image.header["cal_min"] = 100, 5
    with open(path, "wb") as file:
        data = image.to_bytes()
        at = {nib.Nifti1Image: (112, "ff"), nib.Nifti2Image: (176, "dd")}[version]
        scale = (slope if slope is not None else rng.choice([0.0, 1.0]), inter if inter is not None else 0.0)
        data = data[:at[0]] + struct.pack(order + at[1], *scale) + data[at[0] + struct.calcsize(at[1]):]
        if path.lower().endswith(".gz"):
            import gzip
            data = gzip.compress(data, 1)
        file.write(data)


def write_slice(path, px, uid, position, orientation, number, spacing, photometric="MONOCHROME2", bits=16, stored=16, signed=False, slope=None, inter=None, syntax=ExplicitVRLittleEndian, frames=None, **extra):
    data, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = syntax if syntax != RLELossless else ExplicitVRLittleEndian, CTImageStorage, generate_uid()
    data.file_meta, data.SOPClassUID, data.SOPInstanceUID, data.Modality = meta, CTImageStorage, meta.MediaStorageSOPInstanceUID, "CT"
    data.SeriesInstanceUID, data.StudyInstanceUID, data.PatientID, data.InstanceNumber = uid, uid + ".1", "anon", number
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = *px.shape[-2:], 1, photometric
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = bits, stored, stored - 1, int(signed)
    if slope is not None: data.RescaleSlope, data.RescaleIntercept = slope, inter
    data.PixelSpacing, data.ImagePositionPatient = list(spacing), [float(f"{v:.5f}") for v in position]
    data.ImageOrientationPatient = [float(f"{v:.6f}") for v in orientation]
    if frames: data.NumberOfFrames = frames
    for key, value in extra.items(): setattr(data, key, value)
    kind = {8: np.uint8, 16: np.int16 if signed else np.uint16}[bits]
    px = px.astype(kind)
    data.PixelData = px.astype(px.dtype.newbyteorder(">")).tobytes() if syntax == ExplicitVRBigEndian else px.tobytes()
    data["PixelData"].VR = "OW"
    if len(data.PixelData) % 2: data.PixelData += b"\0"
    if syntax == RLELossless: data.compress(RLELossless)
    data.save_as(path, enforce_file_format=True, little_endian=None if syntax == RLELossless else syntax != ExplicitVRBigEndian, implicit_vr=None if syntax == RLELossless else syntax == ImplicitVRLittleEndian)


def write_series(folder, rng, lps, trouble):
    """A series of axial, coronal or sagittal slices of a volume with axes to the left, the back and the head. Returns the affine of lps (to RAS) and the kind."""
    os.makedirs(folder)
    across = int(rng.choice([2, 2, 1, 0]))
    rest = [a for a in range(3) if a != across]
    spacing = rng.choice([0.7, 1.0, 1.5, 2.5, 5.0], 3)
    start = rng.uniform(-200, 200, 3).round(2)
    flips = [1, 1] if rng.random() < 0.6 else [int(v) for v in rng.choice([-1, 1], 2)]
    swap = rng.random() < 0.3
    row, column = (rest[0], rest[1]) if not swap else (rest[1], rest[0])   # axes along a row and down a column
    directions = np.zeros((2, 3)); directions[0, row], directions[1, column] = flips
    uid, names = generate_uid(), rng.permutation(lps.shape[across])
    signed = bool(rng.random() < 0.5)
    bits, stored = (8, 8) if rng.random() < 0.1 else (16, int(rng.choice([12, 16, 16])))
    slope, inter = [(None, None), (1, -1024), (1, 0), (0.5, -10), (2.5, 3)][int(rng.integers(5))]
    syntax = [ExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless][int(rng.integers(6))]
    extra = {}
    if rng.random() < 0.3: extra.update(WindowCenter=40, WindowWidth=400)
    if rng.random() < 0.2: extra.update(SliceThickness=float(spacing[across]))
    if bits == 8: signed = False
    low, high = (-(1 << stored - 1), (1 << stored - 1) - 1) if signed else (0, (1 << stored) - 1)
    data = lps.clip(low, high) if signed else lps.clip(0, high)
    kind = "dicom " + {ExplicitVRLittleEndian: "explicit", ImplicitVRLittleEndian: "implicit", ExplicitVRBigEndian: "big endian", DeflatedExplicitVRLittleEndian: "deflated", RLELossless: "rle"}[syntax] + f" {'signed' if signed else 'unsigned'} {stored}/{bits}"
    reverse = rng.random() < 0.4
    for n in range(lps.shape[across]):
        px = np.take(data, n, across)                     # axes in the order of rest
        if row == rest[0]: px = px.T                      # now column axis first, row axis second
        if flips[0] < 0: px = px[:, ::-1]
        if flips[1] < 0: px = px[::-1]
        position = start.copy(); position[across] += n * spacing[across]
        if flips[0] < 0: position[row] += (lps.shape[row] - 1) * spacing[row]
        if flips[1] < 0: position[column] += (lps.shape[column] - 1) * spacing[column]
        options = dict(photometric="MONOCHROME1" if trouble == "monochrome1" else "MONOCHROME2", bits=bits, stored=stored, signed=signed, slope=slope, inter=inter, syntax=syntax, **extra)
        if trouble == "slope by slice": options.update(slope=1 + 0.5 * n, inter=float(n))
        if trouble == "rubbish bits" and stored == 12: px = (px & 0xFFF) | (0xA000 if n % 2 else 0x5000); options["signed"] = signed; px = px.astype(np.uint16).astype(np.int16 if signed else np.uint16)
        if trouble == "padding value": options["PixelPaddingValue"] = int(px.reshape(-1)[0])
        if trouble == "modality lut":
            table = Dataset(); table.LUTDescriptor = [4096, 0, 16]; table.ModalityLUTType = "HU"; table["LUTDescriptor"].VR = "US"
            table.LUTData = list(range(4095, -1, -1)); table["LUTData"].VR = "US"; options["ModalityLUTSequence"] = Sequence([table]); options["slope"] = None
        if trouble == "presentation inverse": options["PresentationLUTShape"] = "INVERSE"
        if trouble == "gap" and n == lps.shape[across] - 1: position[across] += 3 * spacing[across]
        write_slice(f"{folder}/{'im' if reverse else ''}{names[n]:03}.dcm", px, uid, position, directions.reshape(-1), (lps.shape[across] - n if reverse else n + 1), [spacing[column], spacing[row]], **options)
    affine = np.diag([-1, -1, 1, 1.0]) @ np.block([[np.diag(spacing), start[:, None]], [np.zeros((1, 3)), 1]])
    return affine, kind


def volume_set(folder, rng):
    """Writes a set of volumes. Returns its block and a description of each."""
    dicom = rng.random() < 0.45
    window = (int(rng.integers(-1500, 0)), int(rng.integers(10, 1500))) if rng.random() < 0.85 else None
    rule, labels = [("exact", [0, 1]), ("exact", [0, 1, 2]), ("threshold", [0, 1]), ("threshold", [0, 255])][int(rng.integers(4))]
    axis, slices = str(rng.choice(["axial", "coronal", "sagittal"])), str(rng.choice(["all", "all", "labelled", "every(2)"]))
    block = Block((int(rng.integers(4, 9)), int(rng.integers(4, 9))), labels, rule, window, int(rng.choice([1, 3])), masks="masks/*", more=f"  axis = {axis}\n  slices = {slices}")
    block.axis, block.slices = axis, slices
    os.makedirs(f"{folder}/images"); os.makedirs(f"{folder}/masks")
    cases = []
    for i in range(int(rng.integers(2, 4))):
        shape = tuple(int(v) for v in rng.integers(3, 8, 3))
        across = {"axial": 2, "coronal": 1, "sagittal": 0}[axis]
        if rng.random() < 0.6: # no resizing
            for a, n in zip([a for a in (2, 1, 0) if a != across], block.size): shape = tuple(n if k == a else shape[k] for k in range(3))
        classes = np.stack([blobs(rng, *shape[:2], len(labels)) for _ in range(shape[2])], -1)
        trouble = None
        if rng.random() < 0.4: trouble = str(rng.choice(["monochrome1", "slope by slice", "rubbish bits", "padding value", "modality lut", "presentation inverse", "gap", "mask place", "mask spacing", "mask mirrored", "mask shape"] if dicom else
                ["nifti-2", "four dimensions", "forms disagree", "mask place", "mask spacing", "mask mirrored", "mask shape", "not finite", "slope zero with inter"]))
        stem = f"c{i}"
        if dicom:
            lps = rng.integers(-1100, 3000, shape)
            affine, kind = write_series(f"{folder}/images/{stem}", rng, lps, trouble)
            ras_affine = affine @ inv_ornt_aff(ornt_transform(axcodes2ornt("LPS"), axcodes2ornt("RAS")), shape)
            classes_ras = apply_orientation(classes, ornt_transform(axcodes2ornt("LPS"), axcodes2ornt("RAS")))
        else:
            dtype = str(rng.choice(["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64", "uint64"]))
            low, high = (0, 255) if dtype == "uint8" else (-128, 127) if dtype == "int8" else (0, 3000) if dtype[0] == "u" else (-1100, 1900)
            ras = rng.integers(low, high + 1, shape).astype(dtype)
            if dtype[0] == "f": ras = ras + rng.random(shape).astype(dtype)
            if trouble == "not finite" and dtype[0] == "f": ras[0, 0, 0] = np.nan
            ras_affine, classes_ras = random_affine(rng), classes
            stored, affine = turned(ras, ras_affine, rng) if rng.random() < 0.6 else (ras, ras_affine)
            scale = (float(rng.choice([0.5, 2.0, -1.0])), float(rng.choice([-10, 0, 7.5]))) if rng.random() < 0.3 else (None, None)
            if trouble == "slope zero with inter": scale = (0.0, 5.0)
            forms = str(rng.choice(["both", "both", "sform", "qform", "none"]))
            kind = f"nifti {dtype}" + (" scaled" if scale[0] else "")
            write_nifti(f"{folder}/images/{stem}.nii" + (".gz" if rng.random() < 0.5 else ""), rng, stored, affine, *scale, trouble, forms)
            if forms == "none": ras_affine, classes_ras = None, (classes, stored.shape, affine, nib.load([f"{folder}/images/{f}" for f in os.listdir(f"{folder}/images") if f.startswith(stem)][0]).affine)
        mask_kind = write_volume_mask(f"{folder}/masks/{stem}", rng, classes_ras, ras_affine, block, trouble, f"{folder}/images/{stem}" if dicom else None)
        cases.append((stem, kind, mask_kind, trouble))
    open(f"{folder}/m.model", "w").write(block.text())
    return block, cases


def write_volume_mask(path, rng, classes, affine, block, trouble, series):
    if affine is None:    # the image has no orientation: the mask lies as the image's array does, without one as well
        classes, shape, true, base = classes
        stored = apply_orientation(classes, ornt_transform(axcodes2ornt("RAS"), io_orientation(true)))
        values = np.asarray(block.labels)[stored].astype(np.uint8)
        write_nifti(path + ".nii.gz", rng, values, base if rng.random() < 0.5 else true, forms="none"); return f"{block.rule} nifti without orientation"
    if series and trouble is None and block.rule == "exact" and rng.random() < 0.3: return write_mask_folder(path, rng, classes, affine, block, series)
    values = np.asarray(block.labels)[classes]
    place = affine.copy()
    if trouble == "mask place": place[:3, 3] += affine[:3, int(rng.integers(3))] * rng.choice([1, 2, -3])
    if trouble == "mask spacing": place[:3, :3] *= 1.4
    if trouble == "mask mirrored": place[:3, 0] *= -1
    if trouble == "mask shape": values = np.concatenate([values, values[:1]], 0)
    if trouble is None and rng.random() < 0.3: place[:3, 3] += affine[:3, :3] @ rng.uniform(-0.15, 0.15, 3)
    stored, place = turned(values, place, rng) if rng.random() < 0.5 else (values, place)
    dtype = str(rng.choice(["uint8", "int16", "uint16", "float32", "float64", "int32"]))
    if dtype == "int8": dtype = "uint8"
    write_nifti(path + ".nii" + (".gz" if rng.random() < 0.5 else ""), rng, stored.astype(dtype), place, forms=str(rng.choice(["both", "sform", "qform"])) if trouble != "mask mirrored" else "sform")
    return f"{block.rule} nifti {dtype}"


def write_mask_folder(path, rng, classes, affine, block, series):
    """A grey PNG for each slice of the series, with the name of its file."""
    os.makedirs(path)
    slices, grid = read_series(series)
    back = ornt_transform(axcodes2ornt("RAS"), io_orientation(grid))
    stored = np.asarray(block.labels)[apply_orientation(classes, back)]
    for k, name in enumerate(slices[1]): write_png(f"{path}/{os.path.splitext(name)[0]}.png", rng, stored[:, :, k].T, 8, 0, plain=True)
    return "folder of png"


# ---- the independent reader ------------------------------------------------------------------------------------------------

def read_series(folder):
    """The slices sorted along the normal: (array columns x rows x slices, file names), and the affine to RAS."""
    files = [(name, pydicom.dcmread(f"{folder}/{name}")) for name in sorted(os.listdir(folder))]
    first = files[0][1]
    row, column = np.reshape(np.asarray(first.ImageOrientationPatient, float), (2, 3))
    normal = np.cross(row, column)
    files.sort(key=lambda f: np.dot(normal, np.asarray(f[1].ImagePositionPatient, float)))
    heights = [np.dot(normal, np.asarray(d.ImagePositionPatient, float)) for _, d in files]
    gaps = np.diff(heights)
    if len(gaps) and gaps.max() > 1.5 * np.median(gaps): raise Refused("a slice is missing")
    planes, tells = [], []
    for _, data in files:
        inverted = data.PhotometricInterpretation == "MONOCHROME1"
        if data.get("PresentationLUTShape") == "INVERSE" and not inverted: raise Refused("two fields that contradict each other")
        if inverted and (data.get("RescaleSlope", 1), data.get("RescaleIntercept", 0)) != (1, 0): raise Refused("inverted values with a rescale")
        if data.get("NumberOfFrames", 1) != 1: raise Refused("more than one frame")
        px = data.pixel_array.astype(np.int64)
        if "PixelPaddingValue" in data and (px == data.PixelPaddingValue).any(): tells.append(("padding",))
        if inverted:
            tells.append(("monochrome1",))
            px = (-1 if data.PixelRepresentation else (1 << data.BitsStored) - 1) - px
            planes.append(px.astype(np.float64).T)
        else: planes.append(np.asarray(apply_modality_lut(data.pixel_array, data), np.float64).T)
    down, right = [float(v) for v in first.PixelSpacing]
    step = np.median(gaps) if len(gaps) else float(first.get("SliceThickness", 1.0) or 1.0)
    lps = np.eye(4)
    lps[:3, :3] = np.stack([row * right, column * down, normal * step], 1); lps[:3, 3] = np.asarray(files[0][1].ImagePositionPatient, float)
    return (np.stack(planes, -1), [name for name, _ in files], tells), np.diag([-1, -1, 1, 1.0]) @ lps


def read_volume(path):
    """(values in the order of the file, affine, kind of the stored values, whether the header places it, what npc has to tell)."""
    if os.path.isdir(path):
        (values, _, tells), affine = read_series(path)
        small = (values == values.round()).all() and values.min() >= -32768 and values.max() <= 32767
        return values, affine, "i16" if small else "wide", True, tells
    image = nib.load(path)
    header = image.header
    if len(image.shape) > 3 and any(n > 1 for n in image.shape[3:]): raise Refused("more than one volume")
    values = np.asanyarray(image.dataobj).astype(np.float64)
    values = values.reshape(values.shape[:3])
    slope, inter = [float(v) for v in (header["scl_slope"], header["scl_inter"])]
    plain = slope in (0.0,) or not np.isfinite(slope) or (slope, inter) == (1.0, 0.0)
    kind = {"uint8": "u8", "uint16": "u16", "int16": "i16"}.get(np.dtype(header.get_data_dtype().newbyteorder("=")).name, "wide") if plain else "wide"
    q, s = int(header["qform_code"]), int(header["sform_code"])
    if q and s:
        corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * np.append(np.array(values.shape) - 1, 1)
        off = np.linalg.inv(header.get_sform()) @ header.get_qform() @ corners.T - corners.T
        if np.abs(off).max() > 0.5: raise Refused("qform and sform differ")
    return values, image.affine, kind, bool(q or s), []


def slice_of(values, affine, axis, index):
    """Slice number `index` (counted from feet, back or left) as docs/data.md turns it, and its number in the file's own array."""
    ornt = io_orientation(affine)
    ras = apply_orientation(values, ornt)
    world = {"sagittal": 0, "coronal": 1, "axial": 2}[axis]
    own = int(np.flatnonzero(ornt[:, 0] == world)[0])
    number = index if ornt[own, 1] > 0 else values.shape[own] - 1 - index
    return np.take(ras, index, world)[::-1, ::-1].T, number


def expected_volume(image, mask, block):
    """Expectations by stem ending (`z0003`) for one volume."""
    values, affine, kind, placed, tells = read_volume(image)
    world = {"sagittal": 0, "coronal": 1, "axial": 2}[block.axis]
    count = apply_orientation(values, io_orientation(affine)).shape[world]
    if os.path.isdir(mask) :
        (_, names, _), grid = read_series(image)
        a = np.stack([read_picture(f"{mask}/{os.path.splitext(n)[0]}.png").values[..., 0].T for n in names], -1)
        mask_values, mask_affine, mask_placed = a, grid, True
    else: mask_values, mask_affine, _, mask_placed, _ = read_volume(mask)
    turn = lambda v, a: apply_orientation(v, io_orientation(a))
    if turn(values, affine).shape != turn(mask_values, mask_affine).shape: raise Refused("mask and image differ in size")
    if placed and mask_placed: check_place(affine, mask_affine, values.shape, mask_values.shape)
    if not placed: tells = [("no orientation",)]
    if (io_orientation(affine) != io_orientation(mask_affine)).any(): tells.append(("another order",))
    found = {}
    for index in range(count):
        picture, number = slice_of(values, affine, block.axis, index)
        marks, _ = slice_of(mask_values, mask_affine, block.axis, index)
        if block.slices == "every(2)" and number % 2: continue
        try:
            classes, _ = classify(Reading(marks[..., None], "wide"), block)
            if block.slices == "labelled" and not (classes != 0).any(): continue
            planes = resized(to_channels(units(picture[..., None], kind, block), block.channels), block.size)
            found[f"z{number:04}"] = dict(image=planes, tolerance=1.01 / 65535 + (1e-4 if planes.shape[1:] != picture.shape else 0) + 4e-6 * abs(picture).max() / (block.window[1] - block.window[0] if block.window else 255),
                                          mask=nearest(classes, block.size), unsure=None, tells=tells, notes=set())
        except Refused as refused: found[f"z{number:04}"] = refused
    return found


def check_place(image, mask, image_shape, mask_shape):
    """Corners of the two grids, in the order of the world's axes, have to be within half a voxel."""
    canonical = lambda affine, shape: affine @ inv_ornt_aff(io_orientation(affine), shape)
    a, b = canonical(image, image_shape), canonical(mask, mask_shape)
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * np.append(np.array(apply_shape(image, image_shape)) - 1, 1)
    off = np.linalg.inv(a) @ b @ corners.T - corners.T
    if np.abs(off[:3]).max() > 0.5: raise Refused("mask and image lie elsewhere")


def apply_shape(affine, shape):
    ornt = io_orientation(affine)
    return [shape[int(np.flatnonzero(ornt[:, 0] == w)[0])] for w in range(3)]


def compare_volumes(seed, answer, block, cases, folder, tally, compare_case, reason_of):
    findings = [f["message"] for f in answer.get("check", [])]
    kinds_of = {stem: [kind, mask_kind] + ([f"trouble: {trouble}"] if trouble else []) for stem, kind, mask_kind, trouble in cases}
    wanted = {}
    for stem in kinds_of:
        find = lambda sub: next(f"{folder}/{sub}/{f}" for f in sorted(os.listdir(f"{folder}/{sub}")) if f.split(".")[0] == stem)
        try: wanted.update({f"{stem}_{end}": want for end, want in expected_volume(find("images"), find("masks"), block).items()})
        except Refused as refused: wanted[stem] = refused
    refused = {stem: want for stem, want in wanted.items() if isinstance(want, Refused)}
    if "error" in answer:
        for stem, kinds in kinds_of.items():
            own = [s for s in refused if s.split("_")[0] == stem]
            tally.count(kinds, "refused rightly" if own else "set refused", None if refused else reason_of(answer["error"]["message"]))
        return
    got = {case["stem"]: case for case in answer["cases"]}
    for stem, want in wanted.items():
        kinds = kinds_of[stem.split("_")[0]]
        if isinstance(want, Refused) and "_" not in stem:
            mine = [case for name, case in got.items() if name.startswith(stem + "_")]
            if any("error" not in case for case in mine): tally.fail(seed, f"{stem} {kinds}: accepted, but has to be refused: {want}")
            else: tally.count(kinds, "refused rightly")
        elif stem not in got: tally.fail(seed, f"{stem} {kinds}: the slice is not there, and no error")
        else: compare_case(seed, got.pop(stem), want, block, kinds, tally, findings)
    for stem in got:
        if not isinstance(wanted.get(stem.split("_")[0]), Refused): tally.fail(seed, f"{stem}: npc has this slice, the reader does not")
