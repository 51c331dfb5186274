//! A model that fails at an image size, and the size nearby at which it would not.

use super::load::Plan;
use crate::diag::{Code, Diagnostic, Problems};
use crate::elaborate::{Argument, elaborate};
use crate::resolve::Program;

/// Evaluation steps of a file behind which no other sizes are tried.
const STEPS: usize = 1_000_000;

/// Adds a size that would do to the first clash of shapes, where rounding the size up is all that it takes.
pub fn with_a_size_that_fits(program: &Program<'_>, plan: &Plan, args: &[Argument], problems: Problems) -> Problems {
    let clash = |d: &Diagnostic| matches!(d.code, Code::E0301 | Code::E0302 | Code::E0303 | Code::E0305);
    let (Some(size), true) = (plan.size, problems.iter().any(clash)) else { return problems };
    // Trying costs steps as well, and must not be what ends a large file.
    if program.spend(0) > STEPS {
        return problems;
    }
    let built = |size| elaborate(program, &plan.name, args, Some(size)).is_ok();
    // The next multiple may be one of a larger number as well, so the one after it must fit, too.
    let fits = |step: usize| {
        let next = size.map(|n| n.next_multiple_of(step));
        (next != size && built(next) && built(next.map(|n| n + step))).then_some((step, next))
    };
    let Some((step, [h, w])) = [2, 4, 8, 16, 32, 64].into_iter().find_map(fits) else { return problems };
    let note = format!("at {h}x{w} the model fits: {step} divides both, as it does not {}x{}", size[0], size[1]);
    let mut told = false;
    let add = |d: Diagnostic| if clash(&d) && !std::mem::replace(&mut told, true) { d.note(note.clone()) } else { d };
    problems.into_iter().map(add).collect()
}
