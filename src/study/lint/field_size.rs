//! Receptive fields much larger than the image.

use super::facts::LintFacts;
use super::finding::LintFinding;
use crate::base::count::counted;
use crate::graph::ir::NodeId;
use crate::study::cost::field::{ReceptiveField, receptive_fields};
use crate::text::diag::Code;

/// Warned are fields above this multiple of the image. With twice the image, every pixel sees all of it, and the effective
/// field is much smaller (Luo et al. 2016). U-Net at 64x64 has four times the image, deep encoders up to seven.
const MAX_IMAGE_MULTIPLE: u64 = 8;

/// Finds a result whose receptive field is many times the image, and reports it at the layer that adds most to it.
pub(super) fn field_beyond_input(facts: &LintFacts) -> Vec<LintFinding> {
    let image = facts.size(facts.graph.input());
    let fields = receptive_fields(facts.graph);
    let size = |id: NodeId, axis: usize| field_size(&fields, id, axis);
    // The result and axis with the largest ratio of field and image.
    let results = facts.graph.results.iter().flat_map(|(_, o)| [(o.node, 0), (o.node, 1)]);
    let beyond = results.filter(|&(id, axis)| size(id, axis) > MAX_IMAGE_MULTIPLE * image[axis] as u64);
    let Some((result, axis)) = beyond.max_by_key(|&(id, axis)| size(id, axis) / image[axis] as u64) else {
        return Vec::new();
    };
    let mut before = vec![false; facts.graph.len()];
    before[result.index()] = true;
    let mut most = (0, result);
    for &id in facts.order.iter().rev().filter(|id| id.index() > 0) {
        if !before[id.index()] {
            continue;
        }
        facts.inputs[id.index()].iter().for_each(|o| before[o.node.index()] = true);
        let widest = facts.inputs[id.index()].iter().map(|o| size(o.node, axis)).max().unwrap_or(0);
        // A result fed by global pools only adds its whole field at once, and is not to blame.
        let added = size(id, axis).saturating_sub(widest);
        if added >= most.0 {
            most = (added, id);
        }
    }
    let (wide, n) = (size(result, axis), image[axis]);
    let message = format!(
        "the result of `{}` sees {} along the {}, {} times the image",
        facts.graph.name,
        counted(wide, "pixel"),
        ["height", "width"][axis],
        wide / n as u64
    );
    let label = format!("{} of them come with this layer", most.0);
    let help = format!(
        "an image of at least {}, fewer levels or smaller dilations",
        counted(wide.div_ceil(MAX_IMAGE_MULTIPLE), "pixel")
    );
    vec![LintFinding { id: most.1, code: Code::W0406, weight: wide, message, label, help }]
}

fn field_size(fields: &[ReceptiveField], id: NodeId, axis: usize) -> u64 {
    fields[id.index()][axis].intervals().map_or(0, |w| w.size())
}
