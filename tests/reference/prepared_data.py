#!/usr/bin/env python3
"""Checks scripts/prepare_data.py on downloads that it generates: pictures and DICOM files in the official layouts, and damaged ones.

    python tests/reference/prepared_data.py [--npc PROGRAM]        # about a minute

With --npc, `npc data check models/data.model BLOCK` must find no error in what the script made. Needs numpy, Pillow, pydicom and tifffile.

Resizing is compared with Pillow where both are bilinear, lungs with the winding numbers of the contours around each pixel centre, and the
copies with what was drawn. The committed lists are met with stems of their names.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import prepare_data     # noqa: E402
import prepare_lctsc    # noqa: E402


def run(*args):
    done = subprocess.run([sys.executable, str(ROOT / "scripts/prepare_data.py"), *map(str, args)], capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def refused(words, *args):
    """The script names what is wrong, and leaves nothing behind."""
    out = Path(args[args.index("--out") + 1])
    before = sorted(out.rglob("*")) if out.exists() else []
    done = run(*args)
    assert done.returncode == 1 and all(word in done.stderr for word in words), (words, done)
    assert (sorted(out.rglob("*")) if out.exists() else []) == before, f"{words}: something was written"


def checked(npc, block, data):
    if npc:
        done = subprocess.run([npc, "data", "check", str(ROOT / "models/data.model"), block, "--data-root", str(data)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def zipped(folder, target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in tree(folder).items():
            archive.writestr(name, data)


def written(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def encoded(values, form, **options):
    file = io.BytesIO()
    Image.fromarray(values).save(file, form, **options)
    return file.getvalue()


def drawn_pair(rng, height, width):
    """A picture of noise with a bright ellipse, and the ellipse."""
    y, x = np.mgrid[:height, :width]
    a, b = rng.uniform(0.15, 0.3, 2)
    mask = ((y / height - rng.uniform(0.4, 0.6)) / a) ** 2 + ((x / width - rng.uniform(0.4, 0.6)) / b) ** 2 < 1
    low = np.asarray(Image.fromarray(rng.integers(0, 120, (7, 9, 3), np.uint8)).resize((width, height), Image.BICUBIC))
    return (low + mask[..., None] * 120).astype(np.uint8), mask.astype(np.uint8) * 255


def check_resizing(rng):
    values = rng.integers(0, 256, (97, 61, 3), np.uint8)
    ours = prepare_data.bilinear(values, 256)
    theirs = np.asarray(Image.fromarray(values).resize((256, 256), Image.BILINEAR), float)
    assert np.abs(ours - theirs).max() <= 1.01, np.abs(ours - theirs).max()


def isic_download(rng, folder, stems, size=None):
    made = {}
    for stem in stems:
        height, width = size or rng.integers(60, 400, 2)
        image, mask = drawn_pair(rng, height, width)
        made[stem] = mask
        written(folder / "ISIC2018_Task1-2_Training_Input" / f"{stem}.jpg", encoded(image, "JPEG", quality=92))
        written(folder / "ISIC2018_Task1_Training_GroundTruth" / f"{stem}_segmentation.png", encoded(mask, "PNG"))
    return made


def check_isic(rng, work, npc):
    down = work / "isic"
    stems = [f"ISIC_{n:07}" for n in range(9000000, 9000012)]
    made = isic_download(rng, down, stems)
    images, masks = down / "ISIC2018_Task1-2_Training_Input", down / "ISIC2018_Task1_Training_GroundTruth"
    # What the official folders hold besides, and a capital S as in 2016; a second picture of a lesion, brighter.
    (masks / f"{stems[0]}_segmentation.png").rename(masks / f"{stems[0]}_Segmentation.png")
    for name in ("LICENSE.txt", "ATTRIBUTION.txt"):
        written(images / name, b"text")
    written(images / f"{stems[0]}_superpixels.png", encoded(np.zeros((9, 9, 3), np.uint8), "PNG"))
    written(down / "ISIC2018_Task2_Training_GroundTruth_v3" / f"{stems[0]}_attribute_globules.png", encoded(np.zeros((9, 9), np.uint8), "PNG"))
    written(down / "ISIC2018_Task1-2_Validation_Input" / "ISIC_9100000.jpg", (images / f"{stems[1]}.jpg").read_bytes())
    twin = np.asarray(Image.open(images / f"{stems[3]}.jpg")).astype(int)
    written(images / "ISIC_9000099.jpg", encoded(np.clip(twin + 9, 0, 255).astype(np.uint8), "JPEG"))
    shutil.copy(masks / f"{stems[3]}_segmentation.png", masks / "ISIC_9000099_segmentation.png")
    done = run("isic2018", down, "--out", work / "data")
    assert done.returncode == 0 and "2335 of the 2335 stems" in done.stderr and "1 near-duplicates" in done.stdout, done
    folder = work / "data/skin_isic2018_256"
    roles = {role: (folder / f"{role}.txt").read_text().split() for role in ("train", "test")}
    assert sorted(sum(roles.values(), [])) == sorted([*stems, "ISIC_9000099"]) and len(roles["test"]) in (3, 4), roles
    assert any({stems[3], "ISIC_9000099"} <= set(role) for role in roles.values()), roles
    for stem, mask in made.items():
        small = np.asarray(Image.open(folder / f"masks/{stem}.png"))
        assert small.shape == (256, 256) and set(np.unique(small)) == {0, 255} and abs(small.mean() - mask.mean()) < 2, stem
        assert Image.open(folder / f"images/{stem}.jpg").size == (256, 256)
    checked(npc, "skin_isic2018_256", work / "data")

    # The same from .zip files, side by side or in one.
    parts = work / "zips"
    parts.mkdir()
    for part in sorted(down.iterdir()):
        zipped(part, parts / f"{part.name}.zip")
    zipped(down, work / "one.zip")
    for i, place in enumerate((parts, work / "one.zip")):
        assert run("isic2018", place, "--out", work / f"z{i}").returncode == 0
        assert tree(work / f"z{i}") == tree(work / "data"), place

    # A folder that exists is not touched, replaced on request, and kept where it holds other files.
    args = ("isic2018", down, "--out", work / "data")
    refused(["exists; --overwrite replaces it"], *args)
    before = tree(work / "data")
    assert run(*args, "--overwrite").returncode == 0 and tree(work / "data") == before
    written(folder / "notes.txt", b"mine")
    refused(["it holds notes.txt"], *args, "--overwrite")

    # Damage, each named.
    def damaged(words, change):
        copy = work / "damaged"
        shutil.copytree(down, copy)
        change(copy / images.name, copy / masks.name)
        refused(words, "isic2018", copy, "--out", work / "none")
        shutil.rmtree(copy)

    jpg, png = f"{stems[2]}.jpg", f"{stems[2]}_segmentation.png"
    damaged([png, "no image belongs to this mask"], lambda i, m: (i / jpg).unlink())
    damaged([jpg, "no mask belongs to this image"], lambda i, m: (m / png).unlink())
    damaged([jpg, "not a readable picture"], lambda i, m: (i / jpg).write_bytes((i / jpg).read_bytes()[:500]))
    damaged([png, "not a readable picture"], lambda i, m: (m / png).write_bytes(b""))
    damaged([png, "5 x 5 pixels"], lambda i, m: (m / png).write_bytes(encoded(np.full((5, 5), 255, np.uint8), "PNG")))
    damaged([png, "the largest is 1"], lambda i, m: (m / png).write_bytes(encoded(np.asarray(Image.open(m / png)) // 255, "PNG")))
    damaged([jpg, "there twice"], lambda i, m: (written(i / "again" / jpg, b"x")))
    damaged([f"{stems[5]}.jpg", png, "2 problems"], lambda i, m: ((m / f"{stems[5]}_segmentation.png").unlink(), (i / jpg).unlink()))
    damaged(["x.zip: not a readable .zip file"], lambda i, m: written(i / "x.zip", b"PK"))
    refused(["no such folder"], "isic2018", work / "nowhere", "--out", work / "none")
    (work / "empty").mkdir()
    refused(["no pairs of image and mask"], "isic2018", work / "empty", "--out", work / "none")


def check_lists(rng, work):
    """With all stems of the committed lists, only those are copied, by these lists."""
    lists = prepare_data.committed_lists("skin_isic2018_256")
    down = work / "listed"
    isic_download(rng, down, sum(lists.values(), []) + ["ISIC_9999999"], (12, 16))
    done = run("isic2018", down, "--out", work / "listed_data")
    folder = work / "listed_data/skin_isic2018_256"
    assert done.returncode == 0 and not done.stderr and len(list((folder / "masks").iterdir())) == 2335, done
    assert all((folder / f"{role}.txt").read_text().split() == stems for role, stems in lists.items())


def check_kvasir(rng, work, npc):
    """The folder of HyperKvasir in one .zip: lossy masks in three channels, other pictures in other folders of the same names."""
    down = work / "hyper"
    for i in range(8):
        image, mask = drawn_pair(rng, *rng.integers(300, 500, 2))
        written(down / f"segmented-images/images/cju{i}.jpg", encoded(image, "JPEG"))
        written(down / f"segmented-images/masks/cju{i}.jpg", encoded(np.repeat(mask[..., None], 3, 2), "JPEG", quality=80))
    written(down / "segmented-images/bounding-boxes.json", b"{}")
    written(down / "unlabeled-images/images/other.jpg", encoded(image, "JPEG"))
    zipped(down, work / "hyper.zip")
    done = run("kvasir", work / "hyper.zip", "--out", work / "data", "--all")
    folder = work / "data/polyp_kvasir_256"
    assert done.returncode == 0 and len(list((folder / "images").iterdir())) == 8, done
    assert all(set(np.unique(Image.open(path))) == {0, 255} for path in (folder / "masks").iterdir())
    checked(npc, "polyp_kvasir_256", work / "data")


# DICOM.

def dicom(kind, modality, patient, **fields):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = kind
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.Modality, data.PatientID = modality, patient
    for name, value in fields.items():
        setattr(data, name, value)
    return data


def saved(data, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def part(**fields):
    data = Dataset()
    for name, value in fields.items():
        setattr(data, name, value)
    return data


SIZE, STEP, SPACING, CORNER = (48, 64), 2.5, (1.25, 0.75), (-20.3, -31.7)     # rows x columns; mm between slices, rows, columns; centre of pixel 0, 0


def ring(rng, centre, radius):
    """A wavy closed contour of pixels (column, row)."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    r = radius * (1 + 0.2 * np.sin(3 * t + rng.uniform(0, 6)))
    return np.stack([centre[0] + r * np.cos(t), centre[1] + 1.3 * r * np.sin(t)], 1)


