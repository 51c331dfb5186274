//! Makes the plan of a U: columns, then lines with their lanes, then the order of heights.

use super::u_columns::{columns_by_climbs, columns_of_u, has_several_nodes};
use super::u_heights::HeightOrder;
use super::u_lanes::{TrackLanes, order_ends};
use super::u_plan::{Flow, PlannedPart, ULine, UPlan};
use super::u_shape::UParts;

/// Plans a network whose outermost parts are a U.
pub(super) fn plan_u(found: &UParts) -> UPlan {
    let settles = has_several_nodes(found);
    let columns = if settles { columns_by_climbs(found) } else { columns_of_u(found) };
    let mut parts: Vec<PlannedPart> = (found.items.iter().zip(&found.places).zip(&columns))
        .map(|((&item, place), &(column, flow))| PlannedPart {
            item,
            row: place.row,
            column,
            flow,
            exits: Vec::new(),
            entries: Vec::new(),
            ends: Vec::new(),
            straight: None,
        })
        .collect();
    let columns = stacks(&parts);
    let mut tracks = TrackLanes::new(&parts, &columns);
    let lines: Vec<ULine> = found.edges.iter().map(|edge| tracks.line(&mut parts, &columns, edge)).collect();
    (0..parts.len()).for_each(|part| order_ends(&mut parts, part, &lines));
    let mut heights = HeightOrder { parts: &parts, columns: &columns, ties: Vec::new(), below: Vec::new() };
    heights.add_pairs(&lines);
    let (ties, below) = (heights.ties.clone(), heights.below.clone());
    let steps = heights.steps().unwrap_or_default();
    let examples = found.examples.iter().map(|&part| found.items[part]).collect();
    let (channels, corridors) = tracks.counts();
    UPlan { columns, examples, lines, ties, below, steps, settles, channels, corridors, parts }
}

/// Returns the parts of each column from top to bottom: row by row, in the order of the network or against it.
fn stacks(parts: &[PlannedPart]) -> Vec<Vec<usize>> {
    let count = parts.iter().map(|part| part.column + 1).max().unwrap_or(0);
    let mut columns = vec![Vec::new(); count];
    for (column, stack) in columns.iter_mut().enumerate() {
        *stack = (0..parts.len()).filter(|&k| parts[k].column == column).collect();
        let place = |k: &usize| {
            let order = *k as i64;
            (parts[*k].row, if parts[*k].flow == Flow::Up { -order } else { order })
        };
        stack.sort_by_key(place);
    }
    columns
}
