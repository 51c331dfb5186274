//! What the header of a DICOM file says about its pixels (PS3.3, C.7.6.3), and what of it is refused.

use super::elements::{DicomElements, DicomReader};
use super::vocabulary::{PixelCoding, pixel_coding};
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::pixels::MAX_SIDE;
use dicom_dictionary_std::{tags, uids};
use std::path::Path;

/// How the grey values of a file are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PixelFormat {
    pub coding: PixelCoding,
    /// Numbers of rows and columns.
    pub size: [usize; 2],
    pub frames: usize,
    /// Bits of memory for a value: 8, 16 or 32.
    pub bits_allocated: u32,
    /// Bits of a value, the lowest ones; other bits may hold overlays.
    pub bits_stored: u32,
    pub signed: bool,
    /// Whether the largest stored value is the darkest (MONOCHROME1).
    pub inverted: bool,
    /// Smallest and largest stored value that stands for no measurement.
    pub padding: Option<[i64; 2]>,
}

impl PixelFormat {
    /// Reads the format of grey pictures.
    ///
    /// Errors: the file holds no picture, its pixels are colours, indices or compressed in a way that is not read, or its numbers of
    /// bits contradict each other.
    pub(super) fn of(path: &Path, file: &DicomReader) -> Result<PixelFormat> {
        let elements = &file.elements;
        let [Some(rows), Some(columns)] = [elements.bits(tags::ROWS), elements.bits(tags::COLUMNS)] else {
            return Err(no_picture(path, elements));
        };
        let size = [rows as usize, columns as usize];
        if size.iter().any(|n| *n == 0 || *n > MAX_SIDE) {
            return Err(problem!(
                E0704,
                path,
                "unsupported picture of {columns} x {rows} pixels; each side must be 1 to {MAX_SIDE}"
            ));
        }
        if elements.text(tags::SOP_CLASS_UID).as_deref() == Some(uids::SEGMENTATION_STORAGE) {
            return Err(problem!(
                E0704,
                path,
                "a DICOM segmentation (SEG), which is not read";
                help: "convert it to NIfTI, for example with dcmqi's segimage2itkimage"
            ));
        }
        let coding = pixel_coding(&file.syntax).map_err(|name| {
            problem!(
                E0704,
                path,
                "the pixels are compressed by {name}, which is not read";
                help: "decompress the file, for example with gdcmconv --raw"
            )
        })?;
        check_grey(path, elements)?;
        let frames = match elements.has(tags::NUMBER_OF_FRAMES) {
            true => elements.count(tags::NUMBER_OF_FRAMES).filter(|n| (1..=MAX_SIDE).contains(n)),
            false => Some(1),
        };
        let Some(frames) = frames else {
            return Err(problem!(E0703, path, "NumberOfFrames of the DICOM file is not a number from 1 to {MAX_SIDE}"));
        };
        let format = PixelFormat { coding, size, frames, ..bits(path, elements)? };
        Ok(PixelFormat { padding: padding(elements, &format), ..format })
    }

    /// Returns the bytes of a frame without compression.
    pub(super) fn frame_bytes(&self) -> u64 {
        self.size.iter().product::<usize>() as u64 * u64::from(self.bits_allocated / 8)
    }

    /// Checks that a file holds as many bytes of pixels without compression as its header declares.
    pub(super) fn check_length(&self, path: &Path, held: u64) -> Result<()> {
        let wanted = self.frame_bytes() * self.frames as u64;
        // An odd number of bytes is padded.
        if held == wanted || held == wanted + wanted % 2 {
            return Ok(());
        }
        Err(problem!(
            E0703,
            path,
            "contains {} of pixels, but its header declares {wanted}",
            counted(held, "byte");
            help: "copy or download the file again"
        ))
    }

    /// Returns the sum of the smallest and the largest stored value, from which inverted values are subtracted.
    pub(super) fn range_sum(&self) -> i64 {
        if self.signed { -1 } else { (1i64 << self.bits_stored) - 1 }
    }
}

fn no_picture(path: &Path, elements: &DicomElements) -> crate::base::error::RunError {
    match elements.text(tags::SOP_CLASS_UID).as_deref() {
        Some(uids::RT_STRUCTURE_SET_STORAGE) => problem!(
            E0704,
            path,
            "contours of an RT structure set, which are not read";
            help: "convert them to a NIfTI mask, for example with plastimatch convert"
        ),
        _ => problem!(E0714, path, "the DICOM file has no rows and columns, so it is not a slice of a series"),
    }
}

