//! What became of a tensor of the model, and names with shapes.

use crate::base::shorten::{shape_text, short_name};
use serde::Serialize;

/// Name and shape.
pub(crate) type NamedShape = (String, Vec<usize>);

/// Whether a tensor of the model was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fate")]
pub enum InitOutcome {
    /// Name and shape match.
    Loaded { from: String },
    /// The shape matches the file's tensor at the same position.
    LoadedByOrder { from: String },
    /// The file's tensor has another shape; the initial values are kept.
    ShapeDiffers { from: String, found: Vec<usize> },
    /// The file has no such tensor; the initial values are kept.
    Missing,
}

impl InitOutcome {
    /// Returns the tensor of the file whose values are loaded.
    pub fn source(&self) -> Option<&str> {
        match self {
            InitOutcome::Loaded { from } | InitOutcome::LoadedByOrder { from } => Some(from),
            InitOutcome::ShapeDiffers { .. } | InitOutcome::Missing => None,
        }
    }

    /// Returns the tensor of the file that stands for the tensor of the model, whether it is loaded or not.
    pub(super) fn counterpart(&self) -> Option<&str> {
        match self {
            InitOutcome::Loaded { from }
            | InitOutcome::LoadedByOrder { from }
            | InitOutcome::ShapeDiffers { from, .. } => Some(from),
            InitOutcome::Missing => None,
        }
    }

    pub fn text(&self) -> String {
        match self {
            InitOutcome::Loaded { .. } => "loaded".into(),
            InitOutcome::LoadedByOrder { from } => format!("loaded by order from `{}`", short_name(from)),
            InitOutcome::ShapeDiffers { from, found } => {
                format!("shape differs: `{}` is {}", short_name(from), shape_text(found))
            }
            InitOutcome::Missing => "missing".into(),
        }
    }
}
