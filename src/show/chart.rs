//! Draws charts as SVG: scatter charts with a Pareto front, line charts over epochs, distributions of scores, and icicle
//! plots.

mod axis;
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
mod rectangle;
#[cfg(feature = "data")]
mod report_frame;
mod scale;
mod scatter;
mod theme;

#[cfg(feature = "data")]
pub use distribution::{ImageScore, distribution};
pub(crate) use drawing::CHART_ENDINGS;
pub use drawing::ChartDrawing;
#[cfg(feature = "data")]
pub(crate) use icicle::{IcicleLeaf, icicle};
#[cfg(feature = "data")]
pub use lines::{LineChart, LineSeries, line_chart};
pub use scale::AxisUnit;
pub use scatter::{ScatterAxis, ScatterChart, ScatterPoint, scatter};
pub use theme::ChartTheme;
#[cfg(feature = "data")]
pub(crate) use theme::{page_style, series_class};