/// Checks that the values are grey, and that nothing stands between them and their meaning that is not applied.
fn check_grey(path: &Path, elements: &DicomElements) -> Result<()> {
    let samples = elements.bits(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
    let photometric = elements.text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
    if samples != 1 {
        return Err(problem!(
            E0704,
            path,
            "the pixels have {} ({}); only grey pictures are read",
            counted(samples, "sample"),
            photometric.escape_debug();
            help: "convert the picture to PNG"
        ));
    }
    match photometric.as_str() {
        "MONOCHROME1" | "MONOCHROME2" => {}
        "" => {
            return Err(problem!(
                E0703,
                path,
                "the DICOM file has no PhotometricInterpretation, so its values have no meaning"
            ));
        }
        other => {
            return Err(problem!(
                E0704,
                path,
                "the pixels are {}, so their values are no grey values; only MONOCHROME1 and MONOCHROME2 are read",
                other.escape_debug();
                help: "convert the picture to PNG"
            ));
        }
    }
    if photometric == "MONOCHROME2" && elements.first_text(tags::PRESENTATION_LUT_SHAPE).as_deref() == Some("INVERSE") {
        return Err(problem!(
            E0714,
            path,
            "the header contradicts itself: MONOCHROME2 says that large values are bright, and PresentationLUTShape INVERSE that \
             they are dark";
            help: "find out which is right and correct the header"
        ));
    }
    if !elements.items(tags::MODALITY_LUT_SEQUENCE).is_empty() {
        return Err(problem!(
            E0704,
            path,
            "the values are converted by a table (ModalityLUTSequence), which is not applied";
            help: "apply the table, for example with pydicom.pixels.apply_modality_lut, and save the result as NIfTI"
        ));
    }
    Ok(())
}

/// Reads the numbers of bits. Other fields of the result have no meaning yet.
fn bits(path: &Path, elements: &DicomElements) -> Result<PixelFormat> {
    let number = |tag, name: &str| {
        let value = elements.bits(tag);
        value.ok_or_else(|| problem!(E0703, path, "the DICOM file has no {name}, so its pixels cannot be read"))
    };
    let allocated = number(tags::BITS_ALLOCATED, "BitsAllocated")?;
    let stored = number(tags::BITS_STORED, "BitsStored")?;
    let high = number(tags::HIGH_BIT, "HighBit")?;
    let representation = number(tags::PIXEL_REPRESENTATION, "PixelRepresentation")?;
    if ![8, 16, 32].contains(&allocated) {
        return Err(problem!(
            E0704,
            path,
            "pixels of {} (BitsAllocated); only 8, 16 and 32 bits are read",
            counted(allocated, "bit")
        ));
    }
    // Since 2005 values are in the lowest bits; readers differ in what they do with others.
    if stored == 0 || stored > allocated || high != stored - 1 || representation > 1 {
        return Err(problem!(
            E0703,
            path,
            "the header contradicts itself: BitsAllocated {allocated}, BitsStored {stored}, HighBit {high}, \
             PixelRepresentation {representation}"
        ));
    }
    Ok(PixelFormat {
        coding: PixelCoding::Native,
        size: [0; 2],
        frames: 1,
        bits_allocated: allocated,
        bits_stored: stored,
        signed: representation == 1,
        inverted: elements.text(tags::PHOTOMETRIC_INTERPRETATION).as_deref() == Some("MONOCHROME1"),
        padding: None,
    })
}

/// Reads the values that stand for no measurement.
fn padding(elements: &DicomElements, format: &PixelFormat) -> Option<[i64; 2]> {
    let value = |tag| {
        let bits = i64::from(elements.bits(tag)?);
        // A signed value is stored in 16 bits, whatever its representation in the file is called.
        Some(if format.signed && bits >= 1 << 15 { bits - (1 << 16) } else { bits })
    };
    let first = value(tags::PIXEL_PADDING_VALUE)?;
    let last = value(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(first);
    Some([first.min(last), first.max(last)])
}

/// Returns slope and intercept from stored values to their meaning (PS3.3, C.11.1).
///
/// Errors: one of both is missing or is no number, the slope is 0, or the values are inverted as well: then it is open whether the
/// rescaled values or what viewers show is meant.
pub(super) fn rescale(path: &Path, elements: &DicomElements, inverted: bool) -> Result<[f64; 2]> {
    let number = |tag| elements.decimals(tag).and_then(|numbers| numbers.first().copied()).filter(|n| n.is_finite());
    let given = |tag| elements.first_text(tag).is_some_and(|text| !text.is_empty());
    let [slope, intercept] = match [given(tags::RESCALE_SLOPE), given(tags::RESCALE_INTERCEPT)] {
        [false, false] => [1.0, 0.0],
        [true, true] => match [number(tags::RESCALE_SLOPE), number(tags::RESCALE_INTERCEPT)] {
            [Some(slope), Some(intercept)] => [slope, intercept],
            _ => return Err(problem!(E0703, path, "RescaleSlope or RescaleIntercept of the DICOM file is no number")),
        },
        [slope, _] => {
            let [held, other] =
                if slope { ["RescaleSlope", "RescaleIntercept"] } else { ["RescaleIntercept", "RescaleSlope"] };
            return Err(problem!(
                E0703,
                path,
                "the DICOM file has {held} and no {other}, so its values have no meaning"
            ));
        }
    };
    if slope == 0.0 {
        return Err(problem!(
            E0703,
            path,
            "RescaleSlope of the DICOM file is 0, so every pixel would have the value {intercept}"
        ));
    }
    if inverted && [slope, intercept] != [1.0, 0.0] {
        return Err(problem!(
            E0704,
            path,
            "the pixels are MONOCHROME1 with a rescale of {slope} and {intercept}: viewers show them inverted, and their values are \
             not; it is open which is meant";
            help: "save the series as MONOCHROME2, or as NIfTI with the values that are meant"
        ));
    }
    Ok([slope, intercept])
}
