//! Kernels that do not suit their map: taps in the padding, uneven sums and unread pixels.

use super::facts::LintFacts;
use super::finding::LintFinding;
use crate::base::count::counted;
use crate::graph::ir::NodeId;
use crate::graph::op::{ConvPadding, KernelTaps, Op, ReadPattern};
use crate::study::cost::effective::{TapPairs, axis_pairs, count_pairs};
use crate::text::diag::Code;

/// Maximum number of taps that are examined one by one.
const MAX_TAPS: usize = 1 << 12;

/// Finds convolutions that read padding with more than half of their taps although the kernel could fit: dilated ones, and
/// those with taps that never read a pixel.
pub(super) fn padding_taps(facts: &LintFacts) -> Vec<LintFinding> {
    let mut found = Vec::new();
    for &id in &facts.order {
        let node = facts.graph.node(id);
        let Op::Conv(conv) = &node.op else { continue };
        let pairs = axis_pairs(&node.op, facts.input_types(id), &node.outputs);
        let padded = 1.0 - pixel_share(pairs);
        let [h, w] = facts.size(facts.inputs[id.index()][0].node);
        let live = live_taps(facts, id);
        let (taps, live) = (conv.kernel[0] * conv.kernel[1], live[0] * live[1]);
        let dilated = conv.dilation.iter().any(|&d| d > 1);
        if padded <= 0.5 || !(dilated || live < taps) {
            continue;
        }
        let settings = if dilated {
            format!("dilation {}", larger(conv.dilation))
        } else {
            format!("k = {}", larger(conv.kernel))
        };
        let message = format!(
            "`conv` with {settings} on a map of {h}x{w} reads padding with {:.0} % of its taps",
            100.0 * padded
        );
        let label = match taps - live {
            0 => "these multiplications are by zero".into(),
            n => format!("{n} of the {} never read a pixel", counted(taps, "tap")),
        };
        let fits = (1..larger(conv.dilation)).rev().take(MAX_TAPS).find(|&d| {
            let fits = |i: usize| {
                let (count, stride) = (conv.kernel[i], conv.stride[i]);
                let pad = ConvPadding::Same.amount(conv.kernel, [d; 2])[i];
                count_pairs(KernelTaps { count, stride, dilation: d, pad }, facts.size(id)[i], [h, w][i])
            };
            conv.pad == ConvPadding::Same && pixel_share([fits(0), fits(1)]) >= 0.5
        });
        let help = match fits {
            Some(d) => format!("at this size dilations up to {d} keep at least half of the taps on the map"),
            None if dilated => "use a smaller dilation or a larger input".into(),
            None if live == 1 => "on this map `k = 1` computes the same".into(),
            None => "use a smaller kernel or a larger input".into(),
        };
        found.push(LintFinding { id, code: Code::W0404, weight: (1e6 * padded) as u64, message, label, help });
    }
    found
}

fn larger(pair: [usize; 2]) -> usize {
    pair[0].max(pair[1])
}

/// Returns the share of multiplications that touch pixels.
fn pixel_share(pairs: [TapPairs; 2]) -> f64 {
    pairs.iter().map(|p| p.inside as f64 / p.all as f64).product()
}

/// Counts the taps along each axis that read at least one pixel.
fn live_taps(facts: &LintFacts, id: NodeId) -> [usize; 2] {
    let (from, to) = (facts.size(facts.inputs[id.index()][0].node), facts.size(id));
    let reads = facts.reads(id, 0);
    [0, 1].map(|i| match reads[i] {
        ReadPattern::Window(taps) if taps.count <= MAX_TAPS => {
            let live = |t: &usize| {
                // The first window in which the tap is not before the map.
                let window = taps.pad.saturating_sub(t * taps.dilation).div_ceil(taps.stride);
                window < to[i] && window * taps.stride + t * taps.dilation < from[i] + taps.pad
            };
            (0..taps.count).filter(live).count()
        }
        ReadPattern::Window(taps) => taps.count,
        _ => 1,
    })
}

