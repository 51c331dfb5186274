"""Tiny NIfTI files and DICOM series with the pictures that nibabel and pydicom read from them.

Writes tests/reference/volumes/: NIfTI files in several orientations and sample types, a DICOM series, masks for both, and
expected.json. Every expected slice is taken from nibabel's closest canonical array (right, front, head) or from pydicom's
own pixel array, by flips written out here, so that npc's own arithmetic is not compared with itself.

    python tests/reference/make_volumes.py
"""

import gzip
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

OUT = Path(__file__).parent / "volumes"
rng = np.random.default_rng(4)
expected = {}


def anatomy(shape):
    """An array in canonical order (right, front, head) in which every flip or swap of axes is visible."""
    x, y, z = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    return (-900 + 37 * x + 11 * y * y + 101 * z + rng.integers(0, 7, shape)).astype(np.int16)


def plain(value):
    """Whole numbers without `.0`, which halves the file."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def slices(canonical):
    """Pictures across each axis: patient's right on the left, head or front on top, front on the left if sagittal."""
    x, y, z = canonical.shape
    return {
        "axial": [canonical[::-1, ::-1, k].T.tolist() for k in range(z)],
        "coronal": [canonical[::-1, k, ::-1].T.tolist() for k in range(y)],
        "sagittal": [canonical[k, ::-1, ::-1].T.tolist() for k in range(x)],
    }


def reoriented(canonical, spacing, codes):
    """The same volume stored along other axes."""
    image = nib.Nifti1Image(canonical, np.diag([*spacing, 1.0]))
    return image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(codes)))


def nifti(name, image, mask=None):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    back = nib.load(path)
    canonical = nib.as_closest_canonical(back)
    zooms = [float(v) for v in canonical.header.get_zooms()[:3]]
    entry = {
        "codes": "".join(nib.aff2axcodes(back.affine)),
        "slices": slices(canonical.get_fdata()),
        # From row to row and from column to column.
        "spacing": {
            "axial": [zooms[1], zooms[0]],
            "coronal": [zooms[2], zooms[0]],
            "sagittal": [zooms[2], zooms[1]],
        },
    }
    # The number of each slice in the stored array.
    numbers = {}
    for axis, world in (("axial", "SI"), ("coronal", "AP"), ("sagittal", "RL")):
        a = next(i for i, c in enumerate(entry["codes"]) if c in world)
        n = back.shape[a]
        up = entry["codes"][a] == world[0]
        numbers[axis] = [i if up else n - 1 - i for i in range(n)]
    entry["numbers"] = numbers
    if mask is not None:
        mask_path = OUT / mask[0]
        mask_path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(mask[1], mask_path)
        entry["masks"] = slices(nib.as_closest_canonical(nib.load(mask_path)).get_fdata().astype(int))
    expected[name] = entry


def labels(shape):
    """Nothing in the first two slices, one class, then two."""
    array = np.zeros(shape, np.uint8)
    array[1:4, 2:5, 2:] = 1
    array[2:5, 1:3, 3:] = 2
    return array


def orientations():
    shape, spacing = (6, 7, 5), (0.75, 1.5, 2.5)
    for codes in ("RAS", "LPS", "LPI", "SRA"):
        image = reoriented(anatomy(shape), spacing, codes)
        mask = reoriented(labels(shape), spacing, "RAS" if codes == "LPI" else codes)
        nifti(f"imagesTr/{codes}_0000.nii.gz", image, (f"labelsTr/{codes}.nii.gz", mask))


