//! Nodes and parameters without an effect on the results.

use super::facts::LintFacts;
use super::finding::LintFinding;
use crate::base::count::counted;
use crate::graph::ir::NodeId;
use crate::graph::op::{ActivationFunction, Op, ParamKind};
use crate::text::diag::Code;

/// Finds biases before a norm that subtracts the mean of each channel and thereby the bias.
pub(super) fn dead_bias(facts: &LintFacts) -> Vec<LintFinding> {
    let mut found = Vec::new();
    for &id in &facts.order {
        let node = facts.graph.node(id);
        let (bias, out) = match &node.op {
            Op::Conv(conv) => (conv.bias, conv.out),
            Op::ConvTranspose(conv) => (conv.bias, conv.out),
            Op::Linear(linear) => (linear.bias, linear.out),
            _ => continue,
        };
        let &[(reader, _)] = facts.readers[id.index()].as_slice() else { continue };
        let norm = &facts.graph.node(reader).op;
        let by_channel = match norm {
            Op::BatchNorm(_) | Op::InstanceNorm(_) => true,
            Op::GroupNorm(norm) => norm.groups == out,
            _ => false,
        };
        if !bias || !by_channel || facts.is_result[id.index()] {
            continue;
        }
        let (name, norm) = (node.op.name(), norm.name());
        let message = format!("the bias of `{name}` has no effect: `{norm}` follows");
        let label = format!(
            "`{norm}` subtracts the mean of each channel, and the {} of the bias with it",
            counted(out, "number")
        );
        let help = format!("write `bias = false` for this `{name}`");
        found.push(LintFinding { id, code: Code::W0407, weight: out as u64, message, label, help });
    }
    found
}

/// Finds layers with parameters that no result depends on.
pub(super) fn unused_node(facts: &LintFacts) -> Vec<LintFinding> {
    let mut needed = facts.is_result.clone();
    for &id in facts.order.iter().rev() {
        if needed[id.index()] {
            facts.inputs[id.index()].iter().for_each(|o| needed[o.node.index()] = true);
        }
    }
    // Reported are nodes without readers, with all parameters that serve nothing else.
    let mut wasted = vec![0u64; facts.graph.len()];
    let mut found = Vec::new();
    for &id in facts.order.iter().filter(|id| !needed[id.index()]) {
        let node = facts.graph.node(id);
        let params = node.op.params(facts.input_types(id));
        let own: u64 = params.iter().filter(|p| p.kind == ParamKind::Trainable).map(|p| p.elements()).sum();
        let before: u64 = facts.inputs[id.index()].iter().map(|o| wasted[o.node.index()]).sum();
        wasted[id.index()] = own.saturating_add(before);
        if facts.readers[id.index()].is_empty() && wasted[id.index()] > 0 {
            found.push(unused_finding(facts, id, wasted[id.index()]));
        }
    }
    found
}

fn unused_finding(facts: &LintFacts, id: NodeId, params: u64) -> LintFinding {
    let node = facts.graph.node(id);
    let message = format!("nothing reads `{}`", node.path);
    let label = format!("up to here {} count, and never learn", counted(params, "parameter"));
    let help = "use it in the result, or take it out".into();
    LintFinding { id, code: Code::W0409, weight: params, message, label, help }
}

/// Finds softmax over a single channel.
pub(super) fn one_channel_softmax(facts: &LintFacts) -> Vec<LintFinding> {
    let mut found = Vec::new();
    for &id in &facts.order {
        let node = facts.graph.node(id);
        let softmax = matches!(&node.op, Op::Activation(a) if a.function == ActivationFunction::Softmax);
        if softmax && node.outputs[0].shape().channels() == 1 {
            let message = "`softmax` over one channel gives 1 everywhere".into();
            let label = format!("its input is {}", node.outputs[0]);
            let help = "use `sigmoid` for one channel, or two channels".into();
            found.push(LintFinding { id, code: Code::W0410, weight: 0, message, label, help });
        }
    }
    found
}
