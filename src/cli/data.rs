//! `npc data`: looking at a data set before anything is trained on it.

mod check;
mod show;

use super::error::CommandResult;
use clap::{Args, Subcommand};

/// Look at a data set before training on it
#[derive(Args)]
pub(super) struct DataOptions {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Subcommand)]
enum DataCommand {
    Check(check::DataCheckOptions),
    Show(show::DataShowOptions),
}

pub(super) fn run(opts: &DataOptions) -> CommandResult {
    match &opts.command {
        DataCommand::Check(opts) => check::run(opts),
        DataCommand::Show(opts) => show::run(opts),
    }
}
