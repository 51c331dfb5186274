//! One line for one case: a model text, and the problem or the shape that npc finds.
//!
//! The edition line `npc 1` may be left out. The image is 64x64 unless the text begins with a header such as
//! `// size: 8x12` (see [`header`](super::header)).

use super::compile::{CompiledFile, compile_text};
use super::header::size_of;
use npc::graph::check::CheckedGraph;

/// Asserts that a model text has exactly one problem, and that it has this code.
///
/// ```ignore
/// assert_problem!(text, "E0301");
/// assert_problem!(text, "E0301", "cannot join");                   // the message contains this
/// assert_problem!(text, "E0301", "cannot join", at = "y + z");     // and the problem marks this text
/// ```
macro_rules! assert_problem {
    ($text:expr, $code:expr $(,)?) => {
        assert_problem!($text, $code, "")
    };
    ($text:expr, $code:expr, $message:expr $(,)?) => {
        $crate::support::assertions::has_problem(&$text, $code, $message, None)
    };
    ($text:expr, $code:expr, $message:expr, at = $place:expr $(,)?) => {
        $crate::support::assertions::has_problem(&$text, $code, $message, Some($place))
    };
}

/// Asserts that a model text has no problem at all, neither errors nor warnings.
macro_rules! assert_no_problem {
    ($text:expr $(,)?) => {
        $crate::support::assertions::has_no_problem(&$text)
    };
}

/// Asserts the shape of a model's output, or of a value by its name: a result, a binding, or the path of a node.
///
/// ```ignore
/// assert_shape!("model M(x: [3, H, W]) -> [8, H, W] { let y = x |> conv(8)  return y |> relu }", [8, 64, 64]);
/// assert_shape!("// size: 4x6\nmodel M(x: [3, H, W]) -> [8, H, W] { let y = x |> conv(8)  return y |> relu }", "y", [8, 4, 6]);
/// ```
macro_rules! assert_shape {
    ($text:expr, [$($dim:expr),* $(,)?] $(,)?) => {
        $crate::support::assertions::has_shape(&$text, None, &[$($dim),*])
    };
    ($text:expr, $name:expr, [$($dim:expr),* $(,)?] $(,)?) => {
        $crate::support::assertions::has_shape(&$text, Some($name), &[$($dim),*])
    };
}

/// Compiles a text at the size of its header, with an edition line in front if it has none.
fn compiled(text: &str) -> CompiledFile {
    let edition = if text.lines().any(|line| line.starts_with("npc ")) { "" } else { "npc 1\n" };
    compile_text(&format!("{edition}{text}"), size_of(text), &[])
}

#[track_caller]
pub fn has_problem(text: &str, code: &str, message: &str, place: Option<&str>) {
    let made = compiled(text);
    let found: Vec<_> = made.problems.iter().collect();
    let [problem] = &found[..] else {
        panic!("expected one problem, {code}, found {}\n{text}\n{}", found.len(), made.rendered())
    };
    assert_eq!(problem.code.id(), code, "\n{text}\n{}", made.rendered());
    assert!(problem.message.contains(message), "the message lacks `{message}`\n{text}\n{}", made.rendered());
    if let Some(place) = place {
        assert_eq!(made.place(0), place, "the place of the problem\n{text}\n{}", made.rendered());
    }
}

#[track_caller]
pub fn has_no_problem(text: &str) {
    let made = compiled(text);
    assert!(made.problems.is_empty(), "expected no problem\n{text}\n{}", made.rendered());
}

#[track_caller]
pub fn has_shape(text: &str, name: Option<&str>, expected: &[usize]) {
    let made = compiled(text);
    let [checked] = &made.checked[..] else {
        panic!("expected one model, found {}\n{text}\n{}", made.checked.len(), made.rendered())
    };
    let found = match name {
        None => Some(checked.output().dims().to_vec()),
        Some(name) => dims_of(checked, name),
    };
    assert_eq!(found.as_deref(), Some(expected), "{}\n{text}", name.unwrap_or("the output"));
}

/// The dims of a named result, else of the last node that belongs to a binding or has this path.
fn dims_of(checked: &CheckedGraph, name: &str) -> Option<Vec<usize>> {
    let graph = checked.graph();
    if let Some((_, outlet)) = graph.results.iter().find(|(result, _)| result == name) {
        return Some(graph.ty(*outlet).shape().dims().to_vec());
    }
    let belongs = |path: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let last = graph.order().into_iter().rfind(|&id| belongs(&graph.node(id).path))?;
    Some(graph.node(last).outputs[0].shape().dims().to_vec())
}

#[test]
fn shapes_are_found_by_result_binding_and_node() {
    let body = "let y = x |> conv(8) |> relu\n  return { main = y |> conv(2), aux = y }";
    let text =
        format!("// size: 4x6\nmodel M(x: [3, H, W]) -> {{ main = [2, H, W], aux = [8, H, W] }} {{\n  {body}\n}}\n");
    assert_shape!(text, [2, 4, 6]);
    assert_shape!(text, "aux", [8, 4, 6]);
    assert_shape!(text, "y", [8, 4, 6]);
    assert_shape!(text, "y.conv", [8, 4, 6]);
}

#[test]
fn an_assertion_fails_where_the_problem_differs() {
    let text = "model M(x: [3, H, W]) -> [2, H, W] = x |> convv(2)\n";
    assert_problem!(text, "E0201", "unknown", at = "convv");
    let fails = |check: fn()| std::panic::catch_unwind(check).is_err();
    assert!(fails(|| assert_problem!("model M(x: [3, H, W]) -> [2, H, W] = x |> convv(2)\n", "E0202")));
    assert!(fails(|| assert_problem!("model M(x: [3, H, W]) -> [2, H, W] = x |> convv(2)\n", "E0201", "other words")));
    assert!(fails(|| assert_problem!("model M(x: [3, H, W]) -> [2, H, W] = x |> convv(2)\n", "E0201", "", at = "x")));
    assert!(fails(|| assert_no_problem!("model M(x: [3, H, W]) -> [2, H, W] = x |> convv(2)\n")));
    assert!(fails(|| assert_shape!("model M(x: [3, H, W]) -> [2, H, W] = x |> conv(2)\n", [3, 64, 64])));
}
