//! Options of `npc eval` that draw the evaluated cases.

use super::error::CommandResult;
use crate::data::SplitRole;
use crate::learn::trained_run::TrainedRun;
use crate::show::images::case_pictures::{SHEET, write_cases};
use clap::Args;
use std::path::{Path, PathBuf};

/// Options for pictures of the evaluated cases.
#[derive(Args, Default)]
#[command(next_help_heading = "Pictures")]
pub(super) struct OverlayOptions {
    /// Write a picture of each case with coloured errors, worst first, and sheet.png with a legend
    #[arg(long = "overlays", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Write only the N worst cases and N cases around the median; all where the N worst would be more than half
    #[arg(long, value_name = "N", requires = "dir", value_parser = clap::value_parser!(u16).range(1..))]
    worst: Option<u16>,
}

impl OverlayOptions {
    /// Returns the picture of all cases. Those of single cases are named when the cases are known.
    pub(super) fn sheet(&self) -> Option<PathBuf> {
        self.dir.as_ref().map(|dir| dir.join(SHEET))
    }

    /// Returns the folder of the pictures.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Draws the requested cases after the scores are written.
    pub(super) fn write(&self, run: TrainedRun<'_>, role: SplitRole) -> CommandResult {
        let Some(dir) = &self.dir else { return Ok(()) };
        let drawn = write_cases(run, role, dir, self.worst.map(usize::from))?;
        // On standard error, since a program may read the scores, from standard output.
        notice!("overlays: {}, in {}, together {}", drawn.cases, dir.display(), drawn.sheet.display());
        Ok(())
    }
}
