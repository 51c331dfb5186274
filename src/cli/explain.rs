//! `npc explain`: what a code means.

use super::{Done, Stop, print};
use crate::diag::{Code, did_you_mean};
use clap::Args;

/// Explain a code such as E0301; without one, list all
#[derive(Args)]
#[command(after_help = "Example:
  npc explain E0305")]
pub struct Opts {
    code: Option<String>,
}

pub fn run(opts: &Opts) -> Done {
    let Some(wanted) = &opts.code else {
        let lines: String = Code::ALL.iter().map(|c| format!("{}  {}\n", c.id(), c.title())).collect();
        return print(&lines);
    };
    match Code::ALL.iter().find(|c| c.id().eq_ignore_ascii_case(wanted)) {
        Some(code) => print(&format!("{}: {}\n\n{}\n", code.id(), code.title(), code.explanation())),
        None => {
            let near = did_you_mean(&wanted.to_uppercase(), Code::ALL.iter().map(|c| c.id()));
            let help = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            Err(Stop::Usage(format!("there is no code `{wanted}`{help}")))
        }
    }
}
