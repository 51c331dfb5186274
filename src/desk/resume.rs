//! What may differ when an interrupted run goes on.

use super::error::WorkbenchError;
use super::resolved_run::{ResolvedRun, reopen};
use crate::base::error::RunError;
use crate::graph::ir;
use crate::learn::run_folder::{RunFolder, read_settings};

/// Holds a run against the folder that it is to go on in, and takes over what need not be asked for again: the weights that
/// it began with and the number of threads. A folder without settings, where no run began, takes any run.
///
/// Going on with other settings or another network would give a run that its folder does not describe. Only the number of
/// epochs, the device with its threads, how often the state is written, and the place and cache of the data may differ.
pub fn resume(run: &mut ResolvedRun, folder: &RunFolder) -> Result<(), WorkbenchError> {
    if !folder.settings().exists() {
        return Ok(());
    }
    let mut before = read_settings(&folder.settings())?;
    if run.settings.train.init.is_none() {
        run.settings.train.init.clone_from(&before.train.init);
    }
    if run.settings.threads.is_none() {
        run.settings.threads = before.threads;
    }
    let mut now = run.settings.clone();
    before.threads = now.threads;
    before.train.save_every = now.train.save_every;
    before.train.epochs = now.train.epochs;
    before.data_root.clone_from(&now.data_root);
    before.device.clone_from(&now.device);
    before.versions.clone_from(&now.versions);
    now.data.cache_mb = before.data.cache_mb;
    if before != now {
        let error = RunError::at(&folder.settings(), "these settings are not those of the run to resume");
        return Err(error.help("give the same --set values as before, or start another run with --out DIR").into());
    }
    let (before, _) = reopen(folder.root(), None, None)?;
    if ir::to_text(before.checked.graph()) != ir::to_text(run.checked.graph()) {
        let error = RunError::at(&folder.model(), "the network is not that of the run to resume");
        return Err(error.help("train the changed network into another folder with --out DIR").into());
    }
    Ok(())
}
