//! The place of a mask against the place of its image, and headers of NIfTI that say two things.

use crate::support::data_sets::{only, refused, spec};
use crate::support::nifti_file::{Affine, NiftiFile};
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSource, DataSpec, MaskRule, SliceAxis, Slicing};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

const DIMS: [i16; 3] = [6, 4, 3];
/// Voxels of 1.5 x 2 x 5 mm whose axes run to the right, the front and the head.
const PLACE: Affine = [[1.5, 0.0, 0.0, -30.0], [0.0, 2.0, 0.0, -20.0], [0.0, 0.0, 5.0, 100.0]];

/// An organ at the right, the front and the head; every flip moves it.
fn organ() -> Vec<i16> {
    let inside = |i: usize| i % 6 >= 4 && i / 6 % 4 >= 2 && i / 24 >= 1;
    (0..72).map(|i| i16::from(inside(i))).collect()
}

fn image() -> NiftiFile {
    NiftiFile::new(DIMS, PLACE, &organ().iter().map(|v| v * 100).collect::<Vec<_>>())
}

fn mask(affine: Affine) -> NiftiFile {
    NiftiFile::new(DIMS, affine, &organ())
}

fn block() -> DataSpec {
    DataSpec {
        labels: vec![0, 1],
        mask_rule: MaskRule::Exact,
        window: Some([0.0, 100.0]),
        ..only(spec("i/*.nii", "m/*.nii", [4, 6]))
    }
}

fn open(dir: &Path, image: &NiftiFile, mask: &NiftiFile) -> Result<Dataset, RunError> {
    image.write(&dir.join("i/a.nii"));
    mask.write(&dir.join("m/a.nii"));
    Dataset::open(&block(), dir)
}

#[track_caller]
fn refusal(image: &NiftiFile, mask: &NiftiFile, words: &[&str]) {
    let dir = tempdir().unwrap();
    refused(open(dir.path(), image, mask).and_then(|data| data.load(SplitRole::Train, 0, 1)), words);
}

/// Checks that the organ of the mask lies on the organ of the image in every slice, and returns the notices.
#[track_caller]
fn accepted(image: &NiftiFile, mask: &NiftiFile) -> Vec<String> {
    let dir = tempdir().unwrap();
    let data = open(dir.path(), image, mask).unwrap();
    let mut notices = Vec::new();
    for i in 0..data.len(SplitRole::Train) {
        let sample = data.load(SplitRole::Train, i, 1).unwrap();
        let bright: Vec<u8> = sample.image.iter().map(|v| u8::from(*v > 0.5)).collect();
        assert_eq!(bright, sample.mask, "slice {i}");
        notices.extend(sample.warnings.iter().map(|notice| notice.text.clone()));
    }
    notices.retain(|text| !text.contains("same value"));
    notices.dedup();
    notices
}

#[test]
fn a_mask_at_the_place_of_its_image_is_read() {
    assert_eq!(accepted(&image(), &mask(PLACE)), [""; 0]);
    // Less than half a voxel away.
    let mut near = PLACE;
    near[0][3] += 0.7;
    assert_eq!(accepted(&image(), &mask(near)), [""; 0]);
}

#[test]
fn a_mask_at_another_place_is_refused() {
    let mut far = PLACE;
    far[0][3] += 30.0;
    far[2][3] -= 15.0;
    refusal(
        &image(),
        &mask(far),
        &[
            "m/a.nii",
            "not at the place of its image",
            "its origin is 33.5 mm off (30.0 to the right, 15.0 to the feet)",
            "resample",
        ],
    );
    let mut small = PLACE;
    small[2][2] = 2.5;
    refusal(&image(), &mask(small), &["its voxels are 1.5 x 2 x 2.5 mm, those of the image 1.5 x 2 x 5 mm"]);
    // 20 degrees about the axis from feet to head.
    let (sin, cos) = 20f32.to_radians().sin_cos();
    let turned = [[1.5 * cos, -2.0 * sin, 0.0, -30.0], [1.5 * sin, 2.0 * cos, 0.0, -20.0], [0.0, 0.0, 5.0, 100.0]];
    refusal(&image(), &mask(turned), &["its axes are turned by 20.0 degrees"]);
}

