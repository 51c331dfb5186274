//! The command line: one file per subcommand, each with its options and a `run`.
//!
//! Exit codes: 0 done, 1 the input has problems, 2 the command line itself is wrong.

/// Writes a line to standard error. Where nobody reads it any more (`2>&1 | head`) the work goes on: a run of days must not
/// end for a line.
macro_rules! tell {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($line)*);
    }};
}

#[cfg(feature = "run")]
mod bench;
mod check;
#[cfg(feature = "data")]
mod compare;
#[cfg(feature = "data")]
mod data;
#[cfg(feature = "run")]
mod demo;
mod diff;
mod document;
mod equal;
#[cfg(feature = "run")]
mod eval;
mod explain;
mod explored;
mod field;
mod fit;
mod fix;
mod fmt;
mod format;
mod graph;
#[cfg(feature = "run")]
mod init;
#[cfg(feature = "run")]
mod lower;
mod memory;
mod options;
mod outcome;
#[cfg(feature = "run")]
mod overlays;
#[cfg(feature = "run")]
mod predict;
#[cfg(feature = "data")]
mod progress;
#[cfg(feature = "data")]
mod report;
#[cfg(feature = "run")]
mod reproduce;
#[cfg(feature = "run")]
mod selftest;
mod sizes;
#[cfg(feature = "data")]
mod split;
mod sweep;
mod terminal;
#[cfg(feature = "run")]
mod train;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Models, data and training runs of medical image segmentation in one text file.
#[derive(Parser)]
#[command(name = "npc", version, about, max_term_width = 100)]
#[command(after_help = "Examples:
  npc demo                                            check, train, score and predict on generated images
  npc check models/npnet.model --on cvc               shapes, parameters and MACs
  npc sweep models/npnet.model ablation --static      what each variant costs, and which are the same
  npc data show net.model lung --out sheet.png        samples with their masks outlined
  npc fix net.model                                   apply the edits that messages suggest
  npc data check models/data.model luna --data-root DIR
  npc train models/npnet.model npnet_lung --data-root DIR
  npc eval runs/npnet_lung
  npc compare runs/npnet_lung runs/unet_lung
  npc predict runs/npnet_lung image.tif --out masks --overlay
  npc report runs/npnet_lung                          the run as one HTML page

Exit codes: 0 done, 1 problems found, 2 wrong usage")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Opts),
    #[cfg(feature = "data")]
    Data(data::Opts),
    #[cfg(feature = "run")]
    Demo(demo::Opts),
    #[cfg(feature = "run")]
    Train(train::Opts),
    #[cfg(feature = "run")]
    Eval(eval::Opts),
    #[cfg(feature = "run")]
    Predict(predict::Opts),
    Sweep(sweep::Opts),
    #[cfg(feature = "run")]
    Reproduce(reproduce::Opts),
    #[cfg(feature = "data")]
    Compare(compare::Opts),
    #[cfg(feature = "data")]
    Report(report::Opts),
    Graph(graph::Opts),
    Equal(equal::Opts),
    Diff(diff::Opts),
    Fit(fit::Opts),
    #[cfg(feature = "run")]
    Lower(lower::Opts),
    #[cfg(feature = "run")]
    Init(init::Opts),
    #[cfg(feature = "run")]
    Bench(bench::Opts),
    #[cfg(feature = "run")]
    Selftest(selftest::Opts),
    Fmt(fmt::Opts),
    Fix(fix::Opts),
    Explain(explain::Opts),
}

/// Room for deeply nested files; the memory is only touched when needed.
const STACK: usize = 256 << 20;

pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || run(cli.command));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_)) => ExitCode::from(101),
        Err(e) => {
            tell!("error: cannot start a thread: {e}");
            ExitCode::from(1)
        }
    }
}

fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Check(opts) => check::run(&opts),
        #[cfg(feature = "data")]
        Command::Data(opts) => data::run(&opts),
        #[cfg(feature = "run")]
        Command::Demo(opts) => demo::run(&opts),
        #[cfg(feature = "run")]
        Command::Train(opts) => train::run(&opts),
        #[cfg(feature = "run")]
        Command::Eval(opts) => eval::run(&opts),
        #[cfg(feature = "run")]
        Command::Predict(opts) => predict::run(&opts),
        #[cfg(feature = "data")]
        Command::Compare(opts) => compare::run(&opts),
        #[cfg(feature = "data")]
        Command::Report(opts) => report::run(&opts),
        Command::Sweep(opts) => sweep::run(&opts),
        #[cfg(feature = "run")]
        Command::Reproduce(opts) => reproduce::run(&opts),
        #[cfg(feature = "run")]
        Command::Bench(opts) => bench::run(&opts),
        #[cfg(feature = "run")]
        Command::Selftest(opts) => selftest::run(&opts),
        #[cfg(feature = "run")]
        Command::Init(opts) => init::run(&opts),
        Command::Graph(opts) => graph::run(&opts),
        Command::Equal(opts) => equal::run(&opts),
        Command::Diff(opts) => diff::run(&opts),
        Command::Fit(opts) => fit::run(&opts),
        #[cfg(feature = "run")]
        Command::Lower(opts) => lower::run(&opts),
        Command::Fmt(opts) => fmt::run(&opts),
        Command::Fix(opts) => fix::run(&opts),
        Command::Explain(opts) => explain::run(&opts),
    };
    let Err(stop) = done else { return ExitCode::SUCCESS };
    terminal::say(&stop);
    ExitCode::from(stop.code())
}
