//! The properties that distinguish the models of a sweep, as columns and as text.

use super::arguments::{ArgumentTexts, argument_texts};
use crate::study::explore::{CountedVariant, SweepModel};
use crate::text::source::SourceMap;

/// Returns the properties that distinguish the points of a sweep, kept or not: `model`, or names of hyper-parameters.
pub(crate) fn axis_names(sources: &SourceMap, points: &[SweepModel<'_>]) -> Vec<String> {
    let mut columns = Vec::new();
    if points.iter().any(|p| p.model.node != points[0].model.node) {
        columns.push("model".to_string());
    }
    let all: Vec<ArgumentTexts> = points.iter().map(|p| argument_texts(sources, &p.args)).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in all.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let value = |args: &'_ ArgumentTexts, name: &str| args.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    for name in names {
        let mut values = all.iter().map(|args| value(args, name));
        let first = values.next();
        if values.any(|v| Some(v) != first) {
            columns.push(name.to_string());
        }
    }
    if columns.is_empty() {
        columns.push("model".to_string());
    }
    columns
}

/// Returns the values of these properties for a model.
pub(crate) fn cells(columns: &[String], variant: &CountedVariant, args: &ArgumentTexts) -> Vec<String> {
    let cell = |column: &String| {
        // A hyper-parameter called `model` takes precedence over the model.
        let value = args.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone());
        value.unwrap_or_else(|| if column == "model" { variant.model.clone() } else { String::new() })
    };
    columns.iter().map(cell).collect()
}

/// Returns the properties of a model that not all models share: `attention = se, reduction = 2`.
pub(crate) fn settings(columns: &[String], variant: &CountedVariant, args: &ArgumentTexts) -> String {
    let named = |(column, cell): (&String, String)| match column.as_str() {
        "model" => Some(cell),
        _ if cell.is_empty() => None,
        _ => Some(format!("{column} = {cell}")),
    };
    let named: Vec<String> = columns.iter().zip(cells(columns, variant, args)).filter_map(named).collect();
    // Without one, the arguments are the defaults, and the other models set them.
    if named.is_empty() { variant.model.clone() } else { named.join(", ") }
}
