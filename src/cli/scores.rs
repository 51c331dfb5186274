//! Scores with intervals, as cells of tables.

pub use super::tabular::{Format, Table, notes};
use crate::data::Role;
use crate::metric::Unit;
use crate::metric::statistics::Interval;
use crate::text::recipe::Metric;
use clap::ValueEnum;

#[derive(Clone, Copy, ValueEnum)]
pub enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    #[cfg(feature = "run")]
    pub fn of(role: Role) -> Split {
        match role {
            Role::Train => Split::Train,
            Role::Val => Split::Val,
            Role::Test => Split::Test,
        }
    }

    #[cfg_attr(not(feature = "run"), allow(dead_code, reason = "scoring takes tensors"))]
    pub fn role(self) -> Role {
        match self {
            Split::Train => Role::Train,
            Split::Val => Role::Val,
            Split::Test => Role::Test,
        }
    }

    /// `cases.csv` for the test images, `cases_train.csv` for the others.
    pub fn file(self, name: &str, extension: &str) -> String {
        match self {
            Split::Test => format!("{name}.{extension}"),
            Split::Train | Split::Val => format!("{name}_{}.{extension}", self.name()),
        }
    }

    /// What a command takes to mean this split and not the test images.
    pub fn option(self) -> String {
        match self {
            Split::Test => String::new(),
            Split::Train | Split::Val => format!(" --split {}", self.name()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

/// `Dice`, `HD95, mm`.
pub fn title(metric: Metric, unit: Unit) -> String {
    if metric.is_distance() { format!("{}, {}", metric.title(), unit.name()) } else { metric.title().to_string() }
}

/// Shares with four decimals, distances with two.
pub fn number(metric: Metric, value: f64) -> String {
    match (value.is_nan(), metric.is_distance()) {
        (true, _) => "-".into(),
        (false, true) => format!("{value:.2}"),
        (false, false) => format!("{value:.4}"),
    }
}

/// `0.9512 [0.9432, 0.9581]`; `-` where there is none.
pub fn cell(metric: Metric, value: Option<f64>, interval: Option<Interval>) -> String {
    match (value, interval) {
        (None, _) => "-".into(),
        (Some(value), None) => number(metric, value),
        (Some(value), Some(Interval { low, high })) => {
            format!("{} [{}, {}]", number(metric, value), number(metric, low), number(metric, high))
        }
    }
}
