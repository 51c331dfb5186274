//! The size contract for people and programs.

use super::load::Entry;
use crate::check::Contract;
use crate::check::contract::{AxisSizes, condition};
use crate::ir::Demand;
use crate::source::SourceMap;
use serde_json::{Value, json};

/// One line: which image sizes the model takes.
pub fn text(entry: &Entry) -> String {
    let contract = entry.checked.contract();
    let pinned = match contract.pins.len() {
        0 => String::new(),
        1 => " (as far as the graph stays this one: one choice in the file follows the size)".into(),
        n => format!(" (as far as the graph stays this one: {n} choices in the file follow the size)"),
    };
    format!("  sizes {contract}{pinned}\n")
}

/// `text`; per axis the first sizes, the start of the pattern, its period and the accepted remainders (`null` where none
/// was found); the demands that shape it with their places; what ties height to width; what the graph depends on.
pub fn json(entry: &Entry, sources: &SourceMap) -> Value {
    let contract = entry.checked.contract();
    let demand = |d: &Demand| {
        let (line, column) = sources.line_column(d.span);
        let file = &sources.file(d.span.source).name;
        json!({"condition": condition(d), "what": d.what, "file": file, "line": line, "column": column})
    };
    let list = |demands: &[Demand]| demands.iter().map(demand).collect::<Vec<_>>();
    let axis = |sizes: &Option<AxisSizes>| {
        sizes.as_ref().map(|s| {
            let remainders = &s.pattern.remainders;
            let kept: Vec<usize> = (0..remainders.len()).filter(|&r| remainders[r]).collect();
            json!({
                "text": s.pattern.to_string(),
                "least": s.pattern.least(),
                "first": s.pattern.first,
                "from": s.pattern.start,
                "period": remainders.len(),
                "remainders": kept,
                "because": list(&s.because),
            })
        })
    };
    let Contract { axes: [height, width], joint, pins, .. } = &contract;
    json!({
        "text": contract.to_string(),
        "height": axis(height),
        "width": axis(width),
        "joint": list(joint),
        "depends": list(pins),
    })
}
