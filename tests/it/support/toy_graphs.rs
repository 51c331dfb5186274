//! Small graphs built by hand.

use npc::graph::check::{CheckedGraph, check};
use npc::graph::ir::{Graph, Node, Outlet};
use npc::graph::op::*;
use npc::graph::ty::Shape;

/// Builds a graph by hand, inferring types; paths are `op1`, `op2`, ... unless given.
pub struct Build {
    graph: Graph,
    pub image: Outlet,
}

impl Build {
    pub fn new(c: usize, h: usize, w: usize) -> Self {
        let mut build = Build { graph: Graph::new("Toy"), image: Outlet { node: Graph::new("").input(), slot: 0 } };
        build.image = build.at("image", Op::Input(Shape::map(c, h, w)), &[]);
        build
    }

    pub fn at(&mut self, path: &str, op: impl Into<Op>, inputs: &[Outlet]) -> Outlet {
        let op = op.into();
        let types: Vec<_> = inputs.iter().map(|&o| self.graph.ty(o).clone()).collect();
        let outputs = op.infer(&types).unwrap_or_else(|r| panic!("{path}: {}", r.message));
        let node = self.graph.add(Node { path: path.into(), op, outputs, span: Default::default() }, inputs);
        Outlet { node, slot: 0 }
    }

    pub fn op(&mut self, op: impl Into<Op>, inputs: &[Outlet]) -> Outlet {
        let path = format!("op{}", self.graph.len());
        self.at(&path, op, inputs)
    }

    pub fn done(mut self, result: Outlet) -> CheckedGraph {
        self.graph.results.push(("out".into(), result));
        check(self.graph).unwrap_or_else(|p| panic!("{p:?}"))
    }
}

pub fn conv(out: usize, kernel: usize) -> Conv {
    let pad = ConvPadding::Explicit([kernel / 2; 2]);
    Conv { out, kernel: [kernel; 2], stride: [1; 2], dilation: [1; 2], pad, groups: 1, bias: true }
}

pub fn deconv(out: usize) -> ConvTranspose {
    ConvTranspose {
        out,
        kernel: [2; 2],
        stride: [2; 2],
        dilation: [1; 2],
        pad: [0; 2],
        out_pad: [0; 2],
        groups: 1,
        bias: true,
    }
}

pub fn bn() -> BatchNorm {
    BatchNorm { epsilon: 1e-5, momentum: 0.1 }
}

pub fn act(function: ActivationFunction) -> Activation {
    Activation { function }
}

pub fn like(mode: Interpolation) -> Resize {
    Resize { target: ResizeTarget::Like, mode, align_corners: false, module: false }
}

/// Returns a graph with one of each layer with tensors, an attention branch, pooling with indices, and two classes at
/// the size of the input.
pub fn toy(size: usize) -> CheckedGraph {
    let mut b = Build::new(3, size, size);
    let image = b.image;
    let x = b.at("s.1.conv", Conv { bias: false, ..conv(6, 3) }, &[image]);
    let x = b.at("s.1.bn", bn(), &[x]);
    let x = b.at("s.1.act", act(ActivationFunction::Relu), &[x]);
    let pooled = b.at("pool", MaxPoolWithIndex(window(2, 2)), &[x]);
    let index = Outlet { slot: 1, ..pooled };
    let y = b.at("deep.grouped", Conv { groups: 2, ..conv(6, 3) }, &[pooled]);
    let squeeze = b.at("att.mean", AvgPoolTo { size: [1, 1] }, &[y]);
    let squeeze = b.at("att.flat", Flatten, &[squeeze]);
    let squeeze = b.at("att.down", Linear { out: 3, bias: true }, &[squeeze]);
    let squeeze = b.at("att.up", Linear { out: 6, bias: false }, &[squeeze]);
    let squeeze = b.at("att.gate", act(ActivationFunction::Sigmoid), &[squeeze]);
    let squeeze = b.at("att.map", Unflatten, &[squeeze]);
    let y = b.at("att.mul", Combine { function: ElementwiseFunction::Mul }, &[y, squeeze]);
    let up = b.at("unpool", Unpool, &[y, index]);
    let wide = b.at("up", deconv(4), &[y]);
    let small = b.at("small", AvgPool(window(2, 2)), &[wide]);
    let back = b.at("back", like(Interpolation::Bilinear), &[small, image]);
    let all = b.at("cat", Concat, &[up, wide, back]);
    let out = b.at("head", conv(2, 1), &[all]);
    b.done(out)
}

pub fn window(kernel: usize, stride: usize) -> PoolWindow {
    PoolWindow { kernel: [kernel; 2], stride: [stride; 2], pad: [0; 2], ceil: false }
}
