//! `npc sweep`: counts or trains the models of a `sweep` declaration.

mod counted;
mod counted_chart;
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

use super::error::CommandResult;
#[cfg(feature = "run")]
pub(super) use options::SweepRunOptions;
pub(super) use options::{SweepOptions, TableFormatOptions};
#[cfg(feature = "run")]
pub(super) use trained::run_sweep;

pub(super) fn run(opts: &SweepOptions) -> CommandResult {
    if opts.counted {
        return counted::run(opts);
    }
    #[cfg(feature = "run")]
    return trained::run(opts, &opts.runs);
    #[cfg(not(feature = "run"))]
    Err(super::error::CommandError::usage(crate::base::problem::problem!(
        E0503,
        "this npc was built without training: add --static to count the models"
    )))
}
