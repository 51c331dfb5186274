//! A program under construction.

use super::constants::KernelConstants;
use super::conv_tile::ConvTile;
use super::map::{DeviceMap, aligned};
use super::program::{
    BufferPlace, BufferRole, CudaProgram, DeviceBuffer, DeviceBufferId, Kernel, Launch, ProgramSection,
};
use super::region::FlatLayout;
use super::step_buffers::StepBuffers;
use crate::compute::fused::{ConvKind, FusedNode, FusedOp, FusedProgram, FusedValueId, PassMode, Unsupported};
use crate::graph::op::Op;
use crate::graph::plan::Plan;
use crate::text::config::ProductPrecision;
use std::collections::HashMap;

/// Threads of a block of kernels that compute each number by itself.
pub(super) const THREADS: usize = 256;

impl ProductPrecision {
    /// Returns the number of products of tensor cores per product.
    pub(super) fn passes(self) -> usize {
        match self {
            ProductPrecision::F32 => 3,
            ProductPrecision::Tf32 => 1,
        }
    }
}

/// The choices of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CudaOptions {
    pub precision: ProductPrecision,
    /// Layers whose batch norm keeps its running statistics in training.
    pub frozen: Vec<usize>,
    /// The tile of all convolutions; `None` chooses by the size of each.
    pub tile: Option<ConvTile>,
    /// The tile of all gradients of weights; `None` chooses by the size of each.
    pub gradient_tile: Option<ConvTile>,
    /// Whether norms write their results, rather than the convolutions that read them normalise on their own.
    pub writes_norms: bool,
    /// Whether operands of a concatenation are copied, rather than written to their channels of the result at once.
    pub copies_operands: bool,
}

/// A kernel with what its launch needs.
pub(super) struct KernelCall {
    pub name: &'static str,
    /// Sources after the constants, in order.
    pub sources: &'static [&'static str],
    pub constants: KernelConstants,
    pub threads: usize,
    pub shared_bytes: usize,
    pub has_barriers: bool,
    pub grid: [usize; 2],
}

impl KernelCall {
    /// A kernel that computes `count` items, one a thread.
    pub(super) fn of_items(
        name: &'static str,
        sources: &'static [&'static str],
        constants: KernelConstants,
        count: usize,
    ) -> Self {
        let grid = [count.div_ceil(THREADS), 1];
        Self { name, sources, constants, threads: THREADS, shared_bytes: 0, has_barriers: false, grid }
    }
}

/// The numbers of a batch norm's channels in a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct NormBuffer {
    pub buffer: DeviceBufferId,
    /// Whether the statistics are those of the batch rather than the running ones.
    pub of_batch: bool,
}

/// A norm that the readers of its result apply.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadNorm {
    /// What the norm reads.
    pub map: DeviceMap,
    /// The numbers of its channels.
    pub buffer: DeviceBufferId,
    pub relu: bool,
}

/// Statistics that a convolution took of its results, block by block.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockStatistics {
    pub buffer: DeviceBufferId,
    pub blocks: usize,
    /// Pixels of each block but the last.
    pub block_pixels: usize,
}

pub(super) struct CudaBuilder<'a> {
    pub plan: &'a Plan,
    pub fused: &'a FusedProgram,
    pub options: &'a CudaOptions,
    kernels: Vec<Kernel>,
    kernel_of: HashMap<String, usize>,
    buffers: Vec<DeviceBuffer>,
    named: HashMap<BufferRole, DeviceBufferId>,
    launches: Vec<Launch>,
    maps: Vec<Option<DeviceMap>>,
    gradients: Vec<Option<DeviceMap>>,
    /// Values that are not written: their readers apply the norm.
    read_norms: Vec<Option<ReadNorm>>,
    /// Values that are channels of a concatenation, from this channel on.
    slices: Vec<Option<(FusedValueId, usize)>>,
    /// Norms by node.
    pub norms: Vec<Option<NormBuffer>>,
    /// Statistics by value.
    pub statistics: Vec<Option<BlockStatistics>>,
    /// The step of the plan that is being computed.
    pub step: usize,
    /// What the next launches are parts of, see [`Launch::part`].
    pub part: Option<usize>,
    /// Number of parts so far.
    parts: usize,
    /// What a training step adds to a pass.
    pub training: Option<StepBuffers>,
    backward: usize,
    /// First launch of each section.
    sections: Vec<(ProgramSection, usize)>,
    /// The tensors of the regions.
    pub layout: FlatLayout,
}

