//! `npc data`: looking at a data set before it is trained on.

mod show;

use super::Done;
use clap::{Args, Subcommand};

/// Look at a data set before training on it
#[derive(Args)]
pub struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(show::Opts),
}

pub fn run(opts: &Opts) -> Done {
    match &opts.command {
        Command::Show(opts) => show::run(opts),
    }
}