#[test]
fn a_mask_whose_header_mirrors_it_is_refused() {
    let mut mirrored = PLACE;
    mirrored[0][0] = -1.5;
    refusal(
        &image(),
        &mask(mirrored),
        &["its axes run LAS, those of the image RAS, so it is mirrored", "write the mask with the header of its image"],
    );
    let mut turned = mirrored;
    turned[1][1] = -2.0;
    refusal(&image(), &mask(turned), &["its axes run LPS, those of the image RAS, so it is turned"]);
}

#[test]
fn a_mask_without_geometry_is_refused() {
    let identity = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
    let words =
        ["the mask was saved without geometry", "voxels of 1 x 1 x 1 mm", "nibabel.Nifti1Image(array, image.affine)"];
    refusal(&image(), &mask(identity), &words);
    let mut nothing = mask(identity);
    nothing.sform(0, PLACE);
    refusal(&image(), &nothing, &words);
    // Two files without geometry lie on each other.
    let mut bare = image();
    bare.sform(0, PLACE);
    let mut bare_mask = mask(PLACE);
    bare_mask.sform(0, PLACE);
    assert!(accepted(&bare, &bare_mask)[0].contains("the header gives no orientation"));
}

/// The same places in every order of the voxels: 6 permutations and 8 directions.
#[test]
fn a_mask_in_another_order_of_voxels_is_turned_by_its_header() {
    let organ = organ();
    for (n, order) in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().enumerate() {
        for flips in 0..8 {
            let dims = order.map(|a: usize| DIMS[a]);
            let flipped = |a: usize| flips >> a & 1 == 1;
            let mut affine = [[0.0; 4]; 3];
            for row in 0..3 {
                affine[row][3] = PLACE[row][3];
                for (a, &from) in order.iter().enumerate() {
                    affine[row][a] = PLACE[row][from] * if flipped(a) { -1.0 } else { 1.0 };
                    if flipped(a) {
                        affine[row][3] += PLACE[row][from] * f32::from(dims[a] - 1);
                    }
                }
            }
            let size = dims.map(|d| d as usize);
            let voxels: Vec<i16> = (0..72)
                .map(|i| {
                    let at = [i % size[0], i / size[0] % size[1], i / size[0] / size[1]];
                    let mut original = [0; 3];
                    (0..3).for_each(|a| original[order[a]] = if flipped(a) { size[a] - 1 - at[a] } else { at[a] });
                    organ[original[0] + 6 * original[1] + 24 * original[2]]
                })
                .collect();
            let notices = accepted(&image(), &NiftiFile::new(dims, affine, &voxels));
            assert_eq!(notices.len(), usize::from(n + flips > 0), "{order:?} {flips}: {notices:?}");
            assert!(notices.iter().all(|text| text.contains("it is turned by its header")));
        }
    }
}

#[test]
fn forms_that_contradict_each_other_are_refused() {
    // The qform is the identity rotation with the voxel sizes of the header.
    let offset = [-30.0, -20.0, 100.0];
    let with = |code, offset, sign| {
        let mut file = image();
        file.qform(code, [0.0; 3], offset, sign);
        file
    };
    assert_eq!(accepted(&with(1, offset, 1.0), &mask(PLACE)), [""; 0]);
    refusal(&with(1, [-30.0, -20.0, 80.0], 1.0), &mask(PLACE), &["qform and sform", "a corner lies 4.0 voxels apart"]);
    refusal(&with(1, offset, -1.0), &mask(PLACE), &["the axes run RAI by the qform and RAS by the sform", "set_qform"]);
    refusal(&with(2, offset, -1.0), &mask(PLACE), &["qform and sform of the header contradict each other"]);
    // A qform for the scanner beside an sform for a template: both may be right.
    let notices = accepted(&with(2, [-30.0, -20.0, 80.0], 1.0), &mask(PLACE));
    assert_eq!(notices, ["qform and sform differ by up to 4.0 voxels; the sform is used"]);
}

