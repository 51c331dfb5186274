//! Pictures made of pixels: predictions over images, cases, samples, sheets, and the letters on them.

#[cfg(feature = "run")]
pub mod case_pictures;
pub mod contact;
pub mod gallery;
pub mod overlay;
pub mod samples;
pub mod sheet;
pub mod text_drawing;
