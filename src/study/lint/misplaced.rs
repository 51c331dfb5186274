//! Maps whose pixels are not those that their size suggests: results beside the image, and joined maps that lie apart.

use super::facts::LintFacts;
use super::finding::LintFinding;
use crate::graph::placement::{AxisPlacement, DisplacedParts, placements};
use crate::text::diag::Code;

const AXES: [&str; 2] = ["height", "width"];

/// Finds results of the image's size that do not show the whole image, and nodes whose inputs lie apart in the image.
pub(super) fn misplaced(facts: &LintFacts) -> Vec<LintFinding> {
    let (places, displaced) = placements(facts.graph);
    let image = facts.size(facts.graph.input());
    let mut found: Vec<LintFinding> = displaced.iter().map(|parts| displaced_parts(facts, parts)).collect();
    for (_, outlet) in &facts.graph.results {
        let Some(size) = facts.graph.ty(*outlet).shape().spatial() else { continue };
        for axis in [0, 1] {
            let Some(place) = places[outlet.node.index()][axis] else { continue };
            let whole = AxisPlacement::image(image[axis]);
            if size[axis] == image[axis] && !place.lies_on(&whole) {
                let id = place.resized.unwrap_or(outlet.node);
                let name = &facts.graph.name;
                let (n, along) = (image[axis], AXES[axis]);
                let message = format!(
                    "the result of `{name}` shows pixels {} of a {along} of {n}, and is laid over all of them",
                    span_text(&place)
                );
                let label = match place.resized {
                    Some(_) => "stretches what is left of the image over all of it",
                    None => "is displaced",
                };
                let help = format!(
                    "give the convolutions `pad = same`, or pad the image before them{}; `resize` does not bring back a border",
                    pad_text(&place, n)
                );
                let weight = place.distance(&whole) as u64;
                found.push(LintFinding { id, code: Code::W0418, weight, message, label: label.into(), help });
            }
        }
    }
    found
}

fn displaced_parts(facts: &LintFacts, found: &DisplacedParts) -> LintFinding {
    let [a, b] = &found.parts;
    let op = facts.graph.node(found.node).op.name();
    LintFinding {
        id: found.node,
        code: Code::W0419,
        weight: a.distance(b) as u64,
        message: format!(
            "the inputs of this `{op}` lie up to {} pixels apart in the image, along the {}",
            pixels(a.distance(b)),
            AXES[found.axis]
        ),
        label: format!("pixels {} of the image meet pixels {}", span_text(a), span_text(b)),
        help: "crop the larger map, `crop(to = ...)`, instead of resizing one, or pad the convolutions before".into(),
    }
}

/// Returns the first and last position of a map: `20 to 80`.
fn span_text(place: &AxisPlacement) -> String {
    format!("{} to {}", pixels(place.start), pixels(place.end))
}

/// Returns the padding of the image that a border of equal width on both sides needs: `, \`x |> pad([20, 20, 20, 20])\``.
fn pad_text(place: &AxisPlacement, n: usize) -> String {
    let (before, after) = (place.start.round(), (n as f64 - place.end).round());
    if before == after && before > 0.0 {
        return format!(", `x |> pad([{before}, {before}, {before}, {before}], mode = reflect)`");
    }
    String::new()
}

fn pixels(position: f64) -> String {
    let rounded = (position * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}