impl<'a> CudaBuilder<'a> {
    pub(super) fn new(plan: &'a Plan, fused: &'a FusedProgram, options: &'a CudaOptions) -> Self {
        let (nodes, values) = (fused.nodes.len(), fused.values.len());
        Self {
            plan,
            fused,
            options,
            kernels: Vec::new(),
            kernel_of: HashMap::new(),
            buffers: Vec::new(),
            named: HashMap::new(),
            launches: Vec::new(),
            maps: vec![None; values],
            gradients: vec![None; values],
            read_norms: vec![None; values],
            slices: if options.copies_operands { vec![None; values] } else { concatenated(fused) },
            norms: vec![None; nodes],
            statistics: vec![None; values],
            step: 0,
            part: None,
            parts: 0,
            training: None,
            backward: 0,
            sections: vec![(ProgramSection::Forward, 0)],
            layout: FlatLayout::default(),
        }
    }

    pub(super) fn is_training(&self) -> bool {
        self.fused.mode != PassMode::Infer
    }

    pub(super) fn temporary(&mut self, len: usize) -> DeviceBufferId {
        self.buffers.push(DeviceBuffer { role: BufferRole::Temporary, len, inside: None });
        self.buffers.len() - 1
    }

    /// Returns the buffer with this role.
    pub(super) fn named(&mut self, role: BufferRole, len: usize) -> BufferPlace {
        let buffer = *self.named.entry(role.clone()).or_insert_with(|| {
            self.buffers.push(DeviceBuffer { role, len, inside: None });
            self.buffers.len() - 1
        });
        assert_eq!(self.buffers[buffer].len, len, "a role has one size");
        BufferPlace { buffer, offset: 0 }
    }

    /// Lets the buffer with this role be a part of another buffer.
    pub(super) fn part(&mut self, role: BufferRole, len: usize, place: BufferPlace) {
        let buffer = self.named(role, len).buffer;
        self.buffers[buffer].inside = Some(place);
    }

    /// Returns the buffer with this role, if the program has it.
    pub(super) fn existing(&self, role: &BufferRole) -> Option<BufferPlace> {
        self.named.get(role).map(|&buffer| BufferPlace { buffer, offset: 0 })
    }

    /// Whether the gradient of a tensor is needed.
    pub(super) fn trains(&self, layer: usize, name: &'static str) -> bool {
        self.training.as_ref().is_none_or(|training| training.trains(layer, name))
    }

    /// Returns a tensor of a layer.
    pub(super) fn weight(&mut self, layer: usize, name: &'static str) -> BufferPlace {
        let len = self.weight_len(layer, name).expect("the layer has this tensor");
        self.named(BufferRole::Weight { layer, name }, len)
    }

    pub(super) fn weight_gradient(&mut self, layer: usize, name: &'static str) -> BufferPlace {
        let len = self.weight_len(layer, name).expect("the layer has this tensor");
        self.named(BufferRole::WeightGradient { layer, name }, len)
    }

    /// Returns the length of a tensor of a layer; `None` if the layer has none of this name.
    pub(super) fn weight_len(&self, layer: usize, name: &str) -> Option<usize> {
        let spec = self.plan.layers[layer].params.iter().find(|spec| spec.name == name)?;
        Some(spec.shape.iter().product())
    }

    fn new_map(&mut self, dims: [usize; 4]) -> DeviceMap {
        let pitch = DeviceMap::stored(dims[1]);
        let buffer = self.temporary(dims[0] * dims[2] * dims[3] * pitch);
        DeviceMap { buffer, offset: 0, dims, pitch }
    }

    /// Returns a value, which its node has written.
    pub(super) fn map(&self, value: FusedValueId) -> DeviceMap {
        self.maps[value].expect("nodes come after those that they read")
    }

    /// Leaves a norm to the readers of its result, if all of them can apply it. Returns whether they can.
    pub(super) fn leave_to_readers(&mut self, value: FusedValueId, norm: ReadNorm) -> bool {
        let applies = |node: &FusedNode| match &node.op {
            // The others read their input number by number.
            FusedOp::Conv(conv) => conv.kind == ConvKind::Regular,
            FusedOp::Image | FusedOp::Norm(_) | FusedOp::Operator { .. } => false,
        };
        let mut readers = self.fused.nodes.iter().filter(|node| node.inputs.contains(&value));
        let is_left = !self.options.writes_norms && !self.fused.results.contains(&value) && readers.all(applies);
        if is_left {
            self.read_norms[value] = Some(norm);
        }
        is_left
    }

    /// Returns the norm that readers of a value apply.
    pub(super) fn read_norm(&self, value: FusedValueId) -> Option<ReadNorm> {
        self.read_norms[value]
    }

    /// Returns the map that a node writes.
    pub(super) fn output(&mut self, value: FusedValueId) -> DeviceMap {
        if let Some(map) = self.maps[value] {
            return map;
        }
        let dims = self.fused.values[value].dims;
        let map = match self.slices[value] {
            Some((whole, first)) => self.output(whole).slice(first, dims[1]),
            None => self.new_map(dims),
        };
        self.maps[value] = Some(map);
        map
    }

