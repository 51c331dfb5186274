//! The rewriting rules. Each of them preserves the function.
//!
//! - A nested `concat` becomes one `concat`. Adjacent channel ranges of one tensor are merged, and the range of all channels is
//!   the tensor itself.
//! - `+` and `*` have any number of operands in any order, up to a limit of operands beyond which they stay nested.
//! - Operators give their canonical spelling ([`Operator::canonical`](crate::graph::op::Operator::canonical)): a linear layer
//!   is a 1x1 convolution of a map of one pixel, and `[c]` is the same as `[c, 1, 1]`; the dilation of a kernel that is one
//!   pixel wide is dropped; `pad = same` becomes a number; an instance norm is a group norm with one channel per group; max
//!   pooling with positions is the same as without.
//! - Operations without an effect are removed: resizing, cropping, padding or pooling to the same size, dropout with
//!   probability 0, shuffles of one group, ReLU of numbers that are not negative.
//! - Sizes are formulas: `resize(to = x)` and `up(2)` are equal where both give `[2 floor(H / 2), ...]`. A tensor of which
//!   only the size is read is not an input.

use super::term::{CanonicalTerm, MAX_OPERANDS, TermId, TermInterner};
use crate::base::count::counted;
use crate::graph::ir::{Graph, NodeId, Outlet};
use crate::graph::op::{CanonicalForm, Combine, ElementwiseFunction, NodeContext, Op};

/// Adds the terms of a node's outputs, given the terms of its inputs, and returns them. `absorbed` is which nodes are only an
/// operand of one sum or product of the same kind.
pub(super) fn rewrite(
    graph: &Graph,
    id: NodeId,
    inputs: &[TermId],
    absorbed: &[bool],
    interner: &mut TermInterner,
) -> Vec<TermId> {
    NodeRewriter { graph, id, inputs, absorbed, interner }.rewrite_node()
}

/// Returns which nodes are read once, by a sum or product of the same kind. Their terms have no operands of their own, so that
/// `a + b + c + ...` is as long as its terms and not as their square.
pub(super) fn absorbed_nodes(graph: &Graph) -> Vec<bool> {
    let mut readers: Vec<Option<NodeId>> = vec![None; graph.len()];
    let mut reads = vec![0usize; graph.len()];
    for id in graph.order() {
        for input in graph.inputs(id) {
            reads[input.node.index()] += 1;
            readers[input.node.index()] = Some(id);
        }
    }
    graph.results.iter().for_each(|(_, result)| reads[result.node.index()] += 2);
    let commutes = |op: &Op| {
        let Op::Combine(Combine { function }) = op else { return false };
        matches!(function, ElementwiseFunction::Add | ElementwiseFunction::Mul)
    };
    let absorbed = |id: NodeId| {
        let (op, reader) = (&graph.node(id).op, readers[id.index()]);
        commutes(op) && reads[id.index()] == 1 && reader.is_some_and(|reader| graph.node(reader).op == *op)
    };
    let mut all = vec![false; graph.len()];
    graph.order().into_iter().for_each(|id| all[id.index()] = absorbed(id));
    all
}

struct NodeRewriter<'a> {
    graph: &'a Graph,
    id: NodeId,
    inputs: &'a [TermId],
    absorbed: &'a [bool],
    interner: &'a mut TermInterner,
}

impl NodeRewriter<'_> {
    fn rewrite_node(mut self) -> Vec<TermId> {
        let node = self.graph.node(self.id);
        let Some(operator) = node.op.operator() else {
            let label = format!("input of {}", counted(self.channels(), "channel"));
            return vec![self.weightless_term(label)];
        };
        let site = NodeContext {
            inputs: self.graph.inputs(self.id).into_iter().map(|outlet| self.graph.formula(outlet)).collect(),
            output: self.graph.formula(Outlet { node: self.id, slot: 0 }),
            channels: self.channels(),
            before: &self.interner.get(self.inputs[0]).label,
        };
        let forms: Vec<CanonicalForm> = (0..node.outputs.len()).map(|slot| operator.canonical(&site, slot)).collect();
        forms.into_iter().map(|form| self.canonical_term(form)).collect()
    }

    fn canonical_term(&mut self, form: CanonicalForm) -> TermId {
        match form {
            CanonicalForm::Unchanged => self.inputs[0],
            CanonicalForm::Function(label) => self.weightless_term(label),
            CanonicalForm::Own(label) => {
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
            CanonicalForm::Commuting(label) => self.commuting_term(label),
            CanonicalForm::Channels { from, to } => self.channel_range(self.inputs[0], from, to),
            CanonicalForm::Joined => self.concat(self.inputs.to_vec()),
        }
    }

    fn channels(&self) -> usize {
        self.graph.node(self.id).outputs[0].shape().channels()
    }

    /// Returns the inputs whose elements are read, without those of which only the size is read.
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
        let nested = |term: &CanonicalTerm| term.commutes && term.label == label;
        let widths = self.inputs.iter().map(|&input| {
            let term = self.interner.get(input);
            if nested(term) { term.inputs.len() } else { 1 }
        });
        let count = widths.sum();
        let is_absorbed = |id: NodeId| self.absorbed[id.index()];
        let absorbed = is_absorbed(self.id);
        // The operands of an absorbed term move, so they are counted where they arrive.
        let join = if absorbed { count <= MAX_OPERANDS } else { self.interner.may_join(count) };
        let mut operands = Vec::new();
        for &input in self.inputs {
            let term = self.interner.get(input);
            match nested(term) && join {
                true if is_absorbed(term.node) => operands.append(&mut self.interner.take_operands(input)),
                true => operands.extend(term.inputs.iter().copied()),
                false => operands.push(input),
            }
        }
        let (label, channels) = (label.to_string(), self.channels());
        let term =
            CanonicalTerm { label, inputs: operands, commutes: true, owns_weights: false, channels, node: self.id };
        if absorbed { self.interner.add_absorbed(term) } else { self.interner.intern(term) }
    }

    /// Returns the term of the channels `from..to` of a term.
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

    /// Returns the term of a concatenation. Nested ones are flattened, and adjacent channel ranges of one tensor are merged.
    fn concat(&mut self, parts: Vec<TermId>) -> TermId {
        let width = |part: &TermId| {
            let term = self.interner.get(*part);
            if term.label == "concat" { term.inputs.len() } else { 1 }
        };
        let count = parts.iter().map(width).sum();
        let join = self.interner.may_join(count);
        let mut flat: Vec<TermId> = Vec::new();
        for part in parts {
            let term = self.interner.get(part);
            match join && term.label == "concat" {
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

/// Returns 3 and 8 for the label `channels 3..8`; `None` for other labels.
fn parse_channel_range(label: &str) -> Option<(usize, usize)> {
    let (from, to) = label.strip_prefix("channels ")?.split_once("..")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}