def wound(polygon):
    """Where the winding number of a polygon around pixel centres is not 0, from sums of angles."""
    y, x = np.mgrid[:SIZE[0], :SIZE[1]]
    from_centre = (polygon[:, 0, None, None] - x) + 1j * (polygon[:, 1, None, None] - y)
    return np.abs(np.angle(np.roll(from_centre, -1, 0) / from_centre).sum(0)) > np.pi


def write_patient(rng, folder, patient, first, last, count, names=("Lung_L", "Lung_R", "Heart"), flipped=False):
    """Writes a CT series with `count` slices, lungs from slice `first` to `last`, the left one with a hole. Returns images and masks, upright."""
    series, images, masks = generate_uid(), [], []
    sign = -1 if flipped else 1
    place = lambda z, pixels: np.column_stack([CORNER[0] + sign * SPACING[1] * pixels[:, 0], CORNER[1] + sign * SPACING[0] * pixels[:, 1], np.full(len(pixels), z)])
    contours = {name: [] for name in names}
    for i in rng.permutation(count):
        z = -300.0 + STEP * i
        stored = rng.integers(0, 2200, SIZE).astype(np.uint16)
        data = dicom(CTImageStorage, "CT", patient, SeriesInstanceUID=series, ImagePositionPatient=[*CORNER, z], ImageOrientationPatient=[sign, 0, 0, 0, sign, 0],
                     PixelSpacing=list(SPACING), Rows=SIZE[0], Columns=SIZE[1], SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", BitsAllocated=16,
                     BitsStored=16, HighBit=15, PixelRepresentation=0, RescaleSlope="1", RescaleIntercept="-1024", PixelData=stored.tobytes())
        saved(data, folder / patient / "study" / "ct" / f"1-{len(images):03}.dcm")
        mask = np.zeros(SIZE, bool)
        if first <= i <= last:
            left, right = ring(rng, (45, 23), 9), ring(rng, (17, 24), 8)
            hole = ring(rng, (45, 23), 3)
            for name, rings in zip(names, ([left, hole], [right], [ring(rng, (30, 30), 4)])):
                contours[name] += [part(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(one), ContourData=[f"{v:.6f}" for v in place(z, one).ravel()]) for one in rings]
            mask = (wound(left) & ~wound(hole)) | wound(right)
        turn = (lambda a: a[::-1, ::-1]) if flipped else (lambda a: a)
        images.append((i, turn(np.clip(stored.astype(int) - 1024, -1000, None))))
        masks.append((i, turn(mask)))
    reference = part(RTReferencedStudySequence=[part(RTReferencedSeriesSequence=[part(SeriesInstanceUID=series)])])
    data = dicom(RTStructureSetStorage, "RTSTRUCT", patient, SeriesInstanceUID=generate_uid(), ReferencedFrameOfReferenceSequence=[reference],
                 StructureSetROISequence=[part(ROINumber=n, ROIName=name) for n, name in enumerate(names, 1)],
                 ROIContourSequence=[part(ReferencedROINumber=n, ContourSequence=contours[name]) for n, name in enumerate(names, 1)])
    saved(data, folder / patient / "study" / "rt" / "1-1.dcm")
    written(folder / patient / "LICENSE", b"CC BY 3.0")
    return dict(images), dict(masks)


