//! `npc sweep`: counts or trains the models of a `sweep` declaration.

mod counted;
mod counted_table;
#[cfg(feature = "run")]
mod notes;
mod options;
#[cfg(feature = "run")]
mod run_steps;
#[cfg(feature = "run")]
mod trained;
#[cfg(feature = "run")]
mod trained_table;

use super::error::{CommandError, CommandResult};
use crate::base::problem::problem;
#[cfg(feature = "run")]
pub(super) use options::SweepRunOptions;
pub(super) use options::{SweepOptions, TableFormatOptions};
#[cfg(feature = "run")]
pub(super) use trained::run_sweep;

pub(super) fn run(opts: &SweepOptions) -> CommandResult {
    if opts.counted {
        return counted::run(opts);
    }
    if let [first, rest @ ..] = &opts.table.given()[..] {
        let (all, are) = match rest {
            [] => (format!("`{first}`"), "is"),
            _ => (format!("`{first}`, `{}`", rest.join("`, `")), "are"),
        };
        return Err(CommandError::usage(
            problem!(E0503, "{all} {are} for `--static`, which counts models without training them";
            help: "add `--static` and leave out `--run` and what is for its runs, or leave out {all}"),
        ));
    }
    #[cfg(feature = "run")]
    return trained::run(opts, &opts.runs);
    #[cfg(not(feature = "run"))]
    Err(CommandError::usage(problem!(E0503, "this npc was built without training: add --static to count the models")))
}