    /// Whether a value's numbers lie in the channels of this concatenation from `first` on.
    pub(super) fn is_slice(&self, value: FusedValueId, whole: FusedValueId, first: usize) -> bool {
        self.slices[value] == Some((whole, first))
    }

    /// Lets a gradient be channels of another one, from `first` on, if nothing has written it. Returns whether it is.
    pub(super) fn share_gradient(&mut self, value: FusedValueId, whole: DeviceMap, first: usize) -> bool {
        let channels = self.fused.values[value].dims[1];
        let free = !self.options.copies_operands && self.gradients[value].is_none();
        let shared = free && whole.has_aligned(first, channels);
        if shared {
            self.gradients[value] = Some(whole.slice(first, channels));
        }
        shared
    }

    /// Returns the gradient of a value, if something has written it.
    pub(super) fn gradient(&self, value: FusedValueId) -> Option<DeviceMap> {
        self.gradients[value]
    }

    /// Returns where to write a gradient, and whether to add to what is there.
    pub(super) fn gradient_into(&mut self, value: FusedValueId) -> (DeviceMap, bool) {
        if let Some(map) = self.gradients[value] {
            return (map, true);
        }
        let map = self.new_map(self.fused.values[value].dims);
        self.gradients[value] = Some(map);
        (map, false)
    }

    pub(super) fn launch(&mut self, call: KernelCall, arguments: Vec<Option<BufferPlace>>) {
        let constants = call.constants.int("THREADS", call.threads);
        let text = format!("{}{}", constants.text(), call.sources.concat());
        let kernel = *self.kernel_of.entry(text.clone()).or_insert_with(|| {
            self.kernels.push(Kernel {
                name: call.name,
                text,
                threads: call.threads,
                shared_bytes: call.shared_bytes,
                has_barriers: call.has_barriers,
            });
            self.kernels.len() - 1
        });
        self.launches.push(Launch { kernel, grid: call.grid, arguments, step: self.step, part: self.part });
    }

    /// Returns a number for launches that are parts of one result.
    pub(super) fn new_part(&mut self) -> usize {
        self.parts += 1;
        self.fused.values.len() + self.parts
    }

    /// Returns the number for launches that write a value, if it is an operand of a concatenation.
    pub(super) fn slice_part(&self, value: FusedValueId) -> Option<usize> {
        let mut root = value;
        while let Some((whole, _)) = self.slices[root] {
            root = whole;
        }
        (root != value).then_some(root)
    }

    /// Begins a section. The forward pass is the first by itself.
    pub(super) fn begin(&mut self, section: ProgramSection) {
        if self.sections.len() == 1 {
            self.backward = self.launches.len();
        }
        self.sections.push((section, self.launches.len()));
    }

    pub(super) fn finish(self) -> CudaProgram {
        let end = self.launches.len();
        let ends = self.sections.iter().skip(1).map(|(_, start)| *start).chain([end]);
        let sections = self.sections.iter().zip(ends).map(|(&(section, start), end)| (section, start..end)).collect();
        CudaProgram {
            kernels: self.kernels,
            buffers: self.buffers,
            backward: if self.sections.len() == 1 { end } else { self.backward },
            launches: self.launches,
            sections,
            layout: self.layout,
        }
    }

    /// Refuses an operator that has no kernel.
    pub(super) fn no_kernel<T>(&self, what: &str) -> Result<T, Unsupported> {
        let path = &self.plan.steps[self.step].path;
        Err(Unsupported(format!("{path}: no CUDA kernel for {what}")))
    }
}

/// Returns the place of a whole buffer.
pub(super) fn whole(buffer: DeviceBufferId) -> Option<BufferPlace> {
    Some(BufferPlace { buffer, offset: 0 })
}

/// Returns which values can be written to their channels of a concatenation at once: those whose channels begin and end
/// with a group of four. A value of several concatenations is a part of the first.
fn concatenated(fused: &FusedProgram) -> Vec<Option<(FusedValueId, usize)>> {
    let mut slices = vec![None; fused.values.len()];
    for node in &fused.nodes {
        if !matches!(node.op, FusedOp::Operator { op: Op::Concat(_), .. }) {
            continue;
        }
        let whole = node.outputs[0];
        let mut first = 0;
        for &input in &node.inputs {
            let channels = fused.values[input].dims[1];
            let aligned = aligned(first, channels, fused.values[whole].dims[1]);
            if aligned && slices[input].is_none() {
                slices[input] = Some((whole, first));
            }
            first += channels;
        }
    }
    slices
}
