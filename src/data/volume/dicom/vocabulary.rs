//! What of DICOM's dictionary is used: elements that are kept, and transfer syntaxes (PS3.6).

use dicom_dictionary_std::{tags, uids};
use dicom_object::Tag;

/// Elements whose values are kept.
pub(super) const VALUES: [Tag; 28] = [
    tags::TRANSFER_SYNTAX_UID,
    tags::SOP_CLASS_UID,
    tags::SLICE_THICKNESS,
    tags::SERIES_INSTANCE_UID,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::PRESENTATION_LUT_SHAPE,
    tags::PATIENT_ID,
    tags::STUDY_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
    tags::SPACING_BETWEEN_SLICES,
    tags::REAL_WORLD_VALUE_SLOPE,
    tags::REAL_WORLD_VALUE_INTERCEPT,
];

/// Sequences whose items are kept.
pub(super) const SEQUENCES: [Tag; 8] = [
    tags::MODALITY_LUT_SEQUENCE,
    tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE,
    tags::PLANE_POSITION_SEQUENCE,
    tags::PLANE_ORIENTATION_SEQUENCE,
    tags::PIXEL_MEASURES_SEQUENCE,
    tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
];

/// Explicit big-endian, which is retired.
pub(super) const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// How pixels are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PixelCoding {
    Native,
    Rle,
    Jpeg { lossless: bool },
}

/// Returns the compression of a transfer syntax, or else its name in words.
pub(super) fn pixel_coding(syntax: &str) -> Result<PixelCoding, String> {
    const NATIVE: [&str; 5] = [
        uids::IMPLICIT_VR_LITTLE_ENDIAN,
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        BIG_ENDIAN,
        // Encapsulated uncompressed.
        "1.2.840.10008.1.2.1.98",
    ];
    match syntax {
        native if NATIVE.contains(&native) => Ok(PixelCoding::Native),
        uids::RLE_LOSSLESS => Ok(PixelCoding::Rle),
        uids::JPEG_BASELINE8_BIT | uids::JPEG_EXTENDED12_BIT => Ok(PixelCoding::Jpeg { lossless: false }),
        uids::JPEG_LOSSLESS | uids::JPEG_LOSSLESS_SV1 => Ok(PixelCoding::Jpeg { lossless: true }),
        other => Err(name_of(other)),
    }
}

/// Returns the name of a compression that is not read.
fn name_of(syntax: &str) -> String {
    let family = syntax.strip_prefix("1.2.840.10008.1.2.4.").and_then(|number| number.parse::<u32>().ok());
    let name = match family {
        Some(52..=66) => "a retired form of JPEG",
        Some(80 | 81) => "JPEG-LS",
        Some(90..=95) => "JPEG 2000",
        Some(100..=108) => "MPEG video",
        Some(110..=112) => "JPEG XL",
        Some(201..=205) => "high-throughput JPEG 2000",
        _ => return format!("the unknown transfer syntax {}", syntax.escape_debug()),
    };
    name.to_string()
}
