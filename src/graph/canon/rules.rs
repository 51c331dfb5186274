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

use super::term::{Builder, Term, TermId};
use crate::graph::ir::{Graph, NodeId, Outlet};
use crate::graph::op::{Canonical, Site};

/// The terms of a node's outputs.
pub(super) fn rewrite(graph: &Graph, id: NodeId, inputs: &[TermId], made: &mut Builder) -> Vec<TermId> {
    Rule { graph, id, inputs, made }.apply()
}

struct Rule<'a> {
    graph: &'a Graph,
    id: NodeId,
    inputs: &'a [TermId],
    made: &'a mut Builder,
}

impl Rule<'_> {
    fn apply(mut self) -> Vec<TermId> {
        let node = self.graph.node(self.id);
        let Some(operator) = node.op.operator() else {
            let label = format!("input of {} channels", self.channels());
            return vec![self.function(label)];
        };
        let site = Site {
            inputs: self.graph.inputs(self.id).into_iter().map(|outlet| self.graph.formula(outlet)).collect(),
            output: self.graph.formula(Outlet { node: self.id, slot: 0 }),
            channels: self.channels(),
            before: &self.made.get(self.inputs[0]).label,
        };
        let forms: Vec<Canonical> = (0..node.outputs.len()).map(|slot| operator.canonical(&site, slot)).collect();
        forms.into_iter().map(|form| self.term(form)).collect()
    }

    fn term(&mut self, form: Canonical) -> TermId {
        match form {
            Canonical::Unchanged => self.inputs[0],
            Canonical::Function(label) => self.function(label),
            Canonical::Own(label) => {
                let (channels, inputs) = (self.channels(), self.read());
                self.made.make(Term { label, inputs, commutes: false, owns_weights: true, channels, node: self.id })
            }
            Canonical::Commuting(label) => self.commuting(label),
            Canonical::Channels { from, to } => self.part(self.inputs[0], from, to),
            Canonical::Joined => self.join(self.inputs.to_vec()),
        }
    }

    fn channels(&self) -> usize {
        self.graph.node(self.id).outputs[0].shape().channels()
    }

    /// The inputs without those that are read for their size alone.
    fn read(&self) -> Vec<TermId> {
        let node = self.graph.node(self.id);
        let slots = node.op.read_slots(&self.graph.input_types(self.id), &node.outputs);
        slots.into_iter().map(|slot| self.inputs[slot]).collect()
    }

    fn function(&mut self, label: String) -> TermId {
        let (channels, inputs) = (self.channels(), self.read());
        self.made.plain(self.id, channels, label, inputs)
    }

    fn commuting(&mut self, label: &str) -> TermId {
        let mut operands = Vec::new();
        for &input in self.inputs {
            let term = self.made.get(input);
            match term.label == label {
                true => operands.extend(term.inputs.iter().copied()),
                false => operands.push(input),
            }
        }
        let (label, channels) = (label.to_string(), self.channels());
        self.made.make(Term { label, inputs: operands, commutes: true, owns_weights: false, channels, node: self.id })
    }

    /// Channels `from` to `to` of a term.
    fn part(&mut self, whole: TermId, from: usize, to: usize) -> TermId {
        let term = self.made.get(whole);
        if from == 0 && to == term.channels {
            return whole;
        }
        if term.label == "concat" {
            let mut parts = Vec::new();
            let mut start = 0;
            for input in term.inputs.clone() {
                let end = start + self.made.get(input).channels;
                let (low, high) = (from.max(start), to.min(end));
                if low < high {
                    parts.push(self.part(input, low - start, high - start));
                }
                start = end;
            }
            return self.join(parts);
        }
        if let Some((before, _)) = range(&term.label) {
            let source = term.inputs[0];
            return self.part(source, before + from, before + to);
        }
        self.made.plain(self.id, to - from, format!("channels {from}..{to}"), vec![whole])
    }

    /// One concat of everything, neighbouring parts of one tensor being one part.
    fn join(&mut self, parts: Vec<TermId>) -> TermId {
        let mut flat: Vec<TermId> = Vec::new();
        for part in parts {
            let term = self.made.get(part);
            match term.label == "concat" {
                true => flat.extend(term.inputs.iter().copied()),
                false => flat.push(part),
            }
        }
        let mut joined: Vec<TermId> = Vec::new();
        for part in flat {
            let next = self.made.get(part);
            let last = joined.last().map(|last| self.made.get(*last));
            let touching = last.and_then(|last| {
                let ((from, a), (b, to)) = (range(&last.label)?, range(&next.label)?);
                (a == b && last.inputs == next.inputs).then(|| (last.inputs[0], from, to))
            });
            match touching {
                Some((source, from, to)) => {
                    joined.pop();
                    let larger = self.part(source, from, to);
                    joined.push(larger);
                }
                None => joined.push(part),
            }
        }
        if let [only] = joined[..] {
            return only;
        }
        let channels = joined.iter().map(|t| self.made.get(*t).channels).sum();
        self.made.plain(self.id, channels, "concat".into(), joined)
    }
}

/// `channels 3..8` to 3 and 8.
fn range(label: &str) -> Option<(usize, usize)> {
    let (from, to) = label.strip_prefix("channels ")?.split_once("..")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}
