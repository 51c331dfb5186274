//! `npc explain`: prints the explanation of a code.

use super::error::{CommandError, CommandResult};
use super::terminal::print;
use crate::base::problem::problem;
use crate::text::diag::{Code, did_you_mean, lints};
use clap::Args;

/// Explain an error code such as E0301 or a lint; without CODE|LINT, list all
#[derive(Args)]
#[command(after_help = "Examples:
  npc explain E0305
  npc explain unused_binding

Exit codes: 0 success, 2 unknown code")]
pub(super) struct ExplainOptions {
    #[arg(value_name = "CODE|LINT")]
    code: Option<String>,
}

pub(super) fn run(opts: &ExplainOptions) -> CommandResult {
    let Some(wanted) = &opts.code else {
        let lint = |c: &Code| c.lint().map(|l| format!(" ({l})")).unwrap_or_default();
        let lines: String = Code::ALL.iter().map(|c| format!("{}  {}{}\n", c.id(), c.title(), lint(c))).collect();
        return print(&lines);
    };
    match Code::ALL.iter().find(|c| c.id().eq_ignore_ascii_case(wanted) || c.lint() == Some(wanted)) {
        Some(code) => {
            let silence = code.lint().map_or(String::new(), |lint| {
                format!(
                    "\nSilence it with `@allow({lint})` above an item, `allow {lint}` for a whole file, or `--allow {lint}`;\n\
                     `--deny {lint}` makes it an error.\n"
                )
            });
            print(&format!("{}: {}\n\n{}\n{silence}", code.id(), code.title(), code.explanation()))
        }
        None => {
            let codes = did_you_mean(&wanted.to_uppercase(), Code::ALL.iter().map(|c| c.id()));
            let near = did_you_mean(wanted, lints()).or(codes);
            let help = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            Err(CommandError::usage(problem!(E0503, "there is no code `{wanted}`{help}")))
        }
    }
}
