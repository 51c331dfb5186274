//! Options of `npc eval` and `npc report` that write the figures of an evaluation as files.

use super::error::CommandResult;
use super::option_words::{THEMES, word_parser};
use crate::show::chart::ChartTheme;
use crate::show::figures::FigureData;
use clap::Args;
use std::path::{Path, PathBuf};

/// Options for the figures of an evaluation.
#[derive(Args, Default)]
#[command(next_help_heading = "Figures")]
pub(super) struct FigureOptions {
    /// Write confusion matrix, precision-recall curves and reliability diagram, each as .svg and .png
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Colours of the figures
    #[arg(long, value_name = "THEME", value_parser = word_parser(THEMES, ChartTheme::name), default_value = "auto",
        requires = "figures", hide_default_value = true)]
    theme: ChartTheme,
}

impl FigureOptions {
    /// Returns the files that may be written.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.figures.as_deref().map_or_else(Vec::new, FigureData::files_in)
    }

    /// Returns the folder of the figures.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.figures.as_deref()
    }

    /// Writes the figures if they were requested.
    pub(super) fn write(&self, data: &FigureData) -> CommandResult {
        let Some(dir) = &self.figures else { return Ok(()) };
        let (files, note) = data.write(dir, self.theme)?;
        // On standard error, since a program may read the scores, from standard output.
        notice!("figures: {} in {}", files.len(), dir.display());
        note.into_iter().for_each(|note| notice!("note: {note}"));
        Ok(())
    }
}
