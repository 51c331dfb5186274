//! Options of every command: how much is printed, and how.

use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};
use std::ffi::OsStr;
use std::sync::OnceLock;

/// Options that every command has.
#[derive(Args, Clone, Copy)]
pub(super) struct GlobalOptions {
    /// Print errors and the result alone: no progress, notes or warnings
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = HEADING)]
    quiet: bool,
    /// Also print to standard error which files are read, the settings, and the time of each stage
    #[arg(short, long, global = true, help_heading = HEADING)]
    verbose: bool,
    /// Whether messages have colours; auto follows NO_COLOR, CLICOLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", help_heading = HEADING)]
    color: ColorMode,
    /// How problems are written to standard error
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "text", help_heading = HEADING)]
    message_format: MessageFormat,
}

const HEADING: &str = "Global options";

/// How problems are written to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MessageFormat {
    /// As a person reads them: message, excerpt of the text, help and edits
    Text,
    /// One JSON object a line for each problem, as `docs/diagnostics.md` describes it
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorMode {
    Auto,
    Always,
    Never,
}

/// The options of this process.
static OPTIONS: OnceLock<GlobalOptions> = OnceLock::new();

impl GlobalOptions {
    /// Makes these the options of the process. Only the first call has an effect.
    pub(super) fn install(self) {
        let _ = OPTIONS.set(self);
    }
}

/// Returns whether problems are written as JSON.
pub(super) fn writes_json() -> bool {
    OPTIONS.get().is_some_and(|options| options.message_format == MessageFormat::Json)
}

/// Returns whether only errors and results are printed.
pub(super) fn quiet() -> bool {
    OPTIONS.get().is_some_and(|options| options.quiet)
}

/// Returns whether details are printed. Lines of JSON stay alone, so that a program can read them.
pub(super) fn verbose() -> bool {
    OPTIONS.get().is_some_and(|options| options.verbose) && !writes_json()
}

/// Returns whether messages on standard error have colours.
pub(super) fn colours() -> bool {
    AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}

/// Sets the colours of this process by `--color`, before the command line is parsed: clap colours its own messages too. The parser
/// refuses a wrong value afterwards.
pub(super) fn set_colours(mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) {
    let mut mode = None;
    while let Some(argument) = arguments.next() {
        let Some(argument) = argument.as_ref().to_str() else { continue };
        match argument.split_once('=') {
            _ if argument == "--" => break,
            Some(("--color", value)) => mode = ColorMode::from_str(value, true).ok(),
            None if argument == "--color" => {
                let value = arguments.next();
                mode = value.and_then(|value| ColorMode::from_str(value.as_ref().to_str()?, true).ok());
            }
            Some(_) | None => {}
        }
    }
    match mode {
        Some(ColorMode::Always) => ColorChoice::Always.write_global(),
        Some(ColorMode::Never) => ColorChoice::Never.write_global(),
        Some(ColorMode::Auto) | None => {}
    }
}
