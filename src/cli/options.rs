//! Options that several commands share: which models, at which sizes, and what is done with warnings.

use crate::desk::{ComparedAt, ImageSize, LintLevels, Selection, lint_name, lint_or_all, parse_size};
use clap::Args;
use std::path::PathBuf;

/// A model file, and what of it.
#[derive(Args, Clone, Default)]
pub(super) struct ModelOptions {
    /// Model file
    pub file: PathBuf,
    #[command(flatten)]
    pub choice: SelectionOptions,
}

#[cfg(feature = "run")]
impl ModelOptions {
    /// The one model that is chosen.
    pub(super) fn build(&self) -> Result<crate::graph::check::CheckedGraph, crate::desk::WorkbenchError> {
        crate::desk::build_one(&crate::text::files::Disk, &self.file, &self.choice.selection())
    }
}

/// Which models, with which values and at which sizes.
#[derive(Args, Clone, Default)]
pub(super) struct SelectionOptions {
    /// Model or variant; all of them when not given
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Hyper-parameters, for example --with attention=se,width=[16,32,64]
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub with: Vec<String>,
    /// Take the input size from this data block; several with commas
    #[arg(long, value_name = "DATA,...", value_delimiter = ',', conflicts_with = "size")]
    pub on: Vec<String>,
    /// Input height and width, for example 288x384; may be given several times
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    pub size: Vec<ImageSize>,
}

impl SelectionOptions {
    /// The same for the workbench.
    pub(super) fn selection(&self) -> Selection {
        let SelectionOptions { model, with, on, size } = self.clone();
        Selection { model, with, on, size }
    }
}

/// The size at which two models are compared.
#[derive(Args)]
pub(super) struct InputSizeOptions {
    /// Take the input size from this data block
    #[arg(long, value_name = "DATA", conflicts_with = "size")]
    on: Option<String>,
    /// Input height and width, for example 288x384
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<ImageSize>,
}

impl InputSizeOptions {
    /// The same for the workbench.
    pub(super) fn compared_at(&self) -> ComparedAt<'_> {
        ComparedAt { on: self.on.as_deref(), size: self.size }
    }
}

/// What is done with warnings.
#[derive(Args, Clone, Default)]
pub(super) struct LintLevelOptions {
    /// Leave these warnings out, for example --allow gridding,unused_binding
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_name)]
    allow: Vec<String>,
    /// Make errors of these warnings; `warnings` stands for all of them
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_or_all)]
    deny: Vec<String>,
}

impl LintLevelOptions {
    /// The same for the workbench.
    pub(super) fn levels(&self) -> LintLevels {
        LintLevels { allow: self.allow.clone(), deny: self.deny.clone() }
    }
}
