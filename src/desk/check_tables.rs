//! Tables of an analysis: its claims, its data blocks, and one line for each model and size.

use super::claim_list::ClaimList;
use super::claims::JudgedClaim;
use super::model_entry::{ModelEntry, macs_by};
use crate::base::count::counted;
use crate::show::table::{Cell, Column, Table};
use crate::study::claim::{QuantityValue, Verdict};
use crate::study::cost::{Convention, CostReport};
use crate::text::config::DataSpec;

/// Largest number of classes that the table of data blocks names.
const MAX_CLASS_NAMES: usize = 6;

/// Returns the table of the listed claims, and one line on the others; an empty text without claims.
pub(crate) fn claims_text(claims: &ClaimList<'_>) -> String {
    let table = match claims.listed.is_empty() {
        true => String::new(),
        false => claims_table(&claims.listed).to_text(),
    };
    let between = if claims.listed.is_empty() || claims.listed.len() == claims.all { "" } else { "\n" };
    format!("{table}{between}{}", claims.rest())
}

/// Returns a table with one row per claim: its text, the computed value and the verdict.
fn claims_table(claimed: &[&JudgedClaim]) -> Table {
    let row = |c: &&JudgedClaim| {
        let found = match &c.judged.value {
            QuantityValue::Number(n) => Cell::Count(*n),
            QuantityValue::Shape(_) | QuantityValue::Nothing => c.judged.value.to_string().into(),
        };
        let verdict = match &c.judged.verdict {
            Verdict::Holds => "holds".to_string(),
            Verdict::Refuted { reason } => format!("known not to hold: {reason}"),
            Verdict::Reported => "reported; only training can tell".to_string(),
        };
        vec![c.about.as_str().into(), c.claim.as_str().into(), found, verdict.into()]
    };
    let columns =
        vec![Column::words("claim about"), Column::words("claim"), Column::numbers("found"), Column::words("")];
    Table::new(columns, claimed.iter().map(row).collect())
}

/// Returns a table with one row per data block: size, classes and split.
pub(crate) fn data_table(specs: &[&DataSpec]) -> Table {
    let classes = |spec: &DataSpec| match spec.classes.len() {
        n if n > MAX_CLASS_NAMES => counted(n, "class"),
        _ => spec.classes.join(", "),
    };
    let row = |spec: &&DataSpec| {
        let [h, w] = spec.size;
        vec![spec.name.as_str().into(), format!("{h}x{w}").into(), classes(spec).into(), spec.split_text().into()]
    };
    let columns = ["data", "size", "classes", "split"].map(Column::words).to_vec();
    Table::new(columns, specs.iter().map(row).collect())
}

/// Returns a table with one row per model and size.
pub(crate) fn overview_table(entries: &[&(ModelEntry, CostReport)], conventions: &[Convention]) -> Table {
    let mut columns = ["model", "on", "input", "output"].map(Column::words).to_vec();
    columns.push(Column::numbers("params"));
    columns.extend(conventions.iter().map(|c| Column::numbers(format!("MACs, {c}"))));
    let row = |(entry, report): &&(ModelEntry, CostReport)| {
        let checked = &entry.checked;
        let mut row: Vec<Cell> =
            vec![checked.graph().name.as_str().into(), entry.on.as_deref().unwrap_or_default().into()];
        row.extend([checked.input().to_string().into(), checked.output().to_string().into()]);
        row.push(Cell::Count(report.params));
        row.extend(conventions.iter().map(|&c| Cell::Count(macs_by(entry, report, c))));
        row
    };
    Table::new(columns, entries.iter().map(row).collect())
}
