//! `npc fmt`: formats model files.

use super::details::ModelFiles;
use super::error::{CommandError, CommandResult};
use super::terminal::{print, print_problems};
use crate::base::atomic::write_named_file;
use crate::text::files;
use crate::text::syntax;
use clap::Args;
use std::path::{Path, PathBuf};

/// Format model files in place
#[derive(Args)]
#[command(after_help = "Comments are kept, and formatting is idempotent. A file with syntax errors is not changed.

Examples:
  npc fmt models/npnet.model
  npc fmt --check models/*.model

Exit codes: 0 success (with --check: all files are formatted), 1 problems found, 2 wrong usage")]
pub(super) struct FmtOptions {
    /// Model files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Write nothing; fail if a file is not formatted
    #[arg(long)]
    check: bool,
}

pub(super) fn run(opts: &FmtOptions) -> CommandResult {
    let mut failed = false;
    for path in &opts.files {
        match format(path, opts.check) {
            Ok(true) => {}
            Ok(false) => failed = true,
            Err(CommandError::AlreadyReported) => failed = true,
            Err(stop) => return Err(stop),
        }
    }
    if failed { Err(CommandError::AlreadyReported) } else { Ok(()) }
}

/// Formats a file. With `check` only reports whether it is formatted.
fn format(path: &Path, check: bool) -> Result<bool, CommandError> {
    let mut sources = crate::text::source::SourceMap::new();
    let id = match files::read(&ModelFiles, &mut sources, path) {
        Ok(id) => id,
        Err(d) => {
            print_problems(&sources, &d.into());
            return Err(CommandError::AlreadyReported);
        }
    };
    let (file, problems) = syntax::parse(&sources, id);
    if problems.has_errors() {
        print_problems(&sources, &problems);
        return Err(CommandError::AlreadyReported);
    }
    let text = syntax::print(&sources, id, &file);
    if text == sources.text(id) {
        return Ok(true);
    }
    if check {
        print(&format!("{} is not formatted; `npc fmt {0}` does it\n", path.display()))?;
        return Ok(false);
    }
    write_named_file(path, text.as_bytes())?;
    print(&format!("formatted {}\n", path.display()))?;
    Ok(true)
}
