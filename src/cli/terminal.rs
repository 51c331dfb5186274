//! Standard output, standard error and Ctrl-C.

use super::error::{CommandError, CommandResult};
use crate::base::printable::{printable, printable_in_colour, printable_json};
use crate::base::problem::problem;
use crate::desk::ProblemReport;
use crate::text::diag::{Diagnostic, Problems, json, render};
use crate::text::source::SourceMap;
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

/// How problems are written to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum MessageFormat {
    /// As a person reads them: message, excerpt of the text, help and edits
    Text,
    /// One JSON object a line for each problem, as `docs/diagnostics.md` describes it
    Json,
}

/// The value of `--message-format`, which holds for the whole process.
static MESSAGE_FORMAT: OnceLock<MessageFormat> = OnceLock::new();

/// Sets how problems are written. Only the first call has an effect.
pub(super) fn set_message_format(format: MessageFormat) {
    let _ = MESSAGE_FORMAT.set(format);
}

/// Returns whether problems are written as JSON.
pub(super) fn writes_json() -> bool {
    MESSAGE_FORMAT.get() == Some(&MessageFormat::Json)
}

/// Writes to standard output; a closed pipe (`| head`) is not a problem. What would steer the terminal is made visible; in a JSON
/// document it is escaped.
pub(super) fn print(text: &str) -> CommandResult {
    let is_json = matches!(text.trim_end().as_bytes(), [b'{', .., b'}'] | [b'[', .., b']']);
    let text = if is_json { printable_json(text) } else { printable(text) };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(problem!(E0702, "standard output: cannot be written: {e}").into())
        }
        _ => Ok(()),
    }
}

/// Returns whether text for this stream may have colours.
pub(super) fn colour(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none()
}

/// Writes problems to standard error, in full.
pub(super) fn print_problems(sources: &SourceMap, problems: &Problems) {
    let text = if writes_json() {
        json(sources, problems).iter().map(|problem| format!("{problem}\n")).collect()
    } else {
        let problems: Problems = problems.iter().map(printable_problem).collect();
        printable_in_colour(&render::to_text(sources, &problems, colour(std::io::stderr().is_terminal())))
    };
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Returns a problem whose texts, which may hold names from files, do not steer the terminal.
fn printable_problem(problem: &Diagnostic) -> Diagnostic {
    let mut problem = problem.clone();
    let own = |text: &mut String| *text = printable(text).into_owned();
    own(&mut problem.message);
    problem.notes.iter_mut().chain(&mut problem.help).for_each(own);
    problem.primary.iter_mut().chain(&mut problem.others).for_each(|label| own(&mut label.text));
    problem.suggestions.iter_mut().for_each(|edit| own(&mut edit.message));
    problem
}

/// Writes the problems of a report of the workbench to standard error.
pub(super) fn print_report(report: &ProblemReport) {
    print_problems(&report.sources, &report.problems);
}

/// Writes to standard error why a command ends.
pub(super) fn print_error(error: &CommandError) {
    match error {
        CommandError::AlreadyReported => {}
        #[cfg(feature = "run")]
        CommandError::Interrupted => {}
        CommandError::Problems(report) | CommandError::Usage(report) => print_report(report),
    }
}

/// A flag that Ctrl-C sets, so that the run ends after its step. A second Ctrl-C ends the process.
#[cfg(feature = "run")]
pub(super) fn stop_on_interrupt() -> &'static std::sync::atomic::AtomicBool {
    use std::sync::atomic::{AtomicBool, Ordering};
    static STOP: AtomicBool = AtomicBool::new(false);
    // Setting the handler fails only if an equal one is set already.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln_lossy!("\nstopping after this step; once more to stop at once");
    });
    &STOP
}

/// Sets the same flag when standard input ends. A process that starts others holds their standard inputs open, so that they
/// end after their step however that process ends.
#[cfg(feature = "run")]
pub(super) fn stop_with_input() {
    let stop = stop_on_interrupt();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}