/// Finds transposed convolutions that sum more products in some pixels than in others, since the stride does not divide the
/// kernel (Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016).
pub(super) fn checkerboard(facts: &LintFacts) -> Vec<LintFinding> {
    let mut found = Vec::new();
    for &id in &facts.order {
        let Op::ConvTranspose(conv) = &facts.graph.node(id).op else { continue };
        let sums = [0, 1].map(|i| taps_per_pixel(conv.kernel[i], conv.stride[i], conv.dilation[i]));
        let (least, most) = (sums[0][0] * sums[1][0], sums[0][1] * sums[1][1]);
        if least == most {
            continue;
        }
        let [k, s] =
            if sums[0][0] < sums[0][1] { [conv.kernel[0], conv.stride[0]] } else { [conv.kernel[1], conv.stride[1]] };
        let message = format!(
            "`conv_transpose` with k = {k} and stride = {s} sums unevenly: the stride does not divide the kernel"
        );
        let label = match least {
            0 => format!(
                "some pixels get nothing but the bias, others up to {} for each input channel",
                counted(most, "product")
            ),
            _ => format!("pixels get from {least} to {} for each input channel", counted(most, "product")),
        };
        let even = k.div_ceil(s) * s;
        let help = if (even - s).is_multiple_of(2) {
            format!(
                "`k = {even}, stride = {s}, pad = {}` sums evenly, and so does `up({s}) |> conv(...)`",
                (even - s) / 2
            )
        } else {
            format!("`k = {even}, stride = {s}` sums evenly, and so does `up({s}) |> conv(...)`")
        };
        found.push(LintFinding { id, code: Code::W0408, weight: (most - least) as u64, message, label, help });
    }
    found
}

/// Returns the smallest and largest number of taps that contribute to an output pixel.
fn taps_per_pixel(kernel: usize, stride: usize, dilation: usize) -> [usize; 2] {
    if stride > MAX_TAPS || kernel > MAX_TAPS {
        return [1, 1];
    }
    let mut sums = vec![0; stride];
    (0..kernel).for_each(|t| sums[t * dilation % stride] += 1);
    [sums.iter().min().copied().unwrap_or(0), sums.iter().max().copied().unwrap_or(0)]
}

/// Finds maps that are only read with a stride by windows smaller than it: the pixels between are computed in vain.
pub(super) fn unread_pixels(facts: &LintFacts) -> Vec<LintFinding> {
    let mut found = Vec::new();
    for &id in facts.order.iter().filter(|id| !facts.is_result[id.index()]) {
        let readers = &facts.readers[id.index()];
        let Some(&(first, _)) = readers.first() else { continue };
        let read_of = [0, 1].map(|axis| read_of_stride(facts, readers, axis).filter(|_| facts.size(id)[axis] > 1));
        let share = read_of.iter().flatten().map(|[read, of]| *read as f64 / *of as f64).product::<f64>();
        if share >= 1.0 {
            continue;
        }
        let axes = read_of.iter().flatten().filter(|[read, of]| read < of).map(|[read, of]| format!("{read} of {of}"));
        let (name, node) = (facts.graph.node(first).op.name(), &facts.graph.node(id).path);
        let message = format!("`{name}` steps over pixels of `{node}` that nothing else reads");
        let label = format!("{} pixels along an axis are read", axes.collect::<Vec<_>>()[0]);
        let help = "use a kernel as large as the stride, or put the stride into the layer before".into();
        let weight = ((1.0 - share) * 1e6) as u64;
        found.push(LintFinding { id: first, code: Code::W0411, weight, message, label, help });
    }
    found
}

/// Counts the pixels out of each `stride` that the readers see together, if all have the same stride.
fn read_of_stride(facts: &LintFacts, readers: &[(NodeId, usize)], axis: usize) -> Option<[usize; 2]> {
    let mut seen: Vec<bool> = Vec::new();
    for &(id, slot) in readers {
        let ReadPattern::Window(taps) = facts.reads(id, slot)[axis] else { return None };
        if seen.is_empty() {
            seen = vec![false; taps.stride.min(MAX_TAPS + 1)];
        }
        if taps.stride != seen.len() || taps.count > MAX_TAPS || facts.size(id)[axis] == 1 {
            return None;
        }
        let pad = taps.pad % taps.stride;
        (0..taps.count).for_each(|t| seen[(t * taps.dilation + taps.stride - pad) % taps.stride] = true);
    }
    Some([seen.iter().filter(|s| **s).count(), seen.len()])
}
