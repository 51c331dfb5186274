//! Scores by metric.

use crate::text::config::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Score of each metric; `None` (`null` in files) if no image defines one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MetricScores(BTreeMap<Metric, Option<f64>>);

impl MetricScores {
    /// Creates a set of scores.
    pub fn new(scores: impl IntoIterator<Item = (Metric, Option<f64>)>) -> MetricScores {
        MetricScores(scores.into_iter().collect())
    }

    /// Returns a score; `None` if it is undefined or was not measured.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&metric).copied().flatten()
    }

    /// Returns the measured metrics.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        self.0.keys().copied()
    }
}
