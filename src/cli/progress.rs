//! Progress bars on standard error.

use super::global_options::quiet;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Creates a bar that is drawn at most `hz` times per second, and only on a terminal and without `--quiet`.
pub(super) fn bar(template: &str, hz: u8) -> ProgressBar {
    let terminal = std::io::stderr().is_terminal() && !quiet();
    let target = if terminal { ProgressDrawTarget::stderr_with_hz(hz) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
