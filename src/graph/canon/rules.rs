//! The rewriting rules. Each keeps the function.
//!
//! - Nested `concat` is one; parts of one tensor that lie side by side become a larger part; all of it is itself.
//! - `+` and `*` take any number of operands in any order.
//! - What the operators say themselves ([`Operator::canonical`](crate::graph::op::Operator::canonical)), in one spelling:
//!   a linear layer is a 1x1 convolution of a map of one pixel, `[c]` and `[c, 1, 1]` are one thing; the rate of a kernel
//!   that is one pixel wide says nothing; `pad = same` is a number; an instance norm is a group norm with one channel a
//!   group; max pooling is the same whether or not positions are asked for.
//! - What changes nothing is left out: resizing, cropping, padding or pooling to the same size, dropout of nothing, shuffles
//!   of one group, ReLU of what is not negative.
//! - Sizes are formulas: `resize(to = x)` and `up(2)` are equal where both give `[2 floor(H / 2), ...]`. What is only read
//!   for its size is no input.

use super::term::{CanonicalTerm, TermId, TermInterner};
use crate::graph::ir::{Graph, NodeId, Outlet};
use crate::graph::op::{Canonical, Site};

/// The terms of a node's outputs.
pub(super) fn rewrite(graph: &Graph, id: NodeId, inputs: &[TermId], interner: &mut TermInterner) -> Vec<TermId> {
    NodeRewriter { graph, id, inputs, interner }.rewrite_node()
}

struct NodeRewriter<'a> {
    graph: &'a Graph,
    id: NodeId,
    inputs: &'a [TermId],
    interner: &'a mut TermInterner,
}

impl NodeRewriter<'_> {
    fn rewrite_node(mut self) -> Vec<TermId> {
        let node = self.graph.node(self.id);
        let Some(operator) = node.op.operator() else {
            let label = format!("input of {} channels", self.channels());
            return vec![self.weightless_term(label)];
        };
        let site = Site {
            inputs: self.graph.inputs(self.id).into_iter().map(|outlet| self.graph.formula(outlet)).collect(),
            output: self.graph.formula(Outlet { node: self.id, slot: 0 }),
            channels: self.channels(),
            before: &self.interner.get(self.inputs[0]).label,
        };
        let forms: Vec<Canonical> = (0..node.outputs.len()).map(|slot| operator.canonical(&site, slot)).collect();
        forms.into_iter().map(|form| self.canonical_term(form)).collect()
    }

    fn canonical_term(&mut self, form: Canonical) -> TermId {
        match form {
            Canonical::Unchanged => self.inputs[0],
            Canonical::Function(label) => self.weightless_term(label),
            Canonical::Own(label) => {
                let (channels, inputs) = (self.channels(), self.inputs_with_data());
                self.interner.intern(CanonicalTerm {
                    label,
                    inputs,
                    commutes: false,
                    owns_weights: true,
                    channels,
                    node: self.id,
                })
            }
            Canonical::Commuting(label) => self.commuting_term(label),
            Canonical::Channels { from, to } => self.channel_range(self.inputs[0], from, to),
            Canonical::Joined => self.concat(self.inputs.to_vec()),
        }
    }

    fn channels(&self) -> usize {
        self.graph.node(self.id).outputs[0].shape().channels()
    }

    /// The inputs without those that are read for their size alone.
    fn inputs_with_data(&self) -> Vec<TermId> {
        let node = self.graph.node(self.id);
        let slots = node.op.read_slots(&self.graph.input_types(self.id), &node.outputs);
        slots.into_iter().map(|slot| self.inputs[slot]).collect()
    }

    fn weightless_term(&mut self, label: String) -> TermId {
        let (channels, inputs) = (self.channels(), self.inputs_with_data());
        self.interner.intern_weightless(self.id, channels, label, inputs)
    }

    fn commuting_term(&mut self, label: &str) -> TermId {
        let mut operands = Vec::new();
        for &input in self.inputs {
            let term = self.interner.get(input);
            match term.label == label {
                true => operands.extend(term.inputs.iter().copied()),
                false => operands.push(input),
            }
        }
        let (label, channels) = (label.to_string(), self.channels());
        self.interner.intern(CanonicalTerm {
            label,
            inputs: operands,
            commutes: true,
            owns_weights: false,
            channels,
            node: self.id,
        })
    }

    /// Channels `from` to `to` of a term.
    fn channel_range(&mut self, whole: TermId, from: usize, to: usize) -> TermId {
        let term = self.interner.get(whole);
        if from == 0 && to == term.channels {
            return whole;
        }
        if term.label == "concat" {
            let mut parts = Vec::new();
            let mut start = 0;
            for input in term.inputs.clone() {
                let end = start + self.interner.get(input).channels;
                let (low, high) = (from.max(start), to.min(end));
                if low < high {
                    parts.push(self.channel_range(input, low - start, high - start));
                }
                start = end;
            }
            return self.concat(parts);
        }
        if let Some((before, _)) = parse_channel_range(&term.label) {
            let source = term.inputs[0];
            return self.channel_range(source, before + from, before + to);
        }
        self.interner.intern_weightless(self.id, to - from, format!("channels {from}..{to}"), vec![whole])
    }

    /// One concat of everything, neighbouring parts of one tensor being one part.
    fn concat(&mut self, parts: Vec<TermId>) -> TermId {
        let mut flat: Vec<TermId> = Vec::new();
        for part in parts {
            let term = self.interner.get(part);
            match term.label == "concat" {
                true => flat.extend(term.inputs.iter().copied()),
                false => flat.push(part),
            }
        }
        let mut joined: Vec<TermId> = Vec::new();
        for part in flat {
            let next = self.interner.get(part);
            let last = joined.last().map(|last| self.interner.get(*last));
            let touching = last.and_then(|last| {
                let ((from, a), (b, to)) = (parse_channel_range(&last.label)?, parse_channel_range(&next.label)?);
                (a == b && last.inputs == next.inputs).then(|| (last.inputs[0], from, to))
            });
            match touching {
                Some((source, from, to)) => {
                    joined.pop();
                    let larger = self.channel_range(source, from, to);
                    joined.push(larger);
                }
                None => joined.push(part),
            }
        }
        if let [only] = joined[..] {
            return only;
        }
        let channels = joined.iter().map(|t| self.interner.get(*t).channels).sum();
        self.interner.intern_weightless(self.id, channels, "concat".into(), joined)
    }
}

/// `channels 3..8` to 3 and 8.
fn parse_channel_range(label: &str) -> Option<(usize, usize)> {
    let (from, to) = label.strip_prefix("channels ")?.split_once("..")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}