#[test]
fn units_and_sizes_of_the_header_are_applied_or_told() {
    let metres = PLACE.map(|row| row.map(|v| v / 1000.0));
    let mut file = NiftiFile::new(DIMS, metres, &organ().iter().map(|v| v * 100).collect::<Vec<_>>());
    file.put(123, &[1]);
    assert_eq!(accepted(&file, &mask(PLACE)), ["the header gives distances in metres; they are converted to mm"]);
    let mut file = image();
    file.numbers(80, &[1.0f32], f32::to_le_bytes);
    let notices = accepted(&file, &mask(PLACE));
    assert_eq!(
        notices,
        ["pixdim says voxels of 1.00 x 2.00 x 5.00 mm, the sform 1.50 x 2.00 x 5.00 mm; the sform is used"]
    );
    // Sizes that no voxel has. Without an sform there is nothing else.
    for (size, said) in [(0.0f32, "0.00"), (-1.5, "-1.50")] {
        let mut none = image();
        none.put(80, &size.to_le_bytes());
        assert_eq!(
            accepted(&none, &mask(PLACE)),
            [format!(
                "pixdim says voxels of {said} x 2.00 x 5.00 mm, the sform 1.50 x 2.00 x 5.00 mm; the sform is used"
            )]
        );
    }
    let mut nowhere = image();
    nowhere.sform(0, PLACE).put(80, &[0; 4]);
    refusal(&nowhere, &mask(PLACE), &["invalid voxel size: the header declares 0 x 2 x 5 mm"]);
    let mut flat = image();
    flat.put(84, &[0; 4]);
    assert_eq!(
        accepted(&flat, &mask(PLACE)),
        ["pixdim says voxels of 1.50 x 0.00 x 5.00 mm, the sform 1.50 x 2.00 x 5.00 mm; the sform is used"]
    );
    let mut slanted = PLACE;
    slanted[1][2] = 1.0;
    let notices =
        accepted(&NiftiFile::new(DIMS, slanted, &organ().iter().map(|v| v * 100).collect::<Vec<_>>()), &mask(slanted));
    assert!(notices[0].contains("not perpendicular, 11.3 degrees off"), "{notices:?}");
}

#[test]
fn headers_that_contradict_the_file_are_refused() {
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = image();
        file.put(at, bytes);
        file
    };
    let shorts = |values: &[i16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let cases: [(usize, Vec<u8>, &str); 11] = [
        (72, shorts(&[8]), "Int16 has 16 bits, but bitpix is 8"),
        (70, shorts(&[128, 24]), "unsupported voxel type Rgb24"),
        (40, shorts(&[4, 6, 4, 1, 3]), "contains 3 volumes along dimension 4"),
        (40, shorts(&[3, 6, -4, 3]), "a size of -4 along dimension 2"),
        (40, shorts(&[9]), "a.nii"),
        (
            108,
            100f32.to_le_bytes().to_vec(),
            "begin at byte 100 (vox_offset), inside the header; nibabel refuses the file",
        ),
        (
            108,
            vec![0; 4],
            "begin at byte 0 (vox_offset), inside the header; nibabel reads them from byte 0, nifti_clib from byte 348",
        ),
        (108, 348f32.to_le_bytes().to_vec(), "begin at byte 348 (vox_offset), inside the header"),
        (112, f32::INFINITY.to_le_bytes().to_vec(), "scales values by inf"),
        (344, b"ni1\0".to_vec(), "whose voxels are in another file (.img)"),
        (344, vec![0; 4], "Analyze 7.5"),
    ];
    for (at, bytes, words) in &cases {
        refusal(&changed(*at, bytes), &mask(PLACE), &[words]);
    }
    assert_eq!(accepted(&changed(112, &f32::NAN.to_le_bytes()), &mask(PLACE)), [""; 0]);
}

/// The block's spacing counts, and a header with another one is reported, by the axis of the slices.
#[test]
fn a_spacing_that_differs_from_the_block_is_reported() {
    let notices = |spacing: [f64; 2], axis: SliceAxis| {
        let dir = tempdir().unwrap();
        drop(open(dir.path(), &image(), &mask(PLACE)).unwrap());
        let slicing = Slicing { axis, ..block().slicing };
        let data = Dataset::open(&DataSpec { spacing: Some(spacing), slicing, ..block() }, dir.path()).unwrap();
        let sample = data.load(SplitRole::Train, 1, 1).unwrap();
        sample.warnings.into_iter().map(|notice| notice.text).filter(|t| !t.contains("same value")).collect::<Vec<_>>()
    };
    let differs = |file: &str, block: &str| {
        [format!("the file gives a spacing of {file} mm; the data block's {block} mm is used")]
    };
    assert_eq!(notices([2.0, 0.5], SliceAxis::Axial), differs("2.0000 x 1.5000", "2 x 0.5"));
    assert_eq!(notices([1.5, 2.0], SliceAxis::Axial), differs("2.0000 x 1.5000", "1.5 x 2"));
    assert_eq!(notices([2.0, 1.5], SliceAxis::Axial), [""; 0]);
    assert_eq!(notices([5.0, 1.5], SliceAxis::Coronal), [""; 0]);
    assert_eq!(notices([2.0, 1.5], SliceAxis::Coronal), differs("5.0000 x 1.5000", "2 x 1.5"));
}

