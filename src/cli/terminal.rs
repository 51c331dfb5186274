//! Standard output, standard error and Ctrl-C.

use super::outcome::{Done, Stop};
use crate::desk::Report;
use crate::text::diag::{Problems, render};
use crate::text::source::SourceMap;
use std::io::{IsTerminal, Write};

/// Writes to standard output; a closed pipe (`| head`) is not a problem.
pub(super) fn print(text: &str) -> Done {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Stop::Message(format!("standard output: {e}"))),
        _ => Ok(()),
    }
}

/// Whether text for this stream may have colours.
pub(super) fn colour(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none()
}

/// Writes problems to standard error, in full.
pub(super) fn report(sources: &SourceMap, problems: &Problems) {
    let colour = colour(std::io::stderr().is_terminal());
    let _ = std::io::stderr().write_all(render::text(sources, problems, colour).as_bytes());
}

/// The same for a report of the workbench.
pub(super) fn show(found: &Report) {
    report(&found.sources, &found.problems);
}

/// Writes to standard error why a command ends.
pub(super) fn say(stop: &Stop) {
    match stop {
        Stop::Problems => {}
        #[cfg(feature = "run")]
        Stop::Interrupted => {}
        Stop::Found(found) => show(found),
        Stop::Message(text) => tell!("error: {text}"),
        Stop::Usage(found, text) => {
            found.iter().for_each(|found| show(found));
            tell!("error: {text}");
        }
    }
}

/// A flag that Ctrl-C sets, so that the run ends after its step. A second Ctrl-C ends the process.
#[cfg(feature = "run")]
pub(super) fn stop_on_interrupt() -> &'static std::sync::atomic::AtomicBool {
    use std::sync::atomic::{AtomicBool, Ordering};
    static STOP: AtomicBool = AtomicBool::new(false);
    // Only fails when a handler is set already; then that one does the same.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        tell!("\nstopping after this step; once more to stop at once");
    });
    &STOP
}

/// Sets the same flag once standard input ends. A process that starts others holds their standard inputs open, so that they
/// end after their step whatever becomes of it.
#[cfg(feature = "run")]
pub(super) fn stop_with_input() {
    let stop = stop_on_interrupt();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}
