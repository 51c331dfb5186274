//! The rewriting rules, one operator at a time. Each keeps the function.
//!
//! - Nested `concat` is one; parts of one tensor that lie side by side become a larger part; all of it is itself.
//! - `+` and `*` take any number of operands in any order.
//! - A linear layer is a 1x1 convolution of a map of one pixel; `[c]` and `[c, 1, 1]` are one thing.
//! - The rate of a kernel that is one pixel wide says nothing; neither does the stride over one pixel. `pad = same` is a
//!   number.
//! - What changes nothing is left out: resizing, cropping, padding or pooling to the same size, dropout of nothing, shuffles
//!   of one group, ReLU of what is not negative.
//! - Sizes are formulas: `resize(to = x)` and `up(2)` are equal where both give `[2 floor(H / 2), ...]`.
//! - An instance norm is a group norm with one channel a group; a layer norm of one pixel is one with one group.
//! - Max pooling is the same whether or not positions are asked for.

use super::term::{Builder, Term, TermId};
use crate::graph::ir::{Graph, NodeId, Outlet};
use crate::graph::op::{Combine, Elementwise, Function, Mode, Op, Window};
use crate::graph::ty::{Dim, FormulaType};

/// The terms of a node's outputs.
pub fn rewrite(graph: &Graph, id: NodeId, inputs: &[TermId], made: &mut Builder) -> Vec<TermId> {
    Rule { graph, id, inputs, made }.apply()
}

struct Rule<'a> {
    graph: &'a Graph,
    id: NodeId,
    inputs: &'a [TermId],
    made: &'a mut Builder,
}

