//! `npc completions`: prints the script that completes npc's command line in a shell.

use super::error::CommandResult;
use super::terminal::print;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// Print the script that completes commands, options and values in a shell
#[derive(Args)]
#[command(
    after_help = "The script completes what this npc has: its commands, their options, values such as those of --format,
and paths. Print it again after an update of npc. A new shell reads it.

Examples:
  npc completions bash > ~/.local/share/bash-completion/completions/npc
  npc completions zsh > ~/.zfunc/_npc                 with `fpath+=~/.zfunc` before `compinit` in .zshrc
  npc completions fish > ~/.config/fish/completions/npc.fish
  npc completions powershell >> $PROFILE
  npc completions elvish >> ~/.config/elvish/rc.elv

Exit codes: 0 success, 2 wrong usage"
)]
pub(super) struct CompletionsOptions {
    /// The shell that reads the script
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script of a shell; `npc` is the whole command line.
pub(super) fn run(opts: &CompletionsOptions, mut npc: Command) -> CommandResult {
    let mut script = Vec::new();
    generate(opts.shell, &mut npc, "npc", &mut script);
    print(&String::from_utf8_lossy(&script))
}
