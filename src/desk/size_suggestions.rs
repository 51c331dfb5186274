//! Suggests image sizes for a model that fails at the requested size.

use super::image_size::ImageSize;
use crate::graph::check::{SizeVerdict, check};
use crate::graph::elaborate::{ModelArgument, elaborate};
use crate::graph::resolve::ResolvedProgram;
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::syntax::ast;

/// The number of evaluation steps of a file after which no other sizes are tried.
const MAX_STEPS: usize = 1_000_000;

/// Adds the supported sizes to the problems of a model, if it supports any other than the requested one.
pub(crate) fn with_size_suggestions(
    program: &ResolvedProgram<'_>,
    name: &ast::Ident,
    args: &[ModelArgument],
    size: Option<ImageSize>,
    problems: Problems,
) -> Problems {
    let about_size = |d: &Diagnostic| {
        matches!(d.code, Code::E0301 | Code::E0302 | Code::E0303 | Code::E0305 | Code::E0306 | Code::E0312)
    };
    let Some(size) = size.filter(|_| problems.iter().filter(|d| d.is_error()).all(about_size)) else { return problems };
    // Trying sizes consumes evaluation steps, and must not exceed the limit for a large file.
    if program.spend_fuel(0) > MAX_STEPS {
        return problems;
    }
    // The size contract follows from any size that passes. Networks that halve their maps pass at multiples of their
    // stride.
    let round_up = |n: usize, step: usize| n.div_ceil(step).saturating_mul(step);
    let tries =
        [16, 32, 64, 256].map(|step| size.map(|n| round_up(n, step))).into_iter().chain([[224, 224], [512, 512]]);
    let mut tried: Vec<ImageSize> = vec![size];
    for other in tries {
        if tried.contains(&other) || other.iter().any(|n| *n > 1 << 14) {
            continue;
        }
        tried.push(other);
        let Ok(checked) = elaborate(program, name, args, Some(other)).and_then(check) else { continue };
        let contract = checked.contract();
        // If the contract accepts the size, the problem has another cause.
        if !matches!(contract.verdict(size), SizeVerdict::Refused(_)) {
            return problems;
        }
        let near: Vec<String> = contract.nearest(size).iter().map(|[h, w]| format!("{h}x{w}")).collect();
        let [h, w] = size;
        let mut explained = Problems::new();
        for (i, mut d) in problems.into_iter().enumerate() {
            if i == 0 {
                d = d.note(format!("`{name}` at {h}x{w}; the sizes it takes: {contract}"));
                if !near.is_empty() {
                    d = d.help(format!("nearest sizes that fit: {}", near.join(", ")));
                }
            }
            explained.push(d);
        }
        return explained;
    }
    problems
}
