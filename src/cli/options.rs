//! Options shared by several commands: selection of models and sizes, and lint levels.

use crate::desk::{ComparedAt, ImageSize, LintLevels, Selection, lint_name, lint_or_all, parse_size};
use clap::Args;
use std::path::PathBuf;

/// A model file with a selection of its models.
#[derive(Args, Clone, Default)]
pub(super) struct ModelOptions {
    /// Model file
    pub file: PathBuf,
    #[command(flatten)]
    pub choice: SelectionOptions,
}

#[cfg(feature = "run")]
impl ModelOptions {
    /// Builds the selected model. Fails if the selection has several.
    pub(super) fn build(&self) -> Result<crate::graph::check::CheckedGraph, crate::desk::WorkbenchError> {
        crate::desk::build_one(&crate::text::files::Disk, &self.file, &self.choice.selection())
    }
}

/// Selection of models, hyper-parameters and input sizes.
#[derive(Args, Clone, Default)]
pub(super) struct SelectionOptions {
    /// Model or variant [default: all models of the file]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Hyper-parameters, for example --with attention=se,width=[16,32,64]
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub with: Vec<String>,
    /// Use the input size of this data block; separate several by commas
    #[arg(long, value_name = "DATA,...", value_delimiter = ',', conflicts_with = "size")]
    pub on: Vec<String>,
    /// Input height and width, for example 288x384; may be repeated
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    pub size: Vec<ImageSize>,
}

impl SelectionOptions {
    /// Converts the options for the workbench.
    pub(super) fn selection(&self) -> Selection {
        let SelectionOptions { model, with, on, size } = self.clone();
        Selection { model, with, on, size }
    }
}

/// Input size at which two models are compared.
#[derive(Args)]
pub(super) struct InputSizeOptions {
    /// Use the input size of this data block
    #[arg(long, value_name = "DATA", conflicts_with = "size")]
    on: Option<String>,
    /// Input height and width, for example 288x384
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<ImageSize>,
}

impl InputSizeOptions {
    /// Converts the options for the workbench.
    pub(super) fn compared_at(&self) -> ComparedAt<'_> {
        ComparedAt { on: self.on.as_deref(), size: self.size }
    }
}

/// Lint levels.
#[derive(Args, Clone, Default)]
pub(super) struct LintLevelOptions {
    /// Silence these warnings, for example --allow gridding,unused_binding
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_name)]
    allow: Vec<String>,
    /// Treat these warnings as errors; `warnings` means all of them
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_or_all)]
    deny: Vec<String>,
}

impl LintLevelOptions {
    /// Converts the options for the workbench.
    pub(super) fn levels(&self) -> LintLevels {
        LintLevels { allow: self.allow.clone(), deny: self.deny.clone() }
    }
}