impl Rule<'_> {
    fn output(&self) -> &FormulaType {
        self.graph.formula(Outlet { node: self.id, slot: 0 })
    }

    fn input(&self, slot: usize) -> &FormulaType {
        self.graph.formula(self.graph.inputs(self.id)[slot])
    }

    fn channels(&self) -> usize {
        self.graph.node(self.id).outputs[0].shape().channels()
    }

    /// Whether both axes, or the missing ones of a vector, have one pixel at every image size.
    fn one_pixel(ty: &FormulaType) -> bool {
        ty.dims().iter().skip(1).all(|d| *d == Dim::ONE)
    }

    /// `[c, h, w]`, a vector counting as a map of one pixel.
    fn as_map(ty: &FormulaType) -> Vec<Dim> {
        let mut dims = ty.dims().to_vec();
        dims.resize(3, Dim::ONE);
        dims
    }

    fn keeps_shape(&self) -> bool {
        Self::as_map(self.input(0)) == Self::as_map(self.output())
    }

    fn keeps_size(&self) -> bool {
        Self::as_map(self.input(0))[1..] == Self::as_map(self.output())[1..]
    }

    fn same(&self) -> Vec<TermId> {
        vec![self.inputs[0]]
    }

    fn plain(&mut self, label: String) -> Vec<TermId> {
        let (channels, inputs) = (self.channels(), self.inputs.to_vec());
        vec![self.made.plain(self.id, channels, label, inputs)]
    }

    /// Of the first input alone, the others being read for their size.
    fn of_first(&mut self, label: String) -> Vec<TermId> {
        let (channels, inputs) = (self.channels(), vec![self.inputs[0]]);
        vec![self.made.plain(self.id, channels, label, inputs)]
    }

    fn weighted(&mut self, label: String) -> Vec<TermId> {
        let (channels, inputs) = (self.channels(), self.inputs.to_vec());
        let term = Term { label, inputs, commutes: false, owns_weights: true, channels, node: self.id };
        vec![self.made.make(term)]
    }

    /// The size of the result as formulas.
    fn size(&self) -> String {
        let dims: Vec<String> = self.output().dims().iter().skip(1).map(Dim::to_string).collect();
        format!("[{}]", dims.join(", "))
    }

    fn apply(mut self) -> Vec<TermId> {
        let node = self.graph.node(self.id);
        let spelled = || {
            let settings: Vec<String> = node.op.config().into_iter().map(|(k, v)| format!("{k} = {v}")).collect();
            format!("{}({})", node.op.name(), settings.join(", "))
        };
        match &node.op {
            Op::Input(shape) => self.plain(format!("input of {} channels", shape.channels())),
            Op::Conv(op) => {
                let one = [op.kernel[0] == 1, op.kernel[1] == 1];
                let pad = op.pad.amount(op.kernel, op.dilation);
                let unmoved = Self::one_pixel(self.input(0)) && one == [true; 2] && pad == [0, 0];
                let stride = if unmoved { [1, 1] } else { op.stride };
                let dilation = [0, 1].map(|i| if one[i] { 1 } else { op.dilation[i] });
                self.weighted(conv(op.out, op.kernel, stride, dilation, pad, op.groups, op.bias))
            }
            Op::Linear(op) => self.weighted(conv(op.out, [1, 1], [1, 1], [1, 1], [0, 0], 1, op.bias)),
            Op::ConvTranspose(_) => {
                let label = spelled();
                self.weighted(label)
            }
            Op::BatchNorm(_) => {
                let label = spelled();
                self.weighted(label)
            }
            Op::GroupNorm(op) => self.norm(op.groups, op.epsilon, op.affine),
            Op::InstanceNorm(op) => {
                let groups = self.channels();
                self.norm(groups, op.epsilon, op.affine)
            }
            Op::LayerNorm(op) if Self::one_pixel(self.input(0)) => self.norm(1, op.epsilon, op.affine),
            Op::LayerNorm(op) => {
                let label = spelled();
                if op.affine { self.weighted(label) } else { self.plain(label) }
            }
            Op::Activation(op) => {
                let before = &self.made.get(self.inputs[0]).label;
                let idle = match op.function {
                    Function::Relu => NOT_NEGATIVE.iter().any(|name| before.starts_with(name)),
                    Function::Relu6 => before.starts_with("relu6(") || before.starts_with("sigmoid("),
                    Function::LeakyRelu { .. }
                    | Function::Elu { .. }
                    | Function::Gelu
                    | Function::Silu
                    | Function::HardSwish
                    | Function::HardSigmoid
                    | Function::Sigmoid
                    | Function::Tanh
                    | Function::Softmax => false,
                };
                if idle { self.same() } else { self.plain(spelled()) }
            }
            Op::PRelu(op) => {
                let slopes = if op.per_channel { self.channels() } else { 1 };
                self.weighted(format!("prelu({slopes} slopes)"))
            }
            Op::MaxPool(op) if is_idle(&op.0) => self.same(),
            Op::MaxPool(op) => self.plain(window("maxpool", &op.0)),
            Op::MaxPoolWithIndex(op) => {
                let pooled = if is_idle(&op.0) { self.same() } else { self.plain(window("maxpool", &op.0)) };
                let at = self.plain(window("positions of maxpool", &op.0));
                vec![pooled[0], at[0]]
            }
            Op::Unpool(_) => self.plain(format!("unpool to {}", self.size())),
            Op::AvgPool(op) if is_idle(&op.0) => self.same(),
            Op::AvgPool(op) => self.plain(window("avgpool", &op.0)),
            Op::AvgPoolTo(_) if self.keeps_size() => self.same(),
            Op::AvgPoolTo(op) => self.plain(format!("avgpool_to({:?})", op.size)),
            Op::MaxPoolTo(_) if self.keeps_size() => self.same(),
            Op::MaxPoolTo(op) => self.plain(format!("maxpool_to({:?})", op.size)),
            Op::Resize(_) if self.keeps_size() => self.same(),
            Op::Resize(op) => {
                let corners = if op.mode == Mode::Bilinear && op.align_corners { ", corners aligned" } else { "" };
                let label = format!("resize({} to {}{corners})", op.mode.text(), self.size());
                self.of_first(label)
            }
            Op::Padding(op) if op.sides == [0; 4] => self.same(),
            Op::Padding(_) => self.plain(spelled()),
            Op::Crop(_) if self.keeps_size() => self.same(),
            Op::Crop(op) => {
                let at = op.at.map_or("the middle".into(), |at| format!("{at:?}"));
                let label = format!("crop(to {} at {at})", self.size());
                self.of_first(label)
            }
            Op::Slice(op) => {
                let to = op.from + self.channels();
                let whole = self.inputs[0];
                vec![self.part(whole, op.from, to)]
            }
            Op::ChannelPad(_) if self.keeps_shape() => self.same(),
            Op::ChannelPad(op) => self.plain(format!("channel_pad(to {})", op.out)),
            Op::ChannelReduce(_) if self.keeps_shape() => self.same(),
            Op::ChannelReduce(_) => self.plain(spelled()),
            Op::ChannelShuffle(op) if op.groups == 1 || op.groups == self.channels() => self.same(),
            Op::ChannelShuffle(_) => self.plain(spelled()),
            Op::PixelShuffle(op) if op.factor == 1 => self.same(),
            Op::PixelShuffle(_) => self.plain(spelled()),
            Op::Concat(_) => {
                let parts = self.inputs.to_vec();
                vec![self.join(parts)]
            }
            Op::Combine(op) => self.combine(op),
            Op::Unflatten(_) => self.same(),
            Op::Flatten(_) | Op::Reshape(_) => {
                if self.keeps_shape() {
                    return self.same();
                }
                let dims: Vec<String> = Self::as_map(self.output()).iter().map(Dim::to_string).collect();
                self.plain(format!("reshape(to [{}])", dims.join(", ")))
            }
            Op::Dropout(op) if op.p == 0.0 => self.same(),
            Op::Dropout(_) => self.dropout(spelled()),
        }
    }

    fn norm(&mut self, groups: usize, epsilon: f64, affine: bool) -> Vec<TermId> {
        let label = format!("group_norm(groups = {groups}, eps = {epsilon}, affine = {affine})");
        if affine { self.weighted(label) } else { self.plain(label) }
    }

    /// Draws numbers of its own: two dropouts are never one.
    fn dropout(&mut self, label: String) -> Vec<TermId> {
        let (channels, inputs) = (self.channels(), self.inputs.to_vec());
        let term = Term { label, inputs, commutes: false, owns_weights: true, channels, node: self.id };
        vec![self.made.make(term)]
    }

    fn combine(&mut self, op: &Combine) -> Vec<TermId> {
        let label = match op.function {
            Elementwise::Add => "sum",
            Elementwise::Mul => "product",
            Elementwise::Sub => return self.plain("difference".into()),
            Elementwise::Div => return self.plain("quotient".into()),
        };
        let mut operands = Vec::new();
        for &input in self.inputs {
            let term = self.made.get(input);
            match term.label == label {
                true => operands.extend(term.inputs.iter().copied()),
                false => operands.push(input),
            }
        }
        let (label, channels) = (label.to_string(), self.channels());
        let term = Term { label, inputs: operands, commutes: true, owns_weights: false, channels, node: self.id };
        vec![self.made.make(term)]
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

/// Functions whose values are never below 0.
const NOT_NEGATIVE: &[&str] = &["relu(", "relu6(", "sigmoid(", "hard_sigmoid(", "softmax("];

/// `channels 3..8` to 3 and 8.
fn range(label: &str) -> Option<(usize, usize)> {
    let (from, to) = label.strip_prefix("channels ")?.split_once("..")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

fn is_idle(window: &Window) -> bool {
    window.kernel == [1, 1] && window.stride == [1, 1] && window.pad == [0, 0]
}

/// `3` for equal values, `[1, 5]` otherwise.
fn pair([a, b]: [usize; 2]) -> String {
    if a == b { a.to_string() } else { format!("[{a}, {b}]") }
}

fn window(name: &str, window: &Window) -> String {
    let Window { kernel, stride, pad, ceil } = window;
    let mut label = format!("{name}(k = {}, stride = {}", pair(*kernel), pair(*stride));
    if *pad != [0, 0] {
        label += &format!(", pad = {}", pair(*pad));
    }
    label + if *ceil { ", ceil)" } else { ")" }
}

/// What is as usual is not said: stride, rate and groups of 1, no padding, no bias.
fn conv(
    out: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
    groups: usize,
    bias: bool,
) -> String {
    let mut label = format!("conv({out}, k = {}", pair(kernel));
    for (name, value, usual) in [("stride", stride, [1, 1]), ("dilation", dilation, [1, 1]), ("pad", pad, [0, 0])] {
        if value != usual {
            label += &format!(", {name} = {}", pair(value));
        }
    }
    if groups != 1 {
        label += &format!(", groups = {groups}");
    }
    label + if bias { ", bias)" } else { ")" }
}
