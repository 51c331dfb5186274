//! The scores of one set of maps by metric.

use crate::text::config::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A score for each metric; `None` (`null` in files) where no image defines one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MetricScores(BTreeMap<Metric, Option<f64>>);

impl MetricScores {
    /// The scores of these metrics.
    pub fn new(scores: impl IntoIterator<Item = (Metric, Option<f64>)>) -> MetricScores {
        MetricScores(scores.into_iter().collect())
    }

    /// `None` where it is undefined or was not measured.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&metric).copied().flatten()
    }

    /// The metrics that were measured.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        self.0.keys().copied()
    }
}
