//! [`crate::base::atomic::write`] with the errors of a run.

use crate::base::error::{Result, RunError};
use std::path::Path;

/// Writes `bytes` to `path`, replacing what is there. A reader sees the old file or the new one, never a part.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    crate::base::atomic::write(path, bytes).map_err(|e| RunError::at(path, format!("cannot be written: {e}")))
}
