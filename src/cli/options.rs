//! Options shared by several commands: selection of models and sizes, and lint levels.

use super::details::ModelFiles;
use super::option_words::{lint_or_all_parser, lint_parser};
use crate::desk::{
    ComparedAt, ImageSize, LintLevels, Selection, WorkbenchError, lint_name, lint_or_all, named_model, parse_size,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// A model file with a selection of its models.
#[derive(Args, Clone, Default)]
pub(super) struct ModelOptions {
    /// Model file; FILE:NAME is the same as FILE --model NAME
    pub file: PathBuf,
    #[command(flatten)]
    pub choice: SelectionOptions,
}

impl ModelOptions {
    /// Returns the model file and the selection of its models.
    pub(super) fn chosen(&self) -> Result<(PathBuf, Selection), WorkbenchError> {
        self.choice.of_file(&self.file)
    }

    /// Builds the selected model. Fails if the selection has several.
    #[cfg(feature = "run")]
    pub(super) fn build(&self) -> Result<crate::graph::check::CheckedGraph, WorkbenchError> {
        let (file, selection) = self.chosen()?;
        crate::desk::build_one(&ModelFiles, &file, &selection)
    }
}

/// Selection of models, hyper-parameters and input sizes.
#[derive(Args, Clone, Default)]
pub(super) struct SelectionOptions {
    /// Model or variant of the file or its imports [default: all models of the file]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    #[command(flatten)]
    pub parameters: ParameterOptions,
    /// Use the input size of this data block; separate several by commas
    #[arg(long, value_name = "DATA,...", value_delimiter = ',', conflicts_with = "size")]
    pub on: Vec<String>,
    /// Input height and width, for example 288x384; may be repeated
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    pub size: Vec<ImageSize>,
}

impl SelectionOptions {
    /// Returns the model file and the selection of its models. The reference is `FILE`, `FILE:NAME` or `FILE:NAME(key = value)`.
    pub(super) fn of_file(&self, reference: &Path) -> Result<(PathBuf, Selection), WorkbenchError> {
        let SelectionOptions { model, parameters: ParameterOptions { with, set }, on, size } = self.clone();
        let named = named_model(&ModelFiles, reference, model.as_deref())?;
        Ok((named.file, Selection { model: named.model, with: [named.with, with].concat(), set, on, size }))
    }
}

/// Hyper-parameters of a model, in both spellings.
#[derive(Args, Clone, Default)]
pub(super) struct ParameterOptions {
    /// Hyper-parameters of the model: attention=se,width=[16,32,64]
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub with: Vec<String>,
    /// The same as settings: model.attention=se
    #[arg(long, value_name = "model.KEY=VALUE,...")]
    pub set: Vec<String>,
}

/// Changes of the settings of a run, and hyper-parameters of its model.
#[cfg(feature = "data")]
#[derive(Args, Clone, Default)]
pub(super) struct SettingOptions {
    /// Override settings: epochs=5, lr=1e-4, data.size=[128,128], model.attention=se
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub set: Vec<String>,
    /// Hyper-parameters of the model: --with attention=se is --set model.attention=se
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub with: Vec<String>,
}

/// Input size at which two models are compared, and their name.
#[derive(Args)]
pub(super) struct InputSizeOptions {
    /// Use the input size of this data block
    #[arg(long, value_name = "DATA", conflicts_with = "size")]
    on: Option<String>,
    /// Input height and width, for example 288x384
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<ImageSize>,
    /// Model or variant of each file that is given without one, the file's own or imported
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

impl InputSizeOptions {
    /// Converts the options for the workbench.
    pub(super) fn compared_at(&self) -> ComparedAt<'_> {
        ComparedAt { on: self.on.as_deref(), size: self.size, model: self.model.as_deref() }
    }
}

/// Lint levels.
#[derive(Args, Clone, Default)]
pub(super) struct LintLevelOptions {
    /// Silence these warnings, for example --allow gridding,unused_binding
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_parser(lint_name), hide_possible_values = true)]
    allow: Vec<String>,
    /// Treat these warnings as errors; `warnings` means all of them
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_or_all_parser(lint_or_all), hide_possible_values = true)]
    deny: Vec<String>,
}

impl LintLevelOptions {
    /// Converts the options for the workbench.
    pub(super) fn levels(&self) -> LintLevels {
        LintLevels { allow: self.allow.clone(), deny: self.deny.clone() }
    }
}
