//! Checks that an interrupted run can be resumed.

use super::arguments::split_commas;
use super::error::WorkbenchError;
use super::resolved_run::{ResolvedRun, reopen};
use super::sweep::differences;
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::graph::ir;
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::text::config::schema;

/// Checks a run against the folder in which it is to be resumed, and copies the initial weights and the number of threads
/// from there if they are not given. A folder without settings contains no run and accepts any.
///
/// With other settings or another network the folder would not describe the run. Only the number of epochs, the device and
/// its threads, the interval between checkpoints, and the path and cache of the data may differ.
///
/// Errors: other settings or another network (E0723), and a folder whose settings or model
/// cannot be read or have an error.
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
    before = before.with_plain_arguments();
    let mut now = run.settings.clone().with_plain_arguments();
    before.threads = now.threads;
    before.train.save_every = now.train.save_every;
    before.train.epochs = now.train.epochs;
    before.data_root.clone_from(&now.data_root);
    before.device.clone_from(&now.device);
    before.versions.clone_from(&now.versions);
    now.data.cache_mb = before.data.cache_mb;
    if before != now {
        let changes = differences(&before, &now, ["there", "now"]);
        let changes = if changes.is_empty() { String::new() } else { format!(" ({})", changes.join("; ")) };
        return Err(
            problem!(E0723, &folder.settings(), "the settings differ from those of the run to resume{changes}";
            help: "continue exactly that run: `npc train {} --resume`", folder.root().display();
                help: "or start another run: `--out DIR`")
            .into(),
        );
    }
    let (before, _) = reopen(folder.root(), None, None)?;
    if ir::to_text(before.checked.graph()) != ir::to_text(run.checked.graph()) {
        return Err(problem!(E0723, &folder.model(), "the network differs from that of the run to resume";
            help: "train the changed network into another folder: `--out DIR`")
        .into());
    }
    Ok(())
}

/// Keeps the number of epochs of the run in the folder, unless the changes `set` of the command line give one: a run whose file has
/// another number is not stretched in silence. Returns a note where the numbers differ.
pub fn keep_epochs(run: &mut ResolvedRun, folder: &RunFolder, set: &[String]) -> Option<String> {
    let parts = || set.iter().flat_map(|text| split_commas(text));
    let is_epochs = |part: String| {
        let key = part.split('=').next().unwrap_or_default().trim().to_string();
        schema::train_key(key.strip_prefix("train.").unwrap_or(&key)) == Some("epochs")
    };
    let before = read_settings(&folder.settings()).ok()?.train.epochs;
    let now = run.settings.train.epochs;
    if before == now || parts().any(is_epochs) {
        return None;
    }
    run.settings.train.epochs = before;
    let root = folder.root().display();
    let epochs = counted(before, "epoch");
    Some(format!(
        "the run in {root} is of {epochs}, and the model file says {now}: to train {now}, add `--set epochs={now}`"
    ))
}
