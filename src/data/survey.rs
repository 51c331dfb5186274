//! A whole data set looked at before anything is trained on it: every image and every mask is read, and all that is wrong
//! or doubtful is told at once.
//!
//! Knows no model: what a network wants of the size is checked where networks are known.

mod balance;
mod facts;
mod near;

pub use balance::{Balance, balance};
pub use facts::Facts;
pub use near::{ALIKE, HAMMING, Pair};

use super::volume::Cache;
use super::{Case, Dataset, Role, phantom, reading};
use crate::base::error::{Result, RunError};
use crate::text::recipe::{DataSource, DataSpec};
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Training would stop at it, or learn from what is wrong.
    Error,
    Warning,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Which files there are, how they pair, which split they are in.
    Files,
    /// An image that cannot be used, or is doubtful.
    Image,
    Mask,
    /// Image and mask differ in size.
    Sizes,
    /// What the network takes.
    Model,
    /// How much of each class there is.
    Balance,
    /// Images that are nearly the same.
    Duplicates,
    /// Values and the window that scales them.
    Window,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Files => "files",
            Kind::Image => "image",
            Kind::Mask => "mask",
            Kind::Sizes => "sizes",
            Kind::Model => "model",
            Kind::Balance => "balance",
            Kind::Duplicates => "duplicates",
            Kind::Window => "window",
        }
    }
}

/// Something wrong or doubtful.
#[derive(Debug, Clone)]
pub struct Finding {
    pub severity: Severity,
    pub kind: Kind,
    /// One line, with the file that it is about.
    pub message: String,
    pub help: Vec<String>,
    /// The stems that it is about.
    pub stems: Vec<String>,
}

impl Finding {
    pub fn error(kind: Kind, error: &RunError) -> Finding {
        let message = match &error.path {
            Some(path) => format!("{}: {}", path.display(), error.message),
            None => error.message.clone(),
        };
        Finding { severity: Severity::Error, kind, message, help: error.help.clone(), stems: Vec::new() }
    }

    pub fn warning(kind: Kind, message: impl Into<String>) -> Finding {
        let message = message.into();
        Finding { severity: Severity::Warning, kind, message, help: Vec::new(), stems: Vec::new() }
    }

    pub fn help(mut self, text: impl Into<String>) -> Finding {
        self.help.push(text.into());
        self
    }

    pub fn about(mut self, stems: impl IntoIterator<Item = String>) -> Finding {
        self.stems.extend(stems);
        self
    }
}

/// What there is to say about a data set.
pub struct Survey {
    /// The cases that could be paired and split; `None` where the data block makes no sense.
    pub data: Option<Dataset>,
    /// Of each case, by role and then in the order of the role.
    pub facts: Vec<Facts>,
    /// Errors first, then by kind.
    pub findings: Vec<Finding>,
    /// Near-duplicates, the most alike first: indices into `facts`.
    pub near: Vec<Pair>,
}

impl Survey {
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Error)
    }

    /// Adds what others found, in order.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
        self.findings.sort_by_key(|f| (f.severity, f.kind));
        // The slices of a volume that cannot be read say the same.
        let mut told: Vec<Finding> = Vec::with_capacity(self.findings.len());
        for finding in self.findings.drain(..) {
            match told.last_mut().filter(|last| last.message == finding.message && last.kind == finding.kind) {
                Some(last) => last.stems.extend(finding.stems),
                None => told.push(finding),
            }
        }
        self.findings = told;
    }
}

/// Reads every file of a data set. `channels` are those that the network takes, where one is known; `progress` is told how
/// many cases of how many are read.
pub fn survey(
    spec: &DataSpec,
    root: &Path,
    channels: Option<usize>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Survey {
    let (data, problems) = match Dataset::gather(spec, root) {
        Ok((data, problems)) => (data, problems),
        Err(error) => {
            let findings = vec![Finding::error(Kind::Files, &error)];
            return Survey { data: None, facts: Vec::new(), findings, near: Vec::new() };
        }
    };
    let cases: Vec<(Role, &Case)> = data.parts.all().collect();
    let done = AtomicUsize::new(0);
    let facts: Vec<Facts> = cases
        .par_iter()
        .map(|(role, case)| {
            let facts = facts::look(&data, *role, case, channels);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, cases.len());
            facts
        })
        .collect();
    let near = near::pairs(&facts);
    let mut findings: Vec<Finding> = problems.iter().map(|e| Finding::error(Kind::Files, e)).collect();
    findings.extend(data.doubts.iter().map(|doubt| Finding::warning(Kind::Files, doubt)));
    findings.extend(facts.iter().flat_map(|f| f.findings.iter().cloned()));
    findings.extend(balance::findings(spec, &facts));
    findings.extend(near::findings(&facts, &near, data.parts.all().any(|(_, case)| case.group.is_some())));
    drop(cases);
    let mut survey = Survey { data: Some(data), facts, findings: Vec::new(), near };
    survey.extend(findings);
    survey
}

/// Pixels of each class in the mask of each case, for stratified splits.
pub(super) fn content(spec: &DataSpec, cases: &[Case], volumes: &Cache) -> Result<Vec<Vec<u64>>> {
    let count = |classes: &[u8]| {
        let mut counts = vec![0u64; spec.classes.len()];
        classes.iter().for_each(|&class| counts[usize::from(class)] += 1);
        counts
    };
    cases
        .par_iter()
        .map(|case| match &spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                reading::classes(spec, case, volumes).map(|(classes, ..)| count(&classes))
            }
            DataSource::Phantoms { seed, .. } => {
                Ok(count(&phantom::draw(*seed, phantom::number(&case.stem)?, spec.size).lungs))
            }
        })
        .collect()
}
