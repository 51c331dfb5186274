//! The macro that states a problem in one expression: code, place, message, and what helps.

use super::code::Code;
use super::error::RunError;
use std::path::{Path, PathBuf};

/// Something that a problem is about. A span of a text gives a `Diagnostic`, a path gives a [`RunError`].
pub(crate) trait ProblemPlace {
    /// Type of the problem.
    type Problem;
    /// Returns the problem with this code and message at this place.
    fn problem(self, code: Code, message: String) -> Self::Problem;
}

impl ProblemPlace for &Path {
    type Problem = RunError;
    fn problem(self, code: Code, message: String) -> RunError {
        RunError::with_file(code, self, message)
    }
}

impl ProblemPlace for &PathBuf {
    type Problem = RunError;
    fn problem(self, code: Code, message: String) -> RunError {
        self.as_path().problem(code, message)
    }
}

/// States a problem in one expression.
///
/// `problem!(CODE, place, "message {}", args; clause; clause ...)`. With a `Span` as its place it is a `Diagnostic`, with a
/// path a `RunError`, without a place a `RunError` about no file, which converts into a `Diagnostic`. The clauses:
///
/// - `label: "..."` describes the place itself,
/// - `other[span]: "..."` adds another place that the problem involves,
/// - `help: "..."` says what to do about it, `note: "..."` gives a fact that explains,
/// - `fix[span => text, MachineApplicable]: "..."` is an edit with the trust that `Applicability` names.
///
/// Every text is a format string and takes arguments. A `RunError` has no places, so it takes `help` alone.
///
/// ```text
/// problem!(E0204, arg.span, "`{name}` is given twice"; label: "given again here"; other[first]: "first given here")
/// problem!(E0712, &path, "the mask has {n} pixels, the image has {m}"; help: "resample the mask to the grid of its image")
/// ```
macro_rules! problem {
    ($code:ident, $message:literal $(, $arg:expr)* $(,)? $(; $($clauses:tt)*)?) => {
        $crate::base::problem::clauses!(
            $crate::base::error::RunError::without_file($crate::base::code::Code::$code, format!($message $(, $arg)*)),
            $($($clauses)*)?
        )
    };
    ($code:ident, $place:expr, $message:literal $(, $arg:expr)* $(,)? $(; $($clauses:tt)*)?) => {
        $crate::base::problem::clauses!(
            $crate::base::problem::ProblemPlace::problem(
                $place,
                $crate::base::code::Code::$code,
                format!($message $(, $arg)*),
            ),
            $($($clauses)*)?
        )
    };
}

/// Adds the clauses of [`problem!`] to a problem, one after the other.
macro_rules! clauses {
    ($problem:expr, ) => { $problem };
    ($problem:expr, label: $text:literal $(, $arg:expr)* $(,)? $(; $($rest:tt)*)?) => {
        $crate::base::problem::clauses!($problem.label(format!($text $(, $arg)*)), $($($rest)*)?)
    };
    ($problem:expr, other[$span:expr]: $text:literal $(, $arg:expr)* $(,)? $(; $($rest:tt)*)?) => {
        $crate::base::problem::clauses!($problem.other($span, format!($text $(, $arg)*)), $($($rest)*)?)
    };
    ($problem:expr, help: $text:literal $(, $arg:expr)* $(,)? $(; $($rest:tt)*)?) => {
        $crate::base::problem::clauses!($problem.help(format!($text $(, $arg)*)), $($($rest)*)?)
    };
    ($problem:expr, note: $text:literal $(, $arg:expr)* $(,)? $(; $($rest:tt)*)?) => {
        $crate::base::problem::clauses!($problem.note(format!($text $(, $arg)*)), $($($rest)*)?)
    };
    ($problem:expr, fix[$span:expr => $edit:expr, $trust:ident]: $text:literal $(, $arg:expr)* $(,)? $(; $($rest:tt)*)?) => {
        $crate::base::problem::clauses!(
            $problem.suggest(format!($text $(, $arg)*), $span, $edit, $crate::base::applicability::Applicability::$trust),
            $($($rest)*)?
        )
    };
}

pub(crate) use {clauses, problem};
