//! The order in which run folders are listed.

use super::run_overview::RunOverview;
use std::cmp::Ordering;
use std::str::FromStr;

/// What run folders are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunOrder {
    /// The path.
    Name,
    /// The best Dice, the highest first.
    Dice,
    /// The test Dice, the highest first; stale ones last.
    Test,
}

impl RunOrder {
    /// Returns the name, such as `dice`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RunOrder::Name => "name",
            RunOrder::Dice => "dice",
            RunOrder::Test => "test",
        }
    }

    /// Returns the score that a run is ordered by.
    fn score(self, run: &RunOverview) -> Option<f64> {
        match self {
            RunOrder::Name => None,
            RunOrder::Dice => run.best.map(|best| best.dice),
            RunOrder::Test => run.test.filter(|test| !test.stale).map(|test| test.dice),
        }
    }

    /// Orders runs that are in the order of their paths; runs without a score come last.
    pub(crate) fn sort(self, runs: &mut [RunOverview]) {
        runs.sort_by(|a, b| match (self.score(a), self.score(b)) {
            (Some(a), Some(b)) => b.total_cmp(&a),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
    }
}

impl FromStr for RunOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<RunOrder, String> {
        let all = [RunOrder::Name, RunOrder::Dice, RunOrder::Test];
        all.into_iter().find(|order| order.name() == text).ok_or_else(|| format!("`{text}` is no order of runs"))
    }
}