def compare_lctsc(folder, made):
    stems = sorted(path.stem for path in (folder / "images").iterdir())
    for stem in stems:
        name, index = stem.rsplit("_z", 1)
        image, mask = (tifffile.imread(folder / part / f"{stem}.tif") for part in ("images", "masks"))
        images, masks = made[name]
        assert image.dtype == np.int16 and np.array_equal(image, images[int(index)]), stem
        assert mask.dtype == np.uint8 and np.array_equal(mask, masks[int(index)] * np.uint8(255)), stem
    return stems


def check_lctsc(rng, work, npc):
    lists = prepare_data.committed_lists("lung_ct_lctsc")
    ranges = {}
    for stem in sum(lists.values(), []):
        ranges.setdefault(stem[:12], []).append(int(stem[-3:]))
    down, made = work / "manifest/LCTSC", {}
    for n, (name, indices) in enumerate(sorted(ranges.items())):
        patient = name.replace("LCTSC_S1_", "LCTSC-Test-S1-")
        made[name] = write_patient(rng, down, patient, min(indices), max(indices), max(indices) + 4, flipped=n == 1)
    names = ("Left Lung", "lung_right", "Heart")
    made["LCTSC_S2_001"] = write_patient(rng, down, "LCTSC-Train-S2-001", 2, 9, 12, names)
    written(work / "manifest/metadata.csv", b"a,b\n")
    done = run("lctsc", work / "manifest", "--out", work / "data")
    folder = work / "data/lung_ct_lctsc"
    assert done.returncode == 0 and not done.stderr and "for 6 of 6 patients" in done.stdout, done
    assert compare_lctsc(folder, made) == sorted(sum(lists.values(), []))
    assert all((folder / f"{role}.txt").read_text().split() == stems for role, stems in lists.items())
    checked(npc, "lung_ct_lctsc", work / "data")

    # All patients, from a .zip, a few slices of each: whole patients on one side.
    zipped(work / "manifest", work / "manifest.zip")
    done = run("lctsc", work / "manifest.zip", "--out", work / "all", "--all", "--slices", 4)
    assert done.returncode == 0, done
    assert len(compare_lctsc(work / "all/lung_ct_lctsc", made)) == 28
    sides = [{stem[:12] for stem in (work / f"all/lung_ct_lctsc/{role}.txt").read_text().split()} for role in ("train", "test")]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 7 and len(sides[1]) == 2, sides

    def damaged(words, change, names=("Lung_L", "Lung_R", "Heart")):
        one = work / "damaged_ct"
        write_patient(rng, one, "LCTSC-Train-S3-009", 2, 9, 12, names)
        study = one / "LCTSC-Train-S3-009/study"
        change(study / "ct", study / "rt/1-1.dcm")
        refused(words, "lctsc", one, "--out", work / "none")
        shutil.rmtree(one)

    def lowest_inner(ct):
        return sorted(ct.iterdir(), key=lambda path: pydicom.dcmread(path).ImagePositionPatient[2])[5]

    def edited(path, change):
        data = pydicom.dcmread(path)
        change(data)
        data.save_as(path)

    damaged(["a slice is missing"], lambda ct, rt: lowest_inner(ct).unlink())
    damaged(["1-003.dcm", "not a DICOM file"], lambda ct, rt: (ct / "1-003.dcm").write_bytes(b"x"))
    damaged(["cannot be decoded"], lambda ct, rt: edited(lowest_inner(ct), lambda d: setattr(d, "PixelData", b"abcd")))
    damaged(["0 RTSTRUCT files"], lambda ct, rt: rt.unlink())
    damaged(["belongs to none of the 1 CT series"], lambda ct, rt: edited(
        rt, lambda d: setattr(d.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0], "SeriesInstanceUID", "1.2.3")))
    damaged(["no contours of both lungs", "Heart, Liver, Lung_L"], lambda ct, rt: None, ("Lung_L", "Liver", "Heart"))
    damaged(["differ from those of"], lambda ct, rt: edited(lowest_inner(ct), lambda d: setattr(d, "PixelSpacing", [1, 1])))
    refused(["no DICOM file of a patient"], "lctsc", work / "empty", "--out", work / "none")


def check_polygons(rng):
    for _ in range(50):
        polygons = [rng.uniform(-10, 70, (rng.integers(3, 12), 2)) for _ in range(rng.integers(1, 4))]
        ours = prepare_lctsc.inside([(one[:, 0], one[:, 1]) for one in polygons], SIZE)
        # A polygon that crosses itself winds twice around some centres: inside by the parity of the crossings of a ray.
        parity = np.zeros(SIZE, int)
        for one in polygons:
            for row in range(SIZE[0]):
                for (x0, y0), (x1, y1) in zip(one, np.roll(one, -1, 0)):
                    if (y0 > row) != (y1 > row):
                        parity[row] += np.arange(SIZE[1]) < x0 + (row - y0) * (x1 - x0) / (y1 - y0)
        assert np.array_equal(ours, parity % 2 == 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npc", help="the program npc, to check what was made")
    args = parser.parse_args()
    npc = args.npc and os.path.abspath(args.npc)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        check_resizing(rng)
        check_polygons(rng)
        check_isic(rng, work, npc)
        check_kvasir(rng, work, npc)
        check_lctsc(rng, work, npc)
        check_lists(rng, work)
    print("all as it should be")


if __name__ == "__main__":
    main()
