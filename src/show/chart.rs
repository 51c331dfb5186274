//! Charts as SVG: points with their Pareto front, lines over epochs, the distribution of scores, and shares of a whole.

mod axis;
#[cfg(feature = "data")]
mod distribution;
mod frame;
#[cfg(feature = "data")]
mod icicle;
mod labels;
#[cfg(feature = "data")]
mod lines;
#[cfg(feature = "data")]
mod panel;
mod rect;
mod scale;
mod scatter;

#[cfg(feature = "data")]
pub use distribution::{Point, distribution};
#[cfg(feature = "data")]
pub(crate) use icicle::{Leaf, icicle};
#[cfg(feature = "data")]
pub use lines::{Lines, Series, lines};
pub use scale::Unit;
pub use scatter::{Dot, Scatter, Side, scatter};
