//! What a paper reports about a point of a sweep: the `expect` block that is about it.

use crate::explore::Point;
use crate::resolve::Program;
use crate::source::SourceMap;

/// Figures as they are written, by the name of the quantity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures(pub Vec<(String, String)>);

pub fn figures(_program: &Program<'_>, _sources: &SourceMap, _point: &Point<'_>, _data: &str) -> Figures {
    Figures::default()
}
