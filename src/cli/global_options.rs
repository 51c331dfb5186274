//! Options of every command: how much is printed, and how.

use crate::base::colours::{has_colours, variable};
use anstream::ColorChoice;
use clap::{Args, ValueEnum};
use std::ffi::OsStr;
use std::io::IsTerminal;
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

impl ColorMode {
    /// Returns what the option says; `None` leaves it to the variables and the stream.
    fn option(self) -> Option<bool> {
        match self {
            ColorMode::Auto => None,
            ColorMode::Always => Some(true),
            ColorMode::Never => Some(false),
        }
    }
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
    let mode = OPTIONS.get().map_or(ColorMode::Auto, |options| options.color);
    has_colours(mode.option(), &variable, std::io::stderr().is_terminal())
}

/// Sets the colours of messages and help of the parser, before it prints them: they follow `--color` and the variables as all messages
/// do. `arguments` are those of the process, which the parser may have refused.
pub(super) fn set_parser_colours(arguments: impl Iterator<Item = impl AsRef<OsStr>>, to_stderr: bool) {
    let terminal = if to_stderr { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
    let mode = given_mode(arguments).unwrap_or(ColorMode::Auto);
    let choice = if has_colours(mode.option(), &variable, terminal) { ColorChoice::Always } else { ColorChoice::Never };
    choice.write_global();
}

/// Returns the value of `--color`; `None` without one, or where it is wrong.
fn given_mode(mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> Option<ColorMode> {
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
    mode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_found_before_the_command_line_is_parsed() {
        let mode = |words: &[&str]| given_mode(words.iter());
        assert_eq!(mode(&["npc", "chek", "--color", "never"]), Some(ColorMode::Never));
        assert_eq!(mode(&["npc", "--color=always", "chek"]), Some(ColorMode::Always));
        assert_eq!(mode(&["npc", "check", "--", "--color=always"]), None);
        assert_eq!(mode(&["npc", "check", "--color", "green"]), None);
    }
}
