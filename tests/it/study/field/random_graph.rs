//! Random graphs over the operators that read their input through windows.

use npc::graph::ir::{Graph, Node, Outlet};
use npc::graph::op::{
    AvgPoolTo, Combine, Concat, Conv, ConvPadding, ConvTranspose, Crop, ElementwiseFunction, InstanceNorm,
    Interpolation, MaxPool, MaxPoolWithIndex, Op, Padding, PaddingMode, PixelShuffle, PoolWindow, Resize, ResizeTarget,
    Unpool,
};
use npc::graph::ty::{Shape, TensorType};
use npc::text::source::Span;

/// A sequence of choices; choices past its end are 0.
struct Tape<'a>(std::slice::Iter<'a, u8>);

impl Tape<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.0.next().map_or(0, |&x| x as usize % n)
    }

    fn pair(&mut self, min: usize, n: usize) -> [usize; 2] {
        [min + self.below(n), min + self.below(n)]
    }

    fn window(&mut self) -> PoolWindow {
        let kernel = self.pair(1, 4);
        PoolWindow { kernel, stride: self.pair(1, 3), pad: kernel.map(|k| k / 2), ceil: self.below(2) == 1 }
    }

    fn op(&mut self) -> Op {
        let mode = [Interpolation::Nearest, Interpolation::Bilinear][self.below(2)];
        match self.below(14) {
            0..3 => Conv {
                out: 4,
                kernel: self.pair(1, 4),
                stride: self.pair(1, 3),
                dilation: self.pair(1, 4),
                pad: ConvPadding::Explicit(self.pair(0, 4)),
                groups: 1,
                bias: false,
            }
            .into(),
            3 => ConvTranspose {
                out: 4,
                kernel: self.pair(1, 4),
                stride: self.pair(1, 4),
                dilation: self.pair(1, 3),
                pad: self.pair(0, 2),
                out_pad: self.pair(0, 2),
                groups: 1,
                bias: false,
            }
            .into(),
            4 => MaxPool(self.window()).into(),
            5 => MaxPoolWithIndex(self.window()).into(),
            6 => AvgPoolTo { size: self.pair(1, 6) }.into(),
            7 => {
                let target = if self.below(2) == 0 {
                    ResizeTarget::Size(self.pair(1, 20))
                } else {
                    ResizeTarget::Factor(self.pair(1, 3))
                };
                Resize { target, mode, align_corners: self.below(2) == 1, module: false }.into()
            }
            8 => Padding {
                sides: [0; 4].map(|_: usize| self.below(4)),
                mode: [PaddingMode::Constant, PaddingMode::Reflect, PaddingMode::Replicate][self.below(3)],
            }
            .into(),
            9 => Crop { size: Some(self.pair(1, 12)), at: Some(self.pair(0, 3)) }.into(),
            10 => PixelShuffle { factor: 2 }.into(),
            11 => InstanceNorm { epsilon: 1e-5, affine: false }.into(),
            12 => Concat.into(),
            _ => Combine { function: ElementwiseFunction::Add }.into(),
        }
    }
}

/// Returns a graph that the choices determine.
pub fn random_graph(tape: &[u8]) -> Graph {
    let mut tape = Tape(tape.iter());
    let mut graph = Graph::new("Random");
    let image = Shape::map(4, 1 + tape.below(32), 1 + tape.below(32));
    let mut known: Vec<Outlet> = Vec::new();
    let add = |graph: &mut Graph, op: Op, inputs: &[Outlet], outputs: Vec<TensorType>, known: &mut Vec<Outlet>| {
        let slots = outputs.len();
        let path = format!("op{}", graph.len());
        let node = graph.add(Node { path, op, outputs, span: Span::default() }, inputs);
        known.extend((0..slots).map(|slot| Outlet { node, slot }));
    };
    add(&mut graph, Op::Input(image.clone()), &[], vec![TensorType::Tensor(image)], &mut known);
    while tape.0.len() > 0 && graph.len() < 12 {
        let mut op = tape.op();
        let newest = |tape: &mut Tape, n: usize| n - 1 - tape.below(n).min(tape.below(n));
        let mut inputs = vec![known[newest(&mut tape, known.len())]];
        match op {
            // A pooling index has only one use.
            _ if graph.ty(inputs[0]).tensor().is_none() => {
                let fits = |o: &&Outlet| graph.ty(**o).tensor() == Some(graph.ty(inputs[0]).shape());
                let maps: Vec<_> = known.iter().filter(fits).copied().collect();
                inputs.insert(0, maps[maps.len() - 1 - tape.below(maps.len())]);
                op = Unpool.into();
            }
            Op::Concat(_) | Op::Combine(_) => {
                let sizes = |o: &Outlet| graph.ty(*o).shape().spatial();
                let fits = |o: &&Outlet| graph.ty(**o).tensor().is_some() && sizes(o) == sizes(&inputs[0]);
                let maps: Vec<_> = known.iter().filter(fits).copied().collect();
                let other = if tape.below(4) == 0 { newest(&mut tape, known.len()) } else { usize::MAX };
                inputs.push(*known.get(other).unwrap_or(&maps[tape.below(maps.len())]));
            }
            _ => {}
        }
        let types: Vec<TensorType> = inputs.iter().map(|&i| graph.ty(i).clone()).collect();
        if let Ok(outputs) = op.infer(&types)
            && outputs.iter().all(|ty| ty.shape().dims().iter().all(|&d| d <= 60))
        {
            add(&mut graph, op, &inputs, outputs, &mut known);
        }
    }
    graph
}
