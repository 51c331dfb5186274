//! Helpers of both test binaries: `tests/it` and `tests/files` include this module.

#[macro_use]
pub mod snapshots;
#[macro_use]
pub mod assertions;

pub mod browser;
pub mod compile;
#[cfg(feature = "data")]
pub mod data_sets;
#[cfg(feature = "run")]
pub mod device;
#[cfg(feature = "data")]
pub mod dicom_file;
pub mod header;
#[cfg(feature = "data")]
pub mod nifti_file;
#[cfg(feature = "data")]
pub mod picture_files;
#[cfg(feature = "cli")]
pub mod program;
#[cfg(all(feature = "data", feature = "cli"))]
pub mod project_files;
pub mod random_model;
pub mod repository;
#[cfg(all(feature = "data", feature = "cli"))]
pub mod run_settings;
#[cfg_attr(not(feature = "run"), allow(dead_code, reason = "lists of choices serve random graphs"))]
pub mod tape;
#[cfg(feature = "data")]
pub mod tiled_tiff;
#[cfg(feature = "data")]
#[cfg_attr(not(feature = "run"), allow(dead_code, reason = "most of its operators serve tests on devices"))]
pub mod toy_graphs;
