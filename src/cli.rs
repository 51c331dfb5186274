//! The command line: one file per subcommand, with its options and a `run` function.
//!
//! Exit codes: 0 done, 1 the input has problems, 2 the command line itself is wrong.

/// Writes a line to standard error. A closed pipe (`2>&1 | head`) is ignored, so that it cannot end a long run.
macro_rules! eprintln_lossy {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let line = format!($($line)*);
        let _ = writeln!(std::io::stderr(), "{}", $crate::base::printable::printable(&line));
    }};
}

/// Writes a note, a warning or progress to standard error; nothing with `--quiet`.
macro_rules! notice {
    ($($line:tt)*) => {
        if !$crate::cli::global_options::quiet() {
            eprintln_lossy!($($line)*);
        }
    };
}

#[cfg(feature = "run")]
mod bench;
mod check;
#[cfg(feature = "data")]
mod compare;
mod completions;
#[cfg(feature = "data")]
mod data;
#[cfg(feature = "run")]
mod demo;
mod details;
mod diff;
mod environment;
mod equal;
mod error;
#[cfg(feature = "run")]
mod eval;
mod explain;
#[cfg(feature = "data")]
mod figures;
mod file_format;
mod fit;
mod fix;
mod fmt;
mod global_options;
mod graph;
mod lower;
mod man;
mod memory;
#[cfg(feature = "data")]
mod new;
mod node_columns;
#[cfg(feature = "data")]
mod opened_run;
mod option_words;
mod options;
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
#[cfg(feature = "data")]
mod runs;
#[cfg(feature = "run")]
mod selftest;
#[cfg(feature = "data")]
mod split_option;
mod sweep;
mod terminal;
#[cfg(feature = "run")]
mod train;
#[cfg(feature = "run")]
mod weights;

use crate::show::help_sections::HelpSections;
use clap::error::{ContextKind, ErrorKind};
use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// Models, data and training runs of medical image segmentation in one text file.
#[derive(Parser)]
#[command(name = "npc", version, about, max_term_width = 120)]
#[command(after_help = "Examples:
  npc demo                                         a whole run on generated images
  npc new lungs --images ~/data/lungs              a model file for these images
  npc check models/npnet.model --on cvc            shapes, parameters and MACs
  npc sweep models/npnet.model ablation --static   costs of each variant
  npc data show net.model lung --out sheet.png     samples with their masks
  npc fix net.model                                apply suggested edits
  npc data check models/data.model luna --data-root DIR
  npc train models/npnet.model npnet_lung --data-root DIR
  npc eval runs/npnet_lung
  npc compare runs/npnet_lung runs/unet_lung
  npc predict runs/npnet_lung image.tif --out masks --overlay
  npc report runs/npnet_lung                       the run as one HTML page

Exit codes: 0 success, 1 problems found, 2 wrong usage")]
struct Cli {
    #[command(subcommand)]
    command: NpcCommand,
    #[command(flatten)]
    global: global_options::GlobalOptions,
}

#[derive(Subcommand)]
enum NpcCommand {
    #[cfg(feature = "data")]
    New(new::NewOptions),
    Check(check::CheckOptions),
    #[cfg(feature = "data")]
    Data(data::DataOptions),
    #[cfg(feature = "run")]
    Demo(demo::DemoOptions),
    #[cfg(feature = "run")]
    Train(train::TrainOptions),
    #[cfg(feature = "run")]
    Eval(eval::EvalOptions),
    #[cfg(feature = "run")]
    Predict(predict::PredictCommandOptions),
    Sweep(sweep::SweepOptions),
    #[cfg(feature = "run")]
    Reproduce(reproduce::ReproduceOptions),
    #[cfg(feature = "data")]
    Compare(compare::CompareOptions),
    #[cfg(feature = "data")]
    Report(report::ReportOptions),
    #[cfg(feature = "data")]
    Runs(runs::RunsOptions),
    Graph(graph::GraphOptions),
    Equal(equal::EqualOptions),
    Diff(diff::DiffOptions),
    Fit(fit::FitOptions),
    Lower(lower::LowerOptions),
    #[cfg(feature = "run")]
    Weights(weights::WeightsOptions),
    /// The former name of `npc weights`
    #[cfg(feature = "run")]
    #[command(hide = true)]
    Init(weights::WeightsOptions),
    #[cfg(feature = "run")]
    Bench(bench::BenchOptions),
    #[cfg(feature = "run")]
    Selftest(selftest::SelftestOptions),
    Fmt(fmt::FmtOptions),
    Fix(fix::FixOptions),
    Explain(explain::ExplainOptions),
    Completions(completions::CompletionsOptions),
    Man(man::ManOptions),
}

