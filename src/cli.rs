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
mod fitting;
mod fix;
mod fmt;
mod graph;
#[cfg(feature = "run")]
mod init;
#[cfg(feature = "data")]
#[cfg_attr(not(feature = "run"), allow(dead_code, reason = "without tensors runs are looked at and not started"))]
mod job;
mod levels;
mod load;
#[cfg(feature = "run")]
mod lower;
mod memory;
#[cfg(feature = "run")]
mod overlays;
#[cfg(feature = "run")]
mod predict;
#[cfg(feature = "data")]
mod report;
#[cfg(feature = "run")]
mod reproduce;
mod revision;
#[cfg(feature = "data")]
mod scores;
#[cfg(feature = "run")]
mod selftest;
mod side;
mod sizes;
mod sweep;
mod table;
mod tabular;
#[cfg(feature = "run")]
mod train;
mod unified;

use crate::text::diag::{Problems, render};
use crate::text::source::SourceMap;
use clap::{Parser, Subcommand};
use std::io::{IsTerminal, Write};
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

/// Why a command ends without success. What there is to say was said, or is in the text.
enum Stop {
    /// Problems that were printed already.
    Problems,
    /// One message for the terminal, exit code 1.
    Message(String),
    /// Ended by Ctrl-C, exit code 130.
    #[cfg(feature = "run")]
    Interrupted,
    /// Wrong usage, exit code 2.
    Usage(String),
}

type Done = Result<(), Stop>;

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
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Problems) => ExitCode::from(1),
        #[cfg(feature = "run")]
        Err(Stop::Interrupted) => ExitCode::from(130),
        Err(Stop::Message(text)) => {
            tell!("error: {text}");
            ExitCode::from(1)
        }
        Err(Stop::Usage(text)) => {
            tell!("error: {text}");
            ExitCode::from(2)
        }
    }
}

/// Writes to standard output; a closed pipe (`| head`) is not a problem.
fn print(text: &str) -> Done {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Stop::Message(format!("standard output: {e}"))),
        _ => Ok(()),
    }
}

fn colour(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none()
}

/// Problems to standard error, in full.
fn report(sources: &SourceMap, problems: &Problems) {
    let colour = colour(std::io::stderr().is_terminal());
    let _ = std::io::stderr().write_all(render::text(sources, problems, colour).as_bytes());
}
