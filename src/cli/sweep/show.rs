//! A counted sweep as text, Markdown, LaTeX, CSV and JSON.

use super::columns::{cells, settings};
use super::counted::{Row, Table};
use crate::base::number::{bytes, thousands};
use crate::cli::field;
use crate::cli::table::{Align, csv};
use crate::cli::tabular::{self, Format, notes};
use crate::desk::ArgumentTexts;
use crate::study::explore::{Key, Measures, Variant};
use serde_json::{Map, Value, json};

/// Models that a title names, and of a group of equal functions a line.
const NAMED: usize = 4;

pub fn table(table: &Table, format: Format) -> String {
    match format {
        Format::Text if table.rows.is_empty() => title(table) + "\n" + &notes(&remarks(table), format),
        Format::Text => format!("{}\n\n{}{}", title(table), body(table, format), notes(&remarks(table), format)),
        Format::Markdown | Format::Latex => body(table, format) + &notes(&remarks(table), format),
        Format::Csv => raw(table),
        Format::Json => format!("{:#}\n", document(table)),
    }
}

/// `288x384`
fn size(at: &Measures) -> String {
    at.input.spatial().map_or(at.input.to_string(), |[h, w]| format!("{h}x{w}"))
}

pub fn title(table: &Table) -> String {
    let kept: usize = table.rows.iter().map(|r| 1 + r.same.len()).sum();
    let sizes: Vec<String> = table.rows.first().map_or(Vec::new(), |r| r.variant.at.iter().map(size).collect());
    let at = if sizes.is_empty() { String::new() } else { format!(" at {}", sizes.join(", ")) };
    let mut parts = vec![models(table.tried)];
    if kept < table.tried - table.broken {
        parts.push(format!("{} kept", thousands(kept as u64)));
    }
    if table.rows.len() < kept {
        parts.push(format!("{} different functions", thousands(table.rows.len() as u64)));
    }
    let name = table.sweep.as_ref().map_or(String::new(), |name| format!(" {name}"));
    // More names than these are in the table's first column.
    let few = table.models.len() <= NAMED;
    let models = if few { format!(" of {}", table.models.join(" | ")) } else { String::new() };
    format!("sweep{name}{models}{at}: {}", parts.join(", "))
}

fn models(n: usize) -> String {
    if n == 1 { "1 model".into() } else { format!("{} models", thousands(n as u64)) }
}

pub fn name(key: Key, table: &Table) -> String {
    match key {
        Key::Params => "params".into(),
        Key::Macs => format!("MACs, {}", table.convention),
        Key::Inference => "memory to run".into(),
        Key::Training => "memory to train".into(),
        Key::Field => "receptive field".into(),
    }
}

fn body(table: &Table, format: Format) -> String {
    let sizes = table.rows.first().map_or(&[][..], |r| &r.variant.at[..]);
    let mut header = table.columns.clone();
    header.push("params".into());
    for at in sizes {
        let many = sizes.len() > 1;
        let end = if many { format!(" {}", size(at)) } else { String::new() };
        header.push(if many { format!("MACs{end}") } else { format!("MACs, {}", table.convention) });
        header.extend(["to run", "to train"].map(|name| format!("{name}{end}")));
    }
    header.extend(["field".to_string(), "front".to_string()]);
    let same = table.rows.iter().any(|r| !r.same.is_empty());
    let mut words: Vec<usize> = (0..table.columns.len()).collect();
    if same {
        words.push(header.len());
        header.push("the same network".into());
    }
    let row = |row: &Row| {
        let mut line = cells(&table.columns, &row.variant, &row.args);
        line.push(thousands(row.variant.params));
        for at in &row.variant.at {
            line.extend([thousands(at.macs), bytes(at.peaks.inference), bytes(at.peaks.training)]);
        }
        line.push(field::size_text(&row.variant.at[0].field));
        line.push(if row.front { "*".into() } else { String::new() });
        line.extend(same.then(|| others(table, row)));
        line
    };
    let rows = table.rows[..table.top].iter().map(row).collect();
    tabular::Table { title: title(table), header, words, rows }.print(format)
}

/// What stands below the table.
fn remarks(table: &Table) -> Vec<String> {
    let mut lines = Vec::new();
    if table.top < table.rows.len() {
        lines.push(format!("and {} more", table.rows.len() - table.top));
    }
    lines.extend(left_out(table));
    if table.rows.is_empty() {
        lines.push("No model is left.".into());
        return lines;
    }
    let [x, y] = table.axes.map(|key| name(key, table));
    let better = |key: Key| if key.more_is_better() { "more" } else { "less" };
    let (x_better, y_better) = (better(table.axes[0]), better(table.axes[1]));
    lines.push(format!("\"*\" is on the front of {x} ({x_better} is better) and {y} ({y_better} is better)"));
    if table.rows[0].variant.at.len() > 1 {
        lines.push(format!("MACs by the convention {}; field, and front, at the first size", table.convention));
    }
    let batch = match table.batch {
        1 => "one image".into(),
        n => format!("a batch of {}", thousands(n)),
    };
    lines.push(format!("\"to run\" and \"to train\" are the most memory at once, for {batch}"));
    lines
}

