//! Diagnostics: what is wrong, where, and the edit that fixes it.
//!
//! A [`Diagnostic`] holds facts and places. Only [`render`] turns it into text for people, only `json` into JSON for
//! programs. Invariant: every diagnostic has a [`Code`], and [`Problems::sorted`] orders by place.

mod diagnostic;
mod json;
mod level;
mod problems;
pub mod render;
mod suggest;
mod suggestion;

pub use crate::base::applicability::Applicability;
pub use crate::base::code::Code;
pub use crate::base::severity::Severity;
pub use diagnostic::{Diagnostic, Label};
pub use json::json;
pub use level::{AllowDirective, WARNINGS, WarningFilter, lints};
pub use problems::Problems;
pub use suggest::{did_you_mean, near_names, quoted_list};
pub use suggestion::Suggestion;