/// What follows a gzip member: zeros are padding, another member goes on, and anything else is refused with that cause.
#[test]
fn bytes_behind_a_gzip_stream() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    image().write(&at("i/a.nii.gz"));
    mask(PLACE).write(&at("m/a.nii.gz"));
    let whole = fs::read(at("i/a.nii.gz")).unwrap();
    let member = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let plain = image().bytes();
    let (start, end) = plain.split_at(400);
    let block =
        DataSpec { source: DataSource::Files { images: "i/*.nii.gz".into(), masks: "m/*.nii.gz".into() }, ..block() };
    let load = |bytes: Vec<u8>| {
        fs::write(at("i/a.nii.gz"), bytes).unwrap();
        let sample = Dataset::open(&block, dir.path())?.load(SplitRole::Train, 1, 1)?;
        Ok::<_, RunError>(sample.image)
    };
    let wanted = load(whole.clone()).unwrap();
    let accepted: [(&str, Vec<u8>); 6] = [
        ("one zero", [&whole[..], &[0]].concat()),
        ("a block of zeros", [&whole[..], &[0; 100_000]].concat()),
        ("two members", [member(start), member(end)].concat()),
        ("zeros between members", [&member(start)[..], &[0; 77], &member(end)].concat()),
        ("zeros before and behind", [&member(start)[..], &[0; 77], &member(end), &[0; 512]].concat()),
        ("an empty member", [&whole[..], &member(&[])].concat()),
    ];
    for (what, bytes) in accepted {
        assert_eq!(load(bytes).unwrap(), wanted, "{what}");
    }
    let cause = "the gzip data end before the file does, and what follows is neither zeros nor gzip data";
    for rest in [&b"rest"[..], &[0, 0, 0, 7], &[b' '; 4], b"\n"] {
        let text = refused(load([&whole[..], rest].concat()), &["i/a.nii.gz", cause]);
        assert!(!text.contains("truncated"), "{text}");
    }
    refused(load([&whole[..], &whole[..40]].concat()), &["i/a.nii.gz", "cannot decompress the file"]);
}

/// NIfTI-2 has wider fields at other offsets.
#[test]
fn the_second_version_is_read() {
    let first = image();
    for big in [false, true] {
        let mut header = vec![0u8; 544];
        let mut put = |at: usize, mut bytes: Vec<u8>| {
            if big {
                bytes.reverse();
            }
            header[at..at + bytes.len()].copy_from_slice(&bytes);
        };
        put(0, 540i32.to_le_bytes().to_vec());
        put(12, 4i16.to_le_bytes().to_vec());
        put(14, 16i16.to_le_bytes().to_vec());
        [3i64, 6, 4, 3, 1, 1, 1, 1].iter().enumerate().for_each(|(i, n)| put(16 + 8 * i, n.to_le_bytes().to_vec()));
        [1.0f64, 1.5, 2.0, 5.0].iter().enumerate().for_each(|(i, size)| put(104 + 8 * i, size.to_le_bytes().to_vec()));
        put(168, 544i64.to_le_bytes().to_vec());
        put(348, 1i32.to_le_bytes().to_vec());
        PLACE
            .as_flattened()
            .iter()
            .enumerate()
            .for_each(|(i, v)| put(400 + 8 * i, f64::from(*v).to_le_bytes().to_vec()));
        header[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
        let mut refused = header.clone();
        refused[168..176].copy_from_slice(&[0; 8]);
        let words =
            "begin at byte 0 (vox_offset), inside the header; nibabel reads them from byte 0, nifti_clib from byte 540";
        refusal(&NiftiFile { header: refused, voxels: first.voxels.clone() }, &mask(PLACE), &[words]);
        let swapped: Vec<u8> = first.voxels.chunks(2).flat_map(|v| [v[1], v[0]]).collect();
        let file = NiftiFile { header, voxels: if big { swapped } else { first.voxels.clone() } };
        assert_eq!(accepted(&file, &mask(PLACE)), [""; 0]);
    }
}
