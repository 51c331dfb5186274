//! Draws charts as SVG: scatter charts with a Pareto front, line charts over epochs, distributions of scores, box plots, icicle
//! plots, and the figures of an evaluation.

mod axis;
#[cfg(feature = "data")]
mod boxes;
#[cfg(feature = "data")]
mod confusion_chart;
#[cfg(feature = "data")]
mod distribution;
mod drawing;
mod frame;
#[cfg(feature = "data")]
mod icicle;
mod label_placement;
mod legend;
#[cfg(feature = "data")]
mod lines;
#[cfg(feature = "data")]
mod precision_recall_chart;
mod rectangle;
#[cfg(feature = "data")]
mod reliability;
#[cfg(feature = "data")]
mod report_frame;
mod scale;
mod scatter;
mod theme;

#[cfg(feature = "data")]
pub(crate) use boxes::{BoxGroup, BoxPanel, BoxPlot, box_plot};
#[cfg(feature = "data")]
pub(crate) use confusion_chart::confusion_chart;
#[cfg(feature = "data")]
pub use distribution::{ImageScore, distribution};
pub(crate) use drawing::CHART_ENDINGS;
pub use drawing::ChartDrawing;
#[cfg(feature = "data")]
pub(crate) use icicle::{IcicleLeaf, icicle};
#[cfg(feature = "data")]
pub use lines::{LineChart, LineSeries, line_chart};
#[cfg(feature = "data")]
pub(crate) use precision_recall_chart::precision_recall_chart;
#[cfg(feature = "data")]
pub(crate) use reliability::reliability_chart;
pub use scale::AxisUnit;
pub use scatter::{ScatterAxis, ScatterChart, ScatterPoint, scatter};
pub use theme::ChartTheme;
#[cfg(feature = "data")]
pub(crate) use theme::{page_style, series_class};
