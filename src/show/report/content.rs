//! The content of a report.

use crate::base::error::Result;
use crate::data::png::png;
use crate::graph::check::CheckedGraph;
use crate::learn::history::History;
use crate::metric::RunHint;
use crate::score::case_columns::{CaseColumns, RankedCase};
use crate::show::figures::FigureData;
use crate::show::images::text_drawing::Canvas;
use crate::show::table::Table;
use serde_json::Value;

/// A PNG picture with name and note.
#[derive(Debug, Clone)]
pub struct ReportPicture {
    pub name: String,
    pub note: String,
    pub png: Vec<u8>,
    /// Height, width.
    pub size: [usize; 2],
}

impl ReportPicture {
    pub fn new(name: impl Into<String>, note: impl Into<String>, canvas: &Canvas) -> Result<ReportPicture> {
        let png = png(&canvas.rgb, canvas.size)?;
        Ok(ReportPicture { name: name.into(), note: note.into(), png, size: canvas.size })
    }
}

/// Longest side of an embedded picture.
pub(crate) const PICTURE_SIDE: usize = 320;

/// A figure at the top of the page.
#[derive(Debug, Clone)]
pub struct HeadlineFigure {
    pub label: String,
    pub value: String,
    pub note: String,
}

impl HeadlineFigure {
    pub fn new(label: &str, value: impl Into<String>, note: impl Into<String>) -> HeadlineFigure {
        HeadlineFigure { label: label.into(), value: value.into(), note: note.into() }
    }
}

/// The fraction of the pixels of each class in one split.
#[derive(Debug, Clone)]
pub struct SplitShares {
    pub split: String,
    pub images: usize,
    /// Number of images whose masks were read.
    pub read: usize,
    /// Fraction of each class among the pixels that are not ignored, in the order of the classes. They sum to 1.
    pub shares: Vec<f64>,
    /// Fraction of all pixels that are ignored.
    pub ignored: f64,
}

/// The content of the report of one run.
pub struct RunReport<'a> {
    pub title: String,
    pub subtitle: String,
    pub facts: Vec<HeadlineFigure>,
    pub history: History,
    /// The split that each epoch was scored on.
    pub scored_on: String,
    /// The content of `eval.json`.
    pub evaluation: Option<Value>,
    pub figures: FigureData,
    /// Hints on the epochs, from `summary.json`.
    pub hints: Vec<RunHint>,
    /// What readers of the scores must know, as `npc eval` prints it.
    pub remarks: Vec<String>,
    pub cases: Option<CaseColumns>,
    pub split: String,
    /// The column of `cases.csv` that cases are ranked by, and its display name.
    pub ranked_by: (String, String),
    pub ranked: Vec<RankedCase>,
    pub worst: Vec<ReportPicture>,
    pub median: Vec<ReportPicture>,
    pub checked: &'a CheckedGraph,
    pub costs: Vec<(String, String)>,
    pub blocks: Table,
    pub classes: Vec<String>,
    /// Whether masks may have ignored pixels.
    pub ignores: bool,
    pub balance: Vec<SplitShares>,
    pub examples: Vec<ReportPicture>,
    /// Groups of settings, each with its title.
    pub settings: Vec<(String, Vec<(String, String)>)>,
    pub commands: String,
    /// What is missing on the page, and how to get it.
    pub missing: Vec<String>,
}