/// The other models that compute the same function: the settings in which each differs.
fn others(table: &Table, row: &Row) -> String {
    let own = cells(&table.columns, &row.variant, &row.args);
    let mut parts: Vec<String> = (row.same.iter().take(NAMED))
        .map(|(variant, args)| {
            let differs = |column: &String, cell: &String| match column.as_str() {
                "model" => cell.clone(),
                _ => format!("{column} = {cell}"),
            };
            let here = cells(&table.columns, variant, args);
            let parts = table.columns.iter().zip(&here).zip(&own).filter(|((_, here), own)| here != own);
            let text = parts.map(|((column, here), _)| differs(column, here)).collect::<Vec<_>>().join(", ");
            let macs = |v: &Variant| v.at[0].macs;
            // Some functions can be written with weights that nothing reads, and conventions count spellings.
            if variant.params != row.variant.params {
                format!("{text} ({} params)", thousands(variant.params))
            } else if macs(variant) != macs(&row.variant) {
                format!("{text} ({} MACs)", thousands(macs(variant)))
            } else {
                text
            }
        })
        .collect();
    if row.same.len() > NAMED {
        parts.push(format!("{} more", row.same.len() - NAMED));
    }
    parts.join("; ")
}

fn left_out(table: &Table) -> Option<String> {
    let kept: usize = table.rows.iter().map(|r| 1 + r.same.len()).sum();
    let out = table.tried - table.broken - kept;
    if table.bounds.is_empty() {
        return None;
    }
    let part = |(text, left): &(String, crate::study::explore::LeftOut)| {
        let alone = match left.alone {
            0 => String::new(),
            _ if table.bounds.len() == 1 => String::new(),
            n => format!(" ({n} by it alone)"),
        };
        format!("{} by `{text}`{alone}", left.variants)
    };
    let parts: Vec<String> = table.bounds.iter().map(part).collect();
    Some(format!("{out} of {} left out: {}", models(table.tried), parts.join(", ")))
}

/// One number a cell.
fn raw(table: &Table) -> String {
    let sizes = table.rows.first().map_or(&[][..], |r| &r.variant.at[..]);
    let mut header = table.columns.clone();
    let words = header.len();
    header.push("params".into());
    for at in sizes {
        let end = if sizes.len() > 1 { format!("_{}", size(at)) } else { String::new() };
        header.extend(["macs", "inference", "training"].map(|name| format!("{name}{end}")));
    }
    header.extend(["field", "front", "same"].map(String::from));
    let mut align = vec![Align::Left; words];
    align.resize(header.len() - 1, Align::Right);
    align.push(Align::Left);
    let row = |row: &Row| {
        let mut line = cells(&table.columns, &row.variant, &row.args);
        line.push(row.variant.params.to_string());
        for at in &row.variant.at {
            line.extend([at.macs, at.peaks.inference, at.peaks.training].map(|n| n.to_string()));
        }
        line.push(row.variant.at[0].field_pixels.map_or(String::new(), |n| n.to_string()));
        line.push(u8::from(row.front).to_string());
        let same: Vec<String> = row.same.iter().map(|(v, a)| settings(&table.columns, v, a)).collect();
        line.push(same.join("; "));
        line
    };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    csv(&header, &align, &table.rows[..table.top].iter().map(row).collect::<Vec<_>>())
}

fn document(table: &Table) -> Value {
    let bounds: Vec<Value> = (table.bounds.iter())
        .map(|(text, left)| json!({"bound": text, "left_out": left.variants, "alone": left.alone}))
        .collect();
    let models: Vec<Value> = table.rows[..table.top].iter().map(model).collect();
    json!({
        "schema": 1, "sweep": table.sweep, "of": table.models, "convention": table.convention.name(), "axes": table.axes.map(Key::name),
        "batch": table.batch, "tried": table.tried, "broken": table.broken, "bounds": bounds, "models": models,
    })
}

fn model(row: &Row) -> Value {
    let object = |args: &ArgumentTexts| args.iter().map(|(n, v)| (n.clone(), json!(v))).collect::<Map<String, Value>>();
    let one = |v: &Variant, args: &ArgumentTexts| {
        let sizes: Vec<Value> = v.at.iter().map(measures).collect();
        json!({"model": v.model, "args": object(args), "params": v.params, "buffers": v.buffers, "sizes": sizes})
    };
    let mut value = one(&row.variant, &row.args);
    value["hash"] = json!(format!("{:016x}", row.variant.hashes[0]));
    value["front"] = row.front.into();
    value["same"] = row.same.iter().map(|(v, args)| one(v, args)).collect();
    value
}

fn measures(at: &Measures) -> Value {
    json!({
        "input": at.input.dims(), "output": at.output.dims(), "macs": at.macs,
        "memory": {"inference": at.peaks.inference, "training": at.peaks.training},
        "receptive_field": field::json(&at.field), "field": at.field_pixels,
    })
}
