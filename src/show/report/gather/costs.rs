//! The costs of a network, as a whole and by block.

use crate::base::number::{bytes, thousands, with_prefix};
use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::learn::trained_run::TrainedRun;
use crate::show::field;
use crate::show::table::{Cell, Column, Table};
use crate::study::cost::memory::MemoryTimeline;
use crate::study::cost::{Convention, count, memory_frozen};

/// Returns sizes, operations and memory as names and values.
pub(super) fn costs(run: TrainedRun<'_>) -> Vec<(String, String)> {
    let checked = run.checked;
    let train = &run.settings.train;
    let frozen = FrozenPaths::existing_in(checked, &train.freeze);
    let report = count(checked, Convention::Conv).with_frozen(&frozen);
    let mut rows = vec![
        ("image and result".to_string(), format!("{} to {}", checked.input(), checked.result_text())),
        ("parameters".into(), thousands(report.params)),
    ];
    if report.frozen > 0 {
        rows.push(("of them frozen".into(), thousands(report.frozen)));
    }
    for convention in Convention::ALL {
        let macs = count(checked, convention).macs;
        rows.push((format!("MACs, {}", convention.name()), format!("{} ({})", thousands(macs), with_prefix(macs))));
    }
    let memory = memory_frozen(checked, &frozen, train.optimizer.moment_count(), 1);
    let batch = train.batch as u64;
    let peak = |text: &str, timeline: &MemoryTimeline, batch: u64| {
        let peak = timeline.peak(batch);
        (text.to_string(), format!("{}, most at {}", bytes(peak.bytes), peak.sample.place(checked.graph())))
    };
    rows.push(peak("memory to run one image", &memory.inference, 1));
    rows.push(peak(&format!("memory to train batch {batch}"), &memory.training, batch));
    rows.push(("receptive field".into(), field::in_words(checked)));
    rows.extend(field::effective_in_words(checked).map(|text| ("effective MACs".into(), text)));
    let weights = run.folder.checkpoint().ok().and_then(|path| std::fs::metadata(path).ok());
    rows.extend(weights.map(|m| ("checkpoint".to_string(), bytes(m.len()))));
    rows
}

/// Returns a table of the outermost blocks and the operators between them.
pub(super) fn blocks(checked: &CheckedGraph) -> Table {
    let report = count(checked, Convention::Conv);
    let mut rows = Vec::new();
    let mut shown: Option<&str> = None;
    for node in &report.nodes {
        // The outermost block has the shortest path of all blocks around the node.
        let block = report
            .blocks
            .iter()
            .filter(|b| node.path.starts_with(&format!("{}.", b.path)))
            .min_by_key(|b| b.path.len());
        let (name, what, output, params, macs) = match block {
            Some(b) if shown == Some(&b.path) => continue,
            Some(b) => {
                shown = Some(&b.path);
                (&b.path, b.block.as_str(), &b.output, b.params, b.macs)
            }
            None => (&node.path, node.op, &node.output, node.params, node.macs),
        };
        let share = if report.macs == 0 { 0.0 } else { 100.0 * macs as f64 / report.macs as f64 };
        let dims: Vec<_> = output.iter().map(usize::to_string).collect();
        let mut row: Vec<Cell> = vec![name.as_str().into(), what.into(), dims.join(" × ").into()];
        row.extend([Cell::Count(params), Cell::Count(macs), Cell::Percent(share)]);
        rows.push(row);
    }
    let mut columns = ["path", "block", "output"].map(Column::words).to_vec();
    columns.extend(["parameters", "MACs", "share"].map(Column::numbers));
    Table::new(columns, rows)
}