def kinds():
    shape = (4, 3, 2)
    base = np.arange(24, dtype=np.int16).reshape(shape)
    for kind in ("uint8", "int8", "uint16", "int32", "float32", "float64"):
        nifti(f"kinds/{kind}.nii", nib.Nifti1Image(base.astype(kind), np.diag([-1.0, -1.0, 1.0, 1.0])))
    # Values 0..4095 are stored for Hounsfield units, as is common for CT.
    scaled = nib.Nifti1Image((base * 100).astype(np.int16), np.diag([-1.0, -1.0, 3.0, 1.0]))
    path = OUT / "kinds/scaled.nii"
    nib.save(scaled, path)
    bytes_ = bytearray(path.read_bytes())
    bytes_[112:120] = np.array([2.0, -1024.0], "<f4").tobytes()
    path.write_bytes(bytes_)
    again(path)
    # Big-endian, and with a qform and no sform, turned a little.
    path = OUT / "kinds/big.nii"
    big = nib.Nifti1Image(base.astype(">i2"), None, nib.Nifti1Header(endianness="big"))
    nib.save(big, path)
    again(path)
    path = OUT / "kinds/qform.nii"
    t = np.deg2rad(20)
    turn = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, -1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.5, 0.6, 2.0])
    image = nib.Nifti1Image(base, None)
    image.set_qform(affine, code=1)
    image.set_sform(None, code=0)
    nib.save(image, path)
    again(path)


def again(path):
    """Expected values from a file as it is stored."""
    back = nib.load(path)
    canonical = nib.as_closest_canonical(back)
    zooms = [float(v) for v in canonical.header.get_zooms()[:3]]
    expected[str(path.relative_to(OUT))] = {
        "codes": "".join(nib.aff2axcodes(back.affine)),
        "slices": slices(canonical.get_fdata()),
        "spacing": {"axial": [zooms[1], zooms[0]]},
    }


def series(name, compressed=False):
    """An axial CT series, its files named and numbered from head to feet, as many scanners do."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    shape, spacing = (6, 7, 5), (0.75, 1.5, 2.5)
    hu = anatomy(shape)
    uid = f"1.2.826.0.1.3680043.8.498.{7 if compressed else 5}"
    pictures = []
    for k in range(shape[2]):
        number = shape[2] - k
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"{uid}.{number}"
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID = CTImageStorage
        ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        ds.SeriesInstanceUID = uid
        ds.Modality = "CT"
        ds.InstanceNumber = number
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [-10, -20, 100 + k * spacing[2]]
        ds.PixelSpacing = [spacing[1], spacing[0]]
        ds.SliceThickness = spacing[2]
        ds.SamplesPerPixel = 1
        ds.PhotometricInterpretation = "MONOCHROME2"
        # Rows run from front to back, columns from the patient's right to the left.
        stored = (hu[::-1, ::-1, k].T.astype(np.int32) + 1024).astype(np.uint16)
        ds.Rows, ds.Columns = stored.shape
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.RescaleIntercept, ds.RescaleSlope = -1024, 1
        ds.PixelData = np.ascontiguousarray(stored).tobytes()
        if compressed:
            ds.compress(RLELossless, generate_instance_uid=False)
        path = folder / f"{number:03d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        back = pydicom.dcmread(path)
        pictures.append((back.pixel_array * float(back.RescaleSlope) + float(back.RescaleIntercept)).tolist())
    expected[name] = {"slices": {"axial": pictures}, "spacing": {"axial": [spacing[1], spacing[0]]}}
    return shape, spacing


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    orientations()
    kinds()
    shape, spacing = series("series/a")
    series("series/b", compressed=True)
    for name in "ab":
        (OUT / "segmentations").mkdir(exist_ok=True)
        mask = reoriented(labels(shape), spacing, "LPS")
        # At the place of the series: ImagePositionPatient points to the left and the back.
        mask.affine[:3, 3] = [10, 20, 100]
        nib.save(nib.Nifti1Image(mask.get_fdata().astype(np.uint8), mask.affine), OUT / f"segmentations/{name}.nii.gz")
    masks = slices(labels(shape))["axial"]
    for name in "ab":
        expected[f"series/{name}"]["masks"] = {"axial": masks}
    for path in OUT.rglob("*.nii.gz"):
        # Without the time of writing: the same files each time.
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), mtime=0))
    (OUT / "expected.json").write_text(json.dumps(plain(expected), separators=(",", ":")) + "\n")


main()
