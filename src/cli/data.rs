//! `npc data`: a data set before anything is trained on it.

mod check;

use super::Done;
use clap::{Args, Subcommand};

/// Look at data sets
#[derive(Args)]
pub struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Opts),
}

pub fn run(opts: &Opts) -> Done {
    match &opts.command {
        Command::Check(opts) => check::run(opts),
    }
}
