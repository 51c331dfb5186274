//! Standard output, standard error and Ctrl-C.

use super::error::{CommandError, CommandResult};
use super::global_options::{colours, quiet, writes_json};
use crate::base::printable::{printable, printable_in_colour, printable_json};
use crate::base::problem::problem;
use crate::desk::ProblemReport;
use crate::text::diag::{Diagnostic, Problems, json, render};
use crate::text::source::SourceMap;
use std::io::Write;
use std::path::Path;

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

/// Prints lines that are part of the progress and not of the result; nothing with `--quiet`.
pub(super) fn print_progress(text: &str) -> CommandResult {
    if quiet() { Ok(()) } else { print(text) }
}

/// Says on standard error that a file was written, and what a reader of it must know; nothing with `--quiet`.
pub(super) fn say_written(path: &Path, note: Option<String>) {
    notice!("wrote {}", path.display());
    note.into_iter().for_each(|note| notice!("note: {note}"));
}

/// Writes problems to standard error, in full; with `--quiet` errors alone.
pub(super) fn print_problems(sources: &SourceMap, problems: &Problems) {
    let errors: Problems;
    let problems = match quiet() {
        true => {
            errors = problems.iter().filter(|problem| problem.is_error()).cloned().collect();
            &errors
        }
        false => problems,
    };
    write_problems(sources, problems);
}

fn write_problems(sources: &SourceMap, problems: &Problems) {
    let text = if writes_json() {
        json(sources, problems).iter().map(|problem| format!("{problem}\n")).collect()
    } else {
        let problems: Problems = problems.iter().map(printable_problem).collect();
        printable_in_colour(&render::to_text(sources, &problems, colours()))
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

/// Writes the problems of a report of the workbench to standard error; with `--quiet` errors alone.
pub(super) fn print_report(report: &ProblemReport) {
    print_problems(&report.sources, &report.problems);
}

/// Writes to standard error why a command ends.
pub(super) fn print_error(error: &CommandError) {
    match error {
        CommandError::AlreadyReported | CommandError::UsageReported => {}
        #[cfg(feature = "run")]
        CommandError::Interrupted => {}
        CommandError::Problems(report) | CommandError::Usage(report) if report.problems.has_errors() => {
            print_report(report);
        }
        // A command never ends in silence: these are the reason, whatever their severity.
        CommandError::Problems(report) | CommandError::Usage(report) => {
            write_problems(&report.sources, &report.problems);
        }
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
