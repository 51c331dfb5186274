"""The lung set of prepare_data.py: slices of CT series and lung masks from the contours of their RTSTRUCT files."""

import io
import re

try:
    import numpy as np
    import pydicom
    import tifffile
except ImportError as error:
    raise SystemExit(f"error: {error.name} is missing: pip install numpy pydicom tifffile") from None

from prepare_data import LCTSC_FOLDER, LCTSC_ORIGIN, NewFolder, Problem, chosen_lists, committed_lists, download_entries, seeded_split, write_set

PATIENT = re.compile(r"LCTSC-(?:Train|Test)-(S\d+)-(\d+)", re.I)
LUNG = re.compile(r"lungs|lungs?[ _-]*(l|r|left|right)|(left|right)[ _-]*lungs?", re.I)
LEAST_SHARE = 0.01      # of a slice that lungs cover, for the slice to be chosen from
LOWEST = -1000          # HU; the copies that results rest on were cut there
HEADER = ["PatientID", "Modality", "SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"]


class Patient:
    def __init__(self):
        self.series, self.structures = {}, []       # slices, (entry, header), by series UID; entries of RTSTRUCT files


def header_of(entry):
    """Returns the header of a DICOM file, None for other files."""
    if entry.read(132)[128:] != b"DICM":
        if entry.name.lower().endswith(".dcm"):
            raise Problem(f"{entry}: not a DICOM file")
        return None
    try:
        with entry.open() as file:
            return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=HEADER)
    except Exception as error:              # pydicom raises many kinds for damaged files
        raise Problem(f"{entry}: not a readable DICOM file: {error}") from None


def whole(entry):
    try:
        return pydicom.dcmread(io.BytesIO(entry.read()))
    except Problem:
        raise
    except Exception as error:
        raise Problem(f"{entry}: not a readable DICOM file: {error}") from None


def found_patients(args, problems):
    """Returns the patients by the beginning of their stems, `LCTSC_S1_101`."""
    patients = {}
    for entry in download_entries(args.download, problems):
        try:
            header = header_of(entry)
            if header is None:
                continue
            match = PATIENT.fullmatch(str(header.get("PatientID", "")).strip())
            if not match:
                continue
            patient = patients.setdefault(f"LCTSC_{match.group(1).upper()}_{match.group(2)}", Patient())
            if header.get("Modality") == "CT":
                patient.series.setdefault(str(header.get("SeriesInstanceUID")), []).append((entry, header))
            elif header.get("Modality") == "RTSTRUCT":
                patient.structures.append(entry)
        except Problem as problem:
            problems.append(str(problem))
    return patients


class Volume:
    """The slices of a CT series, the lowest (towards the feet) first, and what maps millimetres to pixels."""

    def __init__(self, name, slices):
        try:
            slices = sorted(slices, key=lambda one: float(one[1].ImagePositionPatient[2]))
            first = slices[0][1]
            self.directions = [float(v) for v in first.ImageOrientationPatient]
            self.spacing = [float(v) for v in first.PixelSpacing]           # of rows, of columns, in mm
            self.origins = [[float(v) for v in header.ImagePositionPatient] for _, header in slices]
            self.shape = (int(first.Rows), int(first.Columns))
            for entry, header in slices:
                same = np.allclose([float(v) for v in header.ImageOrientationPatient], self.directions, atol=1e-3) \
                    and np.allclose([float(v) for v in header.PixelSpacing], self.spacing) and (header.Rows, header.Columns) == self.shape
                if not same:
                    raise Problem(f"{entry}: size, spacing or orientation differ from those of {slices[0][0]}")
        except (AttributeError, TypeError, ValueError, IndexError) as error:
            raise Problem(f"{name}: a slice lacks its place or size: {error}") from None
        expected = [self.directions[0], 0, 0, 0, self.directions[4], 0]
        if not np.allclose(self.directions, expected, atol=1e-3) or not np.allclose(np.abs(self.directions)[[0, 4]], 1, atol=1e-3):
            raise Problem(f"{slices[0][0]}: the slices are not axial (ImageOrientationPatient {self.directions})")
        self.entries = [entry for entry, _ in slices]
        self.z = np.array([origin[2] for origin in self.origins])
        steps = np.diff(self.z)
        self.step = float(np.median(steps)) if len(steps) else 0.0
        for i, step in enumerate(steps):
            if step < 0.01:
                raise Problem(f"{self.entries[i + 1]}: at the same place as {self.entries[i]}")
            if step > 1.5 * self.step:
                raise Problem(f"{name}: a slice is missing: {self.entries[i]} and {self.entries[i + 1]} are {step:.2f} mm apart, others {self.step:.2f}")

    def pixels(self, slice_index, points):
        """Returns columns and rows of points [n, 3] in mm; 0 is the centre of the first pixel."""
        origin = self.origins[slice_index]
        columns = (points[:, 0] - origin[0]) / (self.directions[0] * self.spacing[1])
        rows = (points[:, 1] - origin[1]) / (self.directions[4] * self.spacing[0])
        return columns, rows

    def upright(self, values):
        """Turns a slice so that the patient's right is on the left and the front on top."""
        values = values[:, ::-1] if self.directions[0] < 0 else values
        return values[::-1] if self.directions[4] < 0 else values

    def hounsfield(self, slice_index):
        entry = self.entries[slice_index]
        data = whole(entry)
        try:
            values = data.pixel_array.astype(float) * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
        except Exception as error:          # no or damaged pixels, or a compression that pydicom has no decoder for
            raise Problem(f"{entry}: its pixels cannot be decoded: {error}") from None
        if values.shape != self.shape:
            raise Problem(f"{entry}: {values.shape} pixels where {self.shape} were expected")
        return np.clip(np.rint(values), LOWEST, 32767).astype(np.int16)


