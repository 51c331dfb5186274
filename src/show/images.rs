//! Raster images: predictions over images, cases, samples, sheets, and the text on them.

#[cfg(feature = "run")]
pub(crate) mod case_pictures;
pub(crate) mod contact_sheet;
pub(crate) mod gallery;
pub(crate) mod overlay;
pub(crate) mod sample_sheet;
pub(crate) mod survey_sheets;
pub(crate) mod text_drawing;