/// Stack size for deeply nested files; untouched pages take no memory.
const STACK: usize = 256 << 20;

pub fn main() -> ExitCode {
    let parsed = command_line().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(e) => {
            global_options::set_parser_colours(std::env::args_os(), e.use_stderr());
            let _ = e.print();
            let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            let unknown = e.get(ContextKind::InvalidArg).filter(|_| e.kind() == ErrorKind::UnknownArgument);
            if let Some(tip) = unknown.and_then(|option| crate::desk::setting_tip(&option.to_string(), &words)) {
                eprintln_lossy!("\n{tip}");
            }
            #[cfg(feature = "run")]
            if e.use_stderr() && std::env::args_os().nth(1).is_some_and(|word| word == "init") {
                eprintln_lossy!("\n{}", weights::FORMER_NAME);
            }
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    cli.global.install();
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || run(cli.command));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_)) => ExitCode::from(101),
        Err(e) => {
            eprintln_lossy!("error: cannot start a thread: {e}");
            ExitCode::from(1)
        }
    }
}

/// Parses a command line without running it; `arguments` are those behind the name of the program. Returns the message of
/// a command line that is wrong. A call for help is right.
#[doc(hidden)]
pub fn parse_arguments(arguments: &[String]) -> Result<(), String> {
    let words = std::iter::once("npc").chain(arguments.iter().map(String::as_str));
    match command_line().try_get_matches_from(words) {
        Err(e) if e.use_stderr() => Err(e.to_string()),
        _ => Ok(()),
    }
}

/// Returns the whole command line. The texts below the options have no line ends within their prose, so that a terminal wraps them
/// once, at its own width.
fn command_line() -> Command {
    wrapped_once(Cli::command())
}

fn wrapped_once(command: Command) -> Command {
    let text = command.get_after_help().map(|help| HelpSections::of(&help.to_string()).to_text());
    let command = text.into_iter().fold(command, Command::after_help);
    command.mut_subcommands(wrapped_once)
}

fn run(command: NpcCommand) -> ExitCode {
    let done = environment::check().and_then(|()| run_command(command));
    let Err(error) = done else { return ExitCode::SUCCESS };
    terminal::print_error(&error);
    ExitCode::from(error.code())
}

fn run_command(command: NpcCommand) -> error::CommandResult {
    match command {
        #[cfg(feature = "data")]
        NpcCommand::New(opts) => new::run(&opts),
        NpcCommand::Check(opts) => check::run(&opts),
        #[cfg(feature = "data")]
        NpcCommand::Data(opts) => data::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Demo(opts) => demo::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Train(opts) => train::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Eval(opts) => eval::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Predict(opts) => predict::run(&opts),
        #[cfg(feature = "data")]
        NpcCommand::Compare(opts) => compare::run(&opts),
        #[cfg(feature = "data")]
        NpcCommand::Report(opts) => report::run(&opts),
        #[cfg(feature = "data")]
        NpcCommand::Runs(opts) => runs::run(&opts),
        NpcCommand::Sweep(opts) => sweep::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Reproduce(opts) => reproduce::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Bench(opts) => bench::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Selftest(opts) => selftest::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Weights(opts) => weights::run(&opts),
        #[cfg(feature = "run")]
        NpcCommand::Init(opts) => {
            notice!("{}", weights::FORMER_NAME);
            weights::run(&opts)
        }
        NpcCommand::Graph(opts) => graph::run(&opts),
        NpcCommand::Equal(opts) => equal::run(&opts),
        NpcCommand::Diff(opts) => diff::run(&opts),
        NpcCommand::Fit(opts) => fit::run(&opts),
        NpcCommand::Lower(opts) => lower::run(&opts),
        NpcCommand::Fmt(opts) => fmt::run(&opts),
        NpcCommand::Fix(opts) => fix::run(&opts),
        NpcCommand::Explain(opts) => explain::run(&opts),
        NpcCommand::Completions(opts) => completions::run(&opts, command_line()),
        NpcCommand::Man(opts) => man::run(&opts, command_line()),
    }
}
