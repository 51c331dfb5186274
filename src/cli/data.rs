//! `npc data`: inspects a data set before training.

mod check;
mod show;

use super::error::CommandResult;
use clap::{Args, Subcommand};

/// Inspect a data set before training
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
