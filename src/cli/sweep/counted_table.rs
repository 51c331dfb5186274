//! Table of a counted sweep as text, Markdown, LaTeX, CSV and JSON.

use crate::base::count::counted;
use crate::base::number::thousands;
use crate::desk::ArgumentTexts;
use crate::desk::{CountedFunction, CountedSweep};
use crate::desk::{cells, settings};
use crate::show::field;
use crate::show::table::{Cell, Column, OutputFormat, Table};
use crate::study::explore::{CountedVariant, MeasureKey, SizeMeasures};
use serde_json::{Map, Value, json};

/// Maximum number of models that the title names, and of equal models that a row lists.
const MAX_NAMED_MODELS: usize = 4;

/// Returns the sweep in a format: title, table and notes, or the JSON document.
pub(super) fn sweep_text(sweep: &CountedSweep, format: OutputFormat) -> String {
    if format == OutputFormat::Json {
        return format!("{:#}\n", sweep_json(sweep));
    }
    let notes = format.notes(&remarks(sweep));
    if format == OutputFormat::Text && sweep.rows.is_empty() {
        return format!("{}\n{notes}", sweep_title(sweep));
    }
    let head = if format == OutputFormat::Text { format!("{}\n\n", sweep_title(sweep)) } else { String::new() };
    format!("{head}{}{notes}", sweep_table(sweep).print(format))
}

/// Returns the input size, such as `288x384`.
fn size_text(at: &SizeMeasures) -> String {
    at.input.spatial().map_or(at.input.to_string(), |[h, w]| format!("{h}x{w}"))
}

pub(super) fn sweep_title(sweep: &CountedSweep) -> String {
    let kept: usize = sweep.rows.iter().map(|r| 1 + r.same.len()).sum();
    let sizes: Vec<String> = sweep.rows.first().map_or(Vec::new(), |r| r.variant.at.iter().map(size_text).collect());
    let at = if sizes.is_empty() { String::new() } else { format!(" at {}", sizes.join(", ")) };
    let mut parts = vec![model_count(sweep.tried)];
    if kept < sweep.tried - sweep.broken {
        parts.push(format!("{} kept", thousands(kept as u64)));
    }
    if sweep.rows.len() < kept {
        parts.push(counted(sweep.rows.len(), "different function"));
    }
    let name = sweep.sweep.as_ref().map_or(String::new(), |name| format!(" {name}"));
    // Otherwise the first column of the table names the models.
    let few = sweep.models.len() <= MAX_NAMED_MODELS;
    let models = if few { format!(" of {}", sweep.models.join(" | ")) } else { String::new() };
    format!("sweep{name}{models}{at}: {}", parts.join(", "))
}

fn model_count(n: usize) -> String {
    counted(n, "model")
}

pub(super) fn key_label(key: MeasureKey, sweep: &CountedSweep) -> String {
    match key {
        MeasureKey::Params => "params".into(),
        MeasureKey::Macs => format!("MACs, {}", sweep.convention),
        MeasureKey::Inference => "memory to run".into(),
        MeasureKey::Training => "memory to train".into(),
        MeasureKey::Field => "receptive field".into(),
    }
}

/// Returns a table with one row per function.
fn sweep_table(sweep: &CountedSweep) -> Table {
    let sizes = sweep.rows.first().map_or(&[][..], |r| &r.variant.at[..]);
    let mut columns: Vec<Column> = sweep.columns.iter().map(Column::words).collect();
    columns.push(Column::numbers("params"));
    for at in sizes {
        let many = sizes.len() > 1;
        let [title, name] = [" ", "_"].map(|gap| if many { format!("{gap}{}", size_text(at)) } else { String::new() });
        let macs = if many { format!("MACs{title}") } else { format!("MACs, {}", sweep.convention) };
        columns.push(Column::numbers(macs).named(format!("macs{name}")));
        columns.push(Column::numbers(format!("to run{title}")).named(format!("inference{name}")));
        columns.push(Column::numbers(format!("to train{title}")).named(format!("training{name}")));
    }
    columns.extend([Column::numbers("field").for_people(), Column::numbers("field").for_programs()]);
    columns.push(Column::numbers("front"));
    let same = sweep.rows.iter().any(|r| !r.same.is_empty());
    columns.extend(same.then(|| Column::words("the same network").for_people()));
    columns.push(Column::words("same").for_programs());
    let row = |row: &CountedFunction| {
        let mut line: Vec<Cell> = cells(&sweep.columns, &row.variant, &row.args).into_iter().map(Cell::from).collect();
        line.push(Cell::Count(row.variant.params));
        for at in &row.variant.at {
            line.extend([Cell::Count(at.macs), Cell::Bytes(at.peaks.inference), Cell::Bytes(at.peaks.training)]);
        }
        let at = &row.variant.at[0];
        line.extend([field::size_text(&at.field).into(), at.field_pixels.map(Cell::Count).into()]);
        line.push(Cell::Flag(row.front));
        line.extend(same.then(|| equal_models(sweep, row).into()));
        let same: Vec<String> = row.same.iter().map(|(v, a)| settings(&sweep.columns, v, a)).collect();
        line.push(same.join("; ").into());
        line
    };
    Table { title: sweep_title(sweep), columns, rows: sweep.rows[..sweep.top].iter().map(row).collect() }
}

