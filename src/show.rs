//! From results to what people look at: pictures of graphs, charts, tables, overlays, the report and TensorBoard's events.

pub mod axis;
#[cfg(feature = "data")]
pub mod images;
pub mod picture;
#[cfg(feature = "data")]
pub mod plot;
#[cfg(feature = "run")]
pub mod prediction;
#[cfg(feature = "run")]
pub mod predictor;
#[cfg(feature = "data")]
pub mod report;
pub mod scatter;
#[cfg(feature = "data")]
pub mod scores;
pub mod table;
#[cfg(feature = "data")]
pub mod tensorboard;
pub(crate) mod text;
