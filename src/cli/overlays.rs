//! Options of `npc eval` that draw the scored cases.

use super::error::CommandResult;
use crate::data::SplitRole;
use crate::learn::trained_run::TrainedRun;
use crate::show::images::case_pictures::write_cases;
use clap::Args;
use std::path::PathBuf;

/// Options of `npc eval`.
#[derive(Args, Default)]
#[command(next_help_heading = "Pictures")]
pub(super) struct OverlayOptions {
    /// Write each case as a picture with errors in colours, worst first, and sheet.png with a legend
    #[arg(long = "overlays", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only the N worst cases and N around the median
    #[arg(long, value_name = "N", requires = "dir", value_parser = clap::value_parser!(u16).range(1..))]
    worst: Option<u16>,
}

impl OverlayOptions {
    /// Draws what was asked for, once the scores are written.
    pub(super) fn write(&self, run: TrainedRun<'_>, role: SplitRole) -> CommandResult {
        let Some(dir) = &self.dir else { return Ok(()) };
        let drawn = write_cases(run, role, dir, self.worst.map(usize::from))?;
        // Not among the scores, which may be read by a program.
        eprintln_lossy!("overlays: {} in {}, together {}", drawn.cases, dir.display(), drawn.sheet.display());
        Ok(())
    }
}
