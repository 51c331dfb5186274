//! The comparison of a device with the processor as a table.

use super::table::{Cell, Column, Table};
use crate::base::count::counted;
use crate::learn::device_parity::DeviceParity;

/// Number of gradients in the table.
const SHOWN: usize = 8;

/// Returns a table of the outputs and of the gradients that differ most. `title` says what was compared, on which device.
pub(crate) fn parity_text(title: &str, found: &DeviceParity) -> String {
    let outputs = [Some(&found.output), found.training_output.as_ref(), Some(&found.loss)].into_iter().flatten();
    let row = |name: String, relative: f64| -> Vec<Cell> { vec![name.into(), format!("{relative:.1e}").into()] };
    let gradients = found.gradients.iter().take(SHOWN).map(|d| row(format!("gradient of {}", d.name), d.relative));
    let rows = outputs.map(|d| row(d.name.clone(), d.relative)).chain(gradients).collect();
    let table = Table::new(vec![Column::words("tensor"), Column::numbers("difference")], rows);
    let gradients = counted(found.gradients.len(), "gradient");
    format!("{title} against cpu, {gradients}, worst first\n\n{}", table.to_text())
}
