//! The report on initial weights as lines of text.

use crate::base::shorten::short_name;
use crate::learn::init::InitReport;

/// Returns one line for each tensor of the model, then one for each unused tensor of the file.
pub(crate) fn tensor_table(report: &InitReport) -> String {
    let rows = report.tensors.iter().map(|row| (format!("{} {:?}", row.name, row.shape), row.fate.text()));
    let unused = report.unused.iter().map(|name| (short_name(name).into_owned(), "unused".to_string()));
    let rows: Vec<_> = rows.chain(unused).collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, fate)| format!("{name:width$}  {fate}\n")).collect()
}
