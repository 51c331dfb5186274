//! `npc fix`: applies suggested edits to model files.

use super::details::ModelFiles;
use super::error::{CommandError, CommandResult};
use super::options::{LintLevelOptions, SelectionOptions};
use super::terminal::{print, print_report};
use crate::base::atomic::write_named_file;
use crate::base::count::counted;
use crate::base::unified::unified_diff;
use crate::desk::{AnalysisRequest, FixedFile, WorkbenchError, fix_file};
use clap::Args;
use std::path::{Path, PathBuf};

/// Apply the edits that `npc check` suggests to model files
#[derive(Args)]
#[command(
    after_help = "npc fix applies edits that are certain and prints a diff. --all also applies edits that are only
likely, so read the diff. Edits with a placeholder `...` are never applied. Only the named files
are written, not their imports. Overlapping edits are applied in successive rounds, until no
applicable edit is left.

Examples:
  npc fix net.model --dry-run                 show the changes
  npc fix models/*.model
  npc fix net.model --size 256x256 --all

Exit codes: 0 no errors left, 1 problems found, 2 wrong usage"
)]
pub(super) struct FixOptions {
    /// Model files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    choice: SelectionOptions,
    #[command(flatten)]
    levels: LintLevelOptions,
    /// Also apply edits that are only likely to be right
    #[arg(long)]
    all: bool,
    /// Print the diff without writing files
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(opts: &FixOptions) -> CommandResult {
    let mut left = false;
    for path in &opts.files {
        left |= fix_and_write(path, opts)?;
    }
    if left { Err(CommandError::AlreadyReported) } else { Ok(()) }
}

/// Fixes one file. Returns whether errors are left.
fn fix_and_write(path: &Path, opts: &FixOptions) -> Result<bool, CommandError> {
    let (path, selection) = opts.choice.of_file(path)?;
    let request = AnalysisRequest { selection, levels: opts.levels.levels(), ..AnalysisRequest::default() };
    let fixed = match fix_file(&ModelFiles, &path, &request, opts.all) {
        Ok(fixed) => fixed,
        // The other files are still fixed.
        Err(failure) => match failure.into() {
            CommandError::Problems(found) => {
                print_report(&found);
                return Ok(true);
            }
            wrong => return Err(wrong),
        },
    };
    let FixedFile { original, text, fixed, left: still } = fixed;
    // No edit of the file makes the command line right.
    if let wrong @ CommandError::Usage(_) = WorkbenchError::Problems(Box::new(still.clone())).into() {
        return Err(wrong);
    }
    let name = path.display();
    print(&unified_diff(&name.to_string(), &original, &text))?;
    if text != original && !opts.dry_run {
        write_named_file(&path, text.as_bytes())?;
    }
    let verb = if opts.dry_run { "would be fixed" } else { "fixed" };
    let errors = still.problems.iter().filter(|d| d.is_error()).count();
    let problems = counted(fixed, "problem");
    print(&match (fixed, errors) {
        (0, 0) => format!("{name}: nothing to fix\n"),
        (0, n) => format!("{name}: no fix is certain enough to apply, {}\n", errors_left(n)),
        (_, 0) => format!("{name}: {problems} {verb}\n"),
        (_, n) => format!("{name}: {problems} {verb}, {}\n", errors_left(n)),
    })?;
    Ok(errors > 0)
}

fn errors_left(errors: usize) -> String {
    format!("{} left; `npc check` shows more", counted(errors, "error"))
}
