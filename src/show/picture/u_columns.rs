//! The column of each part of a U: encoder, what is between, decoder; or one for each number of enlargements.

use super::u_plan::Flow;
use super::u_shape::{PartEdge, UParts};

/// Checks whether a row has several nodes of the decoder, each of which reads those before it, as in U-Net++.
pub(super) fn has_several_nodes(found: &UParts) -> bool {
    let again = |edge: &PartEdge| {
        let (a, b) = (found.places[edge.from], found.places[edge.to]);
        !edge.size_only && a.row == b.row && a.climbs > 0 && b.climbs > a.climbs
    };
    found.edges.iter().any(again)
}

/// Returns column and direction of each part, with a column for each number of enlargements.
pub(super) fn columns_by_climbs(found: &UParts) -> Vec<(usize, Flow)> {
    let flow = |climbs| if climbs == 0 { Flow::Down } else { Flow::Up };
    found.places.iter().map(|place| (place.climbs, flow(place.climbs))).collect()
}

/// Returns column and direction of each part of a plain U: the encoder, what is between, and the decoder.
pub(super) fn columns_of_u(found: &UParts) -> Vec<(usize, Flow)> {
    let UParts { places, edges, .. } = found;
    let values = || edges.iter().filter(|edge| !edge.size_only);
    let last = places.iter().map(|place| place.row).max().unwrap_or(0);
    let decoder_at_the_bottom = places.iter().any(|place| place.row == last && place.climbs > 0);
    // What leads to deeper levels of the encoder.
    let mut leads_down = vec![false; places.len()];
    for part in (0..places.len()).rev() {
        leads_down[part] = values()
            .filter(|edge| edge.from == part && places[edge.to].climbs == 0)
            .any(|edge| leads_down[edge.to] || places[edge.to].row > places[part].row);
    }
    let mut columns: Vec<(usize, Flow)> = Vec::with_capacity(places.len());
    for (part, place) in places.iter().enumerate() {
        let is_input = !edges.iter().any(|edge| edge.to == part);
        let is_bottom = place.row == last && !decoder_at_the_bottom;
        let at_skip = place.climbs == 0 && place.row < last && !leads_down[part] && !is_input;
        columns.push(match place.climbs {
            0 if is_bottom => (1, Flow::Down),
            0 if at_skip && feeds_decoder(found, part) => (1, Flow::Up),
            0 => (0, Flow::Down),
            _ if is_gate(found, part) => (1, Flow::Up),
            _ => (2, Flow::Up),
        });
    }
    columns
}

/// Checks whether all that reads a part of the encoder, directly or not, is in the decoder at its level.
fn feeds_decoder(found: &UParts, part: usize) -> bool {
    let mut pending = vec![part];
    let mut any = false;
    while let Some(at) = pending.pop() {
        for edge in found.edges.iter().filter(|edge| edge.from == at) {
            let place = found.places[edge.to];
            if place.row != found.places[part].row {
                return false;
            }
            any |= place.climbs > 0;
            if place.climbs == 0 {
                pending.push(edge.to);
            }
        }
    }
    any
}

/// Checks whether a part changes a skip by what the decoder holds: it reads both, and what reads it reads the decoder too.
fn is_gate(found: &UParts, part: usize) -> bool {
    let place = |k: usize| found.places[k];
    let here = |k: usize| place(k).row == place(part).row;
    let reads = |k: usize| found.edges.iter().filter(move |edge| edge.to == k).map(|edge| edge.from);
    let skip = reads(part).any(|from| here(from) && place(from).climbs == 0);
    let inside: Vec<usize> = reads(part).filter(|&from| here(from) && place(from).climbs > 0).collect();
    let mut readers = found.edges.iter().filter(|edge| edge.from == part).map(|edge| edge.to).peekable();
    skip && readers.peek().is_some() && readers.all(|reader| here(reader) && reads(reader).any(|k| inside.contains(&k)))
}