def inside(polygons, shape):
    """Returns where pixel centres lie inside an odd number of polygons. A polygon is (columns, rows), `shape` (height, width).

    A centre on the left or upper edge is inside, one on the right or lower edge outside.
    """
    height, width = shape
    turns = np.zeros((height, width + 1), np.int64)
    for columns, rows in polygons:
        for x0, y0, x1, y1 in zip(columns, rows, np.roll(columns, -1), np.roll(rows, -1)):
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            crossed = np.arange(max(int(np.ceil(y0)), 0), min(int(np.ceil(y1)), height))
            if len(crossed):
                x = x0 + (crossed - y0) * (x1 - x0) / (y1 - y0)
                np.add.at(turns, (crossed, np.clip(np.ceil(x), 0, width).astype(int)), 1)
    return np.cumsum(turns, axis=1)[:, :width] % 2 == 1


def lung_masks(name, volume, entry, structure):
    """Returns the lungs of each slice, [slices, height, width], from the contours of an RTSTRUCT."""
    names = {int(roi.ROINumber): str(roi.get("ROIName", "")).strip() for roi in structure.get("StructureSetROISequence", [])}
    lungs = {number: text for number, text in names.items() if LUNG.fullmatch(text)}
    sides = {text.lower().replace("lungs", "").replace("lung", "").strip(" _-")[:1] for text in lungs.values()}
    if not {"l", "r"} <= sides and "" not in sides:
        raise Problem(f"{entry}: no contours of both lungs; the structures are {', '.join(sorted(names.values())) or 'none'}")
    masks = np.zeros((len(volume.z), *volume.shape), bool)
    drawn = set()
    for roi in structure.get("ROIContourSequence", []):
        if int(roi.get("ReferencedROINumber", -1)) not in lungs:
            continue
        drawn.add(int(roi.ReferencedROINumber))
        polygons = {}
        for contour in roi.get("ContourSequence", []):
            kind = str(contour.get("ContourGeometricType", ""))
            if kind == "POINT":
                continue
            if not kind.upper().startswith("CLOSED"):
                raise Problem(f"{entry}: a contour of kind `{kind}`; CLOSED_PLANAR was expected")
            points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
            nearest = int(np.argmin(np.abs(volume.z - points[0, 2])))
            if np.ptp(points[:, 2]) > 0.5 or abs(volume.z[nearest] - points[0, 2]) > max(0.5 * volume.step, 0.5):
                raise Problem(f"{entry}: a contour at z {points[0, 2]:.2f} mm lies on no slice of {name}")
            polygons.setdefault(nearest, []).append(volume.pixels(nearest, points))
        for nearest, parts in polygons.items():
            masks[nearest] |= inside(parts, volume.shape)
    if drawn != set(lungs):
        raise Problem(f"{entry}: {', '.join(text for number, text in lungs.items() if number not in drawn)} has no contours")
    return masks


