//! What `--verbose` prints to standard error: files, settings, and the time of each stage.

use super::global_options::verbose;
use crate::base::number::clock;
use crate::text::files::{Disk, Files};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

/// Prints one fact under a name of at most 8 characters; `what` is asked only with `--verbose`.
pub(super) fn detail(name: &str, what: impl FnOnce() -> String) {
    if verbose() {
        let what = what();
        for (i, line) in what.lines().enumerate() {
            eprintln_lossy!("{:<9}{line}", if i == 0 { name } else { "" });
        }
    }
}

/// Prints how long each stage of a command took.
pub(super) struct StageClock(Instant);

impl StageClock {
    /// Starts with the first stage.
    pub(super) fn start() -> StageClock {
        StageClock(Instant::now())
    }

    /// Prints the time of the stage that ends here; the next one begins.
    pub(super) fn lap(&mut self, stage: &str) {
        let seconds = self.0.elapsed().as_secs_f64();
        detail("time", || match seconds < 60.0 {
            true => format!("{seconds:.3} s  {stage}"),
            false => format!("{}  {stage}", clock(seconds)),
        });
        self.0 = Instant::now();
    }
}

/// The model files on disk, each of which is named when it is first read.
pub(super) struct ModelFiles;

/// The files that were named.
static NAMED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl Files for ModelFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = Disk.read(path)?;
        if verbose() && NAMED.lock().is_ok_and(|mut named| named.insert(path.to_path_buf())) {
            detail("read", || path.display().to_string());
        }
        Ok(bytes)
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        Disk.names(folder)
    }
}
