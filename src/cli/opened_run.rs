//! Opens a run folder for a command that reads it.

use super::details::detail;
use crate::desk::{ResolvedRun, WorkbenchError, reopen};
use crate::learn::run_folder::RunFolder;
use crate::text::config::settings;
use std::path::Path;

/// Opens a run folder; with `--verbose` its files and its settings are printed.
pub(super) fn open_run(
    dir: &Path,
    data_root: Option<&Path>,
    device: Option<&str>,
) -> Result<(ResolvedRun, RunFolder), WorkbenchError> {
    let (resolved, folder) = reopen(dir, data_root, device)?;
    for path in [folder.settings(), folder.model()] {
        detail("read", || path.display().to_string());
    }
    detail("settings", || settings::to_yaml(&resolved.settings).unwrap_or_default());
    Ok((resolved, folder))
}
