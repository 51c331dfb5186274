//! `npc data`: looking at a data set before anything is trained on it.

mod check;
mod show;

use super::outcome::Done;
use clap::{Args, Subcommand};

/// Look at a data set before training on it
#[derive(Args)]
pub(super) struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Opts),
    Show(show::Opts),
}

pub(super) fn run(opts: &Opts) -> Done {
    match &opts.command {
        Command::Check(opts) => check::run(opts),
        Command::Show(opts) => show::run(opts),
    }
}