def volume_and_masks(name, patient):
    if len(patient.structures) != 1 or not patient.series:
        raise Problem(f"{name}: {len(patient.series)} CT series and {len(patient.structures)} RTSTRUCT files; at least one and exactly one were expected")
    entry, = patient.structures
    structure = whole(entry)
    wanted = [str(series.SeriesInstanceUID) for frame in structure.get("ReferencedFrameOfReferenceSequence", [])
              for study in frame.get("RTReferencedStudySequence", []) for series in study.get("RTReferencedSeriesSequence", [])]
    matching = [uid for uid in wanted if uid in patient.series] or (list(patient.series) if not wanted and len(patient.series) == 1 else [])
    if len(matching) != 1:
        raise Problem(f"{entry}: belongs to none of the {len(patient.series)} CT series of {name}")
    volume = Volume(name, patient.series[matching[0]])
    return volume, lung_masks(name, volume, entry, structure)


def even_choice(masks, count):
    """Returns `count` slices, evenly over those that lungs cover by at least 1 %."""
    covered = np.nonzero(masks.mean(axis=(1, 2)) >= LEAST_SHARE)[0]
    return sorted({int(i) for i in covered[np.rint(np.linspace(0, len(covered) - 1, count)).astype(int)]}) if len(covered) else []


def write_slices(folder, name, volume, masks, indices):
    for index in indices:
        stem = f"{name}_z{index:03}"
        mask = volume.upright(masks[index]).astype(np.uint8) * 255
        if not mask.any():
            raise Problem(f"{volume.entries[index]}: slice {index} of {name} has no lung")
        image = np.ascontiguousarray(volume.upright(volume.hounsfield(index)))
        tifffile.imwrite(folder / "images" / f"{stem}.tif", image, compression="zlib", photometric="minisblack")
        tifffile.imwrite(folder / "masks" / f"{stem}.tif", np.ascontiguousarray(mask), compression="zlib", photometric="minisblack")
        yield stem


def copy_lctsc(args):
    problems = []
    patients = found_patients(args, problems)
    if not patients and not problems:
        raise Problem(f"{args.download}: no DICOM file of a patient LCTSC-Train-S1-001, LCTSC-Test-S1-101 and so on")
    listed = {}
    for stem in sum(committed_lists(LCTSC_FOLDER).values(), []):
        name, index = stem.rsplit("_z", 1)
        listed.setdefault(name, []).append(int(index))
    take_listed = not args.all and set(listed) <= set(patients)
    folder = NewFolder(args.out, LCTSC_FOLDER, (".tif",), args.overwrite)
    try:
        by_patient, as_chosen = {}, []
        for name in sorted(listed if take_listed else patients):
            try:
                volume, masks = volume_and_masks(name, patients[name])
                indices = even_choice(masks, len(listed[name]) if take_listed else args.slices)
                if take_listed:
                    as_chosen.append(indices == sorted(listed[name]))
                    beyond = [index for index in listed[name] if index >= len(masks)]
                    if beyond:
                        raise Problem(f"{name}: slice {beyond[0]} of scripts/lists is not among its {len(masks)} slices; --all chooses others")
                    indices = listed[name]
                if not indices:
                    raise Problem(f"{name}: no slice of which lungs cover 1 %")
                by_patient[name] = list(write_slices(folder.path, name, volume, masks, indices))
            except Problem as problem:
                problems.append(str(problem))
        if problems:
            raise Problem("\n".join(problems))
        stems = sum(by_patient.values(), [])
        lists, source = chosen_lists(LCTSC_FOLDER, stems, args.all), "scripts/lists"
        if lists is None:
            lists, source = seeded_split(by_patient.values(), args.seed), f"seed {args.seed}, by patient"
        if take_listed:
            print(f"slices: those of scripts/lists are the ones that an even choice makes for {sum(as_chosen)} of {len(as_chosen)} patients")
        write_set(folder.path, lists, LCTSC_ORIGIN,
                  "a choice of slices, lowest first; values in HU, those below -1000 set to -1000; contours of both lungs filled, 255 inside.")
        folder.finish()
    except BaseException:
        folder.drop()
        raise
    return folder.target, lists, source
