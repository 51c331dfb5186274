//! Turns results into output for people: pictures of graphs, charts, tables, overlays, the HTML report and TensorBoard
//! events.

#[cfg(feature = "run")]
pub(crate) mod bench;
pub(crate) mod chart;
#[cfg(feature = "data")]
pub(crate) mod comparison_plot;
#[cfg(feature = "data")]
pub(crate) mod confusion_table;
pub(crate) mod costs;
#[cfg(feature = "data")]
mod distinct_names;
#[cfg(feature = "run")]
pub(crate) mod dry_run;
#[cfg(feature = "run")]
pub(crate) mod evaluation;
pub(crate) mod field;
#[cfg(feature = "data")]
pub(crate) mod figures;
pub(crate) mod help_sections;
#[cfg(feature = "data")]
pub(crate) mod images;
pub(crate) mod picture;
pub(crate) mod picture_file;
#[cfg(feature = "run")]
pub(crate) mod prediction;
#[cfg(feature = "run")]
pub(crate) mod prediction_notes;
#[cfg(feature = "run")]
pub(crate) mod predictor;
#[cfg(feature = "run")]
pub(crate) mod profile;
#[cfg(feature = "data")]
pub(crate) mod project;
#[cfg(feature = "data")]
pub(crate) mod raster;
#[cfg(feature = "data")]
pub(crate) mod report;
#[cfg(feature = "data")]
pub(crate) mod runs;
#[cfg(feature = "data")]
pub(crate) mod score_remarks;
#[cfg(feature = "data")]
pub(crate) mod scores;
#[cfg(feature = "data")]
pub(crate) mod survey;
#[cfg(any(feature = "run", all(test, feature = "data")))]
pub(crate) mod sweep_cost;
pub(crate) mod table;
#[cfg(feature = "data")]
pub(crate) mod tensorboard;
pub(crate) mod text;
#[cfg(feature = "run")]
pub(crate) mod training_end;
#[cfg(feature = "run")]
pub(crate) mod volume_prediction;
