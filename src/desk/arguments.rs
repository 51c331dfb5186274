//! Parses hyper-parameters of the command line, and formats hyper-parameters as text.

use super::image_size::parse_size;
use crate::base::problem::problem;
use crate::graph::elaborate::ModelArgument;
use crate::text::config::schema;
use crate::text::diag::{Diagnostic, Problems};
use crate::text::source::{SourceMap, Span, Spanned};
use crate::text::syntax::{self, ast};

/// Names and values of hyper-parameters as written.
pub type ArgumentTexts = Vec<(String, String)>;

/// Parses `key=value,key=value`. Commas inside brackets and quotes do not separate. The texts are added to `sources` under
/// the name `option`, for messages.
pub(crate) fn arguments(
    sources: &mut SourceMap,
    option: &str,
    texts: &[String],
) -> Result<Vec<ModelArgument>, Problems> {
    let mut args = Vec::new();
    let mut problems = Problems::new();
    for part in texts.iter().flat_map(|t| split_commas(t)) {
        let id = sources.add(option, part.clone());
        let whole = Span::new(id, 0, part.len());
        let Some((name, value)) = part.split_once('=') else {
            problems.push(problem!(E0503, whole, "`{part}` is not `key=value`"; help: "write the name and the value: `{option} NAME=VALUE`"));
            continue;
        };
        let value_id = sources.add(option, value.trim().to_string());
        match syntax::parse_value(sources, value_id) {
            Ok(value) => {
                let name = Spanned::new(name.trim().to_string(), Span::new(id, 0, name.len()));
                args.push(ModelArgument { name, value });
            }
            Err(p) => problems
                .extend(size_problem(Span::new(value_id, 0, value.len()), name, value).map_or(p, Problems::from)),
        }
    }
    if problems.is_empty() { Ok(args) } else { Err(problems) }
}

/// Returns the problem of a size that is written as `96x96`; `None` for other values.
fn size_problem(at: Span, name: &str, value: &str) -> Option<Diagnostic> {
    let [height, width] = parse_size(value.trim()).ok()?;
    let key = if schema::data_key(name.trim()) == Some("size") { "data.size" } else { name.trim() };
    Some(problem!(E0503, at, "`{}` is not a value", value.trim();
            help: "height and width are a list: `{key}=[{height},{width}]`"))
}

/// Parses the hyper-parameters of a model in both spellings: `with` as `key=value`, `set` as `model.key=value`. The texts are added
/// to `sources` as `--with` and `--set`.
pub(crate) fn model_arguments(
    sources: &mut SourceMap,
    with: &[String],
    set: &[String],
) -> Result<Vec<ModelArgument>, Problems> {
    let mut args = arguments(sources, "--with", with)?;
    for ModelArgument { name, value } in arguments(sources, "--set", set)? {
        let Some(key) = name.node.strip_prefix("model.") else {
            return Err(problem!(E0503, name.span, "`{name}` is a setting of a run, and no run is involved here";
                help: "hyper-parameters of the model are `--set model.KEY=VALUE`, or `--with KEY=VALUE`")
            .into());
        };
        args.push(ModelArgument { name: Spanned::new(key.to_string(), name.span), value });
    }
    Ok(args)
}

/// Splits a text at the commas outside brackets and quotes.
pub(super) fn split_commas(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0i32, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' | '(' if !quoted => depth += 1,
            ']' | ')' if !quoted => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

/// Converts the arguments after a model's name in a file, such as `(attention = se)`. Each must have a name (E0204).
pub(crate) fn named_arguments(args: &[ast::Arg]) -> Result<Vec<ModelArgument>, Problems> {
    let (mut named, mut problems) = (Vec::new(), Problems::new());
    for arg in args {
        match &arg.name {
            Some(name) => named.push(ModelArgument { name: name.clone(), value: arg.value.clone() }),
            None => problems.push(
                problem!(E0204, arg.value.span, "this hyper-parameter has no name"; help: "write `name = value`"),
            ),
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(named) }
}

/// Returns the value of an argument as written, on one line: it becomes part of tables, folder names and shell commands.
pub(crate) fn value_text(sources: &SourceMap, arg: &ModelArgument) -> String {
    match &arg.value.kind {
        // Values of a range have the span of the range.
        ast::ExprKind::Int(n) => n.to_string(),
        _ => syntax::on_one_line(sources.snippet(arg.value.span)),
    }
}

/// Returns names and values of arguments as [`value_text`] writes them.
pub(crate) fn argument_texts(sources: &SourceMap, args: &[ModelArgument]) -> ArgumentTexts {
    args.iter().map(|a| (a.name.node.clone(), value_text(sources, a))).collect()
}
