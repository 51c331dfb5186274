//! From results to what people look at.

pub mod axis;
#[cfg(feature = "data")]
pub mod contact;
#[cfg(feature = "data")]
pub mod gallery;
#[cfg(feature = "data")]
pub mod lettering;
#[cfg(feature = "data")]
pub mod overlay;
pub mod picture;
#[cfg(feature = "data")]
pub mod plot;
#[cfg(feature = "run")]
pub mod prediction;
#[cfg(feature = "data")]
pub mod report;
pub mod scatter;
#[cfg(feature = "data")]
pub mod scores;
#[cfg(feature = "data")]
pub mod sheet;
pub mod table;
#[cfg(feature = "data")]
pub mod tensorboard;
pub(crate) mod text;