/// Returns the notes below the table.
fn remarks(sweep: &CountedSweep) -> Vec<String> {
    let mut lines = Vec::new();
    if sweep.top < sweep.rows.len() {
        lines.push(format!("and {} more", thousands(sweep.rows.len() - sweep.top)));
    }
    lines.extend(left_out_note(sweep));
    if sweep.rows.is_empty() {
        lines.push("No model is left.".into());
        return lines;
    }
    let [x, y] = sweep.axes.map(|key| key_label(key, sweep));
    let better = |key: MeasureKey| if key.more_is_better() { "more" } else { "less" };
    let (x_better, y_better) = (better(sweep.axes[0]), better(sweep.axes[1]));
    lines.push(format!("\"*\" is on the front of {x} ({x_better} is better) and {y} ({y_better} is better)"));
    if sweep.rows[0].variant.at.len() > 1 {
        lines.push(format!("MACs by the convention {}; field, and front, at the first size", sweep.convention));
    }
    let batch = match sweep.batch {
        1 => "one image".into(),
        n => format!("a batch of {}", thousands(n)),
    };
    lines.push(format!("\"to run\" and \"to train\" are the most memory at once, for {batch}"));
    lines
}

/// Returns the other models that compute the same function, by the settings in which they differ.
fn equal_models(sweep: &CountedSweep, row: &CountedFunction) -> String {
    let own = cells(&sweep.columns, &row.variant, &row.args);
    let mut parts: Vec<String> = (row.same.iter().take(MAX_NAMED_MODELS))
        .map(|(variant, args)| {
            let differs = |column: &String, cell: &String| match column.as_str() {
                "model" => cell.clone(),
                _ => format!("{column} = {cell}"),
            };
            let here = cells(&sweep.columns, variant, args);
            let parts = sweep.columns.iter().zip(&here).zip(&own).filter(|((_, here), own)| here != own);
            let text = parts.map(|((column, here), _)| differs(column, here)).collect::<Vec<_>>().join(", ");
            let macs = |v: &CountedVariant| v.at[0].macs;
            // Equal functions may differ in unused weights, or in operators that a convention counts.
            if variant.params != row.variant.params {
                format!("{text} ({})", counted(variant.params, "param"))
            } else if macs(variant) != macs(&row.variant) {
                format!("{text} ({} MACs)", thousands(macs(variant)))
            } else {
                text
            }
        })
        .collect();
    if row.same.len() > MAX_NAMED_MODELS {
        parts.push(format!("{} more", thousands(row.same.len() - MAX_NAMED_MODELS)));
    }
    parts.join("; ")
}

fn left_out_note(sweep: &CountedSweep) -> Option<String> {
    let kept: usize = sweep.rows.iter().map(|r| 1 + r.same.len()).sum();
    let out = sweep.tried - sweep.broken - kept;
    if sweep.bounds.is_empty() {
        return None;
    }
    let part = |(text, left): &(String, crate::study::explore::BoundRejections)| {
        let alone = match left.by_this_alone {
            0 => String::new(),
            _ if sweep.bounds.len() == 1 => String::new(),
            n => format!(" ({} by it alone)", thousands(n)),
        };
        format!("{} by `{text}`{alone}", thousands(left.variants))
    };
    let parts: Vec<String> = sweep.bounds.iter().map(part).collect();
    Some(format!("{} of {} left out: {}", thousands(out), model_count(sweep.tried), parts.join(", ")))
}

fn sweep_json(sweep: &CountedSweep) -> Value {
    let bounds: Vec<Value> = (sweep.bounds.iter())
        .map(|(text, left)| json!({"bound": text, "left_out": left.variants, "alone": left.by_this_alone}))
        .collect();
    let models: Vec<Value> = sweep.rows[..sweep.top].iter().map(model_json).collect();
    json!({
        "schema": 1, "sweep": sweep.sweep, "of": sweep.models, "convention": sweep.convention.name(), "axes": sweep.axes.map(MeasureKey::name),
        "batch": sweep.batch, "tried": sweep.tried, "broken": sweep.broken, "bounds": bounds, "models": models,
    })
}

fn model_json(row: &CountedFunction) -> Value {
    let object = |args: &ArgumentTexts| args.iter().map(|(n, v)| (n.clone(), json!(v))).collect::<Map<String, Value>>();
    let one = |v: &CountedVariant, args: &ArgumentTexts| {
        let sizes: Vec<Value> = v.at.iter().map(measures_json).collect();
        json!({"model": v.model, "args": object(args), "params": v.params, "buffers": v.buffers, "sizes": sizes})
    };
    let mut value = one(&row.variant, &row.args);
    value["hash"] = json!(format!("{:016x}", row.variant.hashes[0]));
    value["front"] = row.front.into();
    value["same"] = row.same.iter().map(|(v, args)| one(v, args)).collect();
    value
}

fn measures_json(at: &SizeMeasures) -> Value {
    json!({
        "input": at.input.dims(), "output": at.output.dims(), "macs": at.macs,
        "memory": {"inference": at.peaks.inference, "training": at.peaks.training},
        "receptive_field": field::json(&at.field), "field": at.field_pixels,
    })
}
