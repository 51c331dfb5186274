//! What an operator does to memory: what stays for the backward pass, where its output goes, what it needs meanwhile.
//!
//! The rules say what the runtime of this program does: Burn 0.22.1 with its CPU backend and autodiff without
//! checkpointing (crates burn-autodiff, burn-flex and burn-backend), under `compute/exec`. Each rule names the function that
//! it was read from. Numbers are 32-bit floats and indices 32-bit integers (burn-flex `backend.rs`, `defaults`); masks
//! are a byte a number.
//!
//! Weights are not in here: they are there all the time.

use crate::graph::ty::TensorType;
use std::ops::Add;

/// Bytes of a float and of an index.
pub const WORD: u64 = 4;

/// An amount of memory that grows with the batch: `fixed + batch * per_image`. All arithmetic saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchBytes {
    /// Bytes whatever the batch.
    pub fixed: u64,
    /// Bytes for each image of the batch.
    pub per_image: u64,
}

impl BatchBytes {
    /// No memory.
    pub const NONE: BatchBytes = BatchBytes { fixed: 0, per_image: 0 };

    /// So many words, whatever the batch.
    pub fn words(count: u64) -> Self {
        Self { fixed: count.saturating_mul(WORD), per_image: 0 }
    }

    /// So many words for each image.
    pub fn words_per_image(count: u64) -> Self {
        Self { fixed: 0, per_image: count.saturating_mul(WORD) }
    }

    /// So many bytes for each image.
    pub fn bytes_per_image(count: u64) -> Self {
        Self { fixed: 0, per_image: count }
    }

    /// A tensor of this type.
    pub fn of(ty: &TensorType) -> Self {
        Self::words_per_image(ty.shape().elements())
    }

    /// Returns the bytes for a batch of so many images.
    pub fn at(self, batch: u64) -> u64 {
        self.per_image.saturating_mul(batch).saturating_add(self.fixed)
    }

    /// Returns the amount `count` times.
    pub fn times(self, count: u64) -> Self {
        Self { fixed: self.fixed.saturating_mul(count), per_image: self.per_image.saturating_mul(count) }
    }

    /// Returns one of `parts` equal parts, rounded up. `parts` is above 0.
    pub fn over(self, parts: u64) -> Self {
        Self { fixed: self.fixed.div_ceil(parts), per_image: self.per_image.div_ceil(parts) }
    }

    /// Returns the amount without `other`; neither part goes below 0.
    pub fn minus(self, other: Self) -> Self {
        Self {
            fixed: self.fixed.saturating_sub(other.fixed),
            per_image: self.per_image.saturating_sub(other.per_image),
        }
    }
}

impl Add for BatchBytes {
    type Output = BatchBytes;

    fn add(self, other: Self) -> Self {
        Self {
            fixed: self.fixed.saturating_add(other.fixed),
            per_image: self.per_image.saturating_add(other.per_image),
        }
    }
}

/// Which pass a footprint is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// Evaluation, no gradients.
    Inference,
    /// Forward and backward.
    Training,
}

/// Where the first output goes; the others have memory of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStorage {
    /// Memory of its own.
    New,
    /// Over the first of these inputs that nobody else holds; new if there is none.
    InPlace(&'static [usize]),
    /// The whole of an input under another shape.
    Alias(usize),
    /// A part of an input, which stays as a whole for as long as the part is held.
    Part(usize),
}

/// Where the gradients of the inputs go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradientStorage {
    /// Memory of their own.
    New,
    /// Over the gradient of the output if nobody else holds it.
    InPlace,
    /// They are the gradient of the output or parts of it.
    Alias,
}

/// A tensor that the backward pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavedTensor {
    /// The input at this slot. Held by several nodes it counts once.
    Input(usize),
    /// The output at this slot.
    Output(usize),
    /// Something that is neither: a mask, an intermediate result, statistics.
    Other(BatchBytes),
}

/// What one application of an operator does to memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    /// Where the first output goes.
    pub output: OutputStorage,
    /// Where the gradients of the inputs go.
    pub gradient: GradientStorage,
    /// Held from this node's forward step to its backward step. Read in [`PassKind::Training`] only.
    pub saved: Vec<SavedTensor>,
    /// Held during the forward step beside inputs, outputs and what is saved.
    pub forward: BatchBytes,
    /// Held during the backward step beside what is saved and the gradients of outputs, inputs and weights.
    pub backward: BatchBytes,
    /// Held during the backward step before that, while the gradients of the inputs are made, if any is.
    pub inputs: BatchBytes,
    /// Held by each thread in addition to `forward`, `backward` and `inputs`.
    pub per_thread: [BatchBytes; 3],
    /// `backward` is for the gradients of the weights alone: nothing of it is needed where they are frozen.
    pub weights_apart: bool,
}

impl Footprint {
    /// An operator that makes a new tensor and forgets everything.
    pub fn new() -> Self {
        Self {
            output: OutputStorage::New,
            gradient: GradientStorage::New,
            saved: Vec::new(),
            forward: BatchBytes::NONE,
            backward: BatchBytes::NONE,
            inputs: BatchBytes::NONE,
            per_thread: [BatchBytes::NONE; 3],
            weights_apart: false,
        }
    }

    pub(super) fn output(self, output: OutputStorage) -> Self {
        Self { output, ..self }
    }

    pub(super) fn gradient(self, gradient: GradientStorage) -> Self {
        Self { gradient, ..self }
    }

    pub(super) fn saves(mut self, saved: impl IntoIterator<Item = SavedTensor>) -> Self {
        self.saved.extend(saved);
        self
    }

    pub(super) fn workspace(self, forward: BatchBytes, backward: BatchBytes) -> Self {
        Self { forward, backward, ..self }
    }

    /// Of a forward step, of the gradient of the weights and of that of the inputs.
    pub(super) fn tiled(self, forward: ConvWorkspace, weights: ConvWorkspace, inputs: ConvWorkspace) -> Self {
        let per_thread = [forward, weights, inputs].map(|t| t.per_thread);
        let (forward, backward, inputs) = (forward.shared, weights.shared, inputs.shared);
        Self { forward, backward, inputs, per_thread, weights_apart: true, ..self }
    }
}

impl Default for Footprint {
    fn default() -> Self {
        Self::new()
    }
}

/// Workspace that threads share and that each has for itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ConvWorkspace {
    shared: BatchBytes,
    per_thread: BatchBytes,
}

/// A byte for each number of a tensor.
pub(super) fn mask_bytes(ty: &TensorType) -> BatchBytes {
    BatchBytes::bytes_per_image(ty.shape().elements())
}

/// The sizes that decide what a convolution allocates.
pub(super) struct ConvExtent {
    /// Channels in and out.
    pub channels: [usize; 2],
    pub groups: usize,
    /// Taps of the kernel.
    pub taps: u64,
    /// Pixels of the map in and out.
    pub pixels: [u64; 2],
    /// A kernel of one tap, neither strided nor padded.
    pub pointwise: bool,
}

/// Output pixels that are unrolled at once: `TILE_SIZE` in burn-flex `ops/conv.rs`.
const TILE: u64 = 512;

impl ConvExtent {
    fn channels(&self) -> [u64; 2] {
        self.channels.map(|c| c as u64)
    }

    /// burn-flex `ops/conv.rs`, `conv3d_typed`: pointwise, depthwise and convolutions of few channels (4 to 16 at most)
    /// read the input where it is. `conv3d_impl` makes a copy of the input with channels last and one of the weights,
    /// and in each thread unrolls a tile.
    pub(super) fn convolution(&self) -> ConvWorkspace {
        let [c, out] = self.channels();
        let groups = self.groups as u64;
        let depthwise = groups == c && c == out;
        if self.pointwise || depthwise || (groups == 1 && c <= 4 && out <= 16) {
            return ConvWorkspace::default();
        }
        let taps = (c / groups).saturating_mul(self.taps);
        let tile = TILE.min(self.pixels[1]).saturating_mul(taps.saturating_add(out / groups));
        let input = BatchBytes::words_per_image(c.saturating_mul(self.pixels[0]));
        ConvWorkspace {
            shared: BatchBytes::words(out.saturating_mul(taps)) + input,
            per_thread: BatchBytes::words(tile),
        }
    }

    /// burn-flex `ops/conv_transpose.rs`, `conv_transpose3d_impl`, from the sizes of the transposed convolution: a buffer
    /// of columns in each thread, 8 MiB at most unless one input pixel needs more.
    pub(super) fn transposed(&self) -> ConvWorkspace {
        let columns = (self.channels()[1] / self.groups as u64).saturating_mul(self.taps).max(1);
        let tile = ((8 << 20) / WORD / columns).max(1);
        ConvWorkspace {
            shared: BatchBytes::NONE,
            per_thread: BatchBytes::words(columns.saturating_mul(tile.min(self.pixels[0]))),
        }
    }

    /// burn-backend `ops/modules/conv.rs`, `conv2d_weight_grad_*`: a convolution of the input by the gradient, batch and
    /// channels swapped. Each of the two is copied by the swap and once more by `conv3d_impl`; a column is a whole map.
    pub(super) fn weight_gradient(&self) -> ConvWorkspace {
        let [c, out] = self.channels();
        let [from, to] = self.pixels;
        let copies = c.saturating_mul(from).saturating_add(out.saturating_mul(to)).saturating_mul(2);
        let groups = self.groups as u64;
        let column = BatchBytes::words_per_image(to.saturating_mul(self.taps.min(TILE)));
        ConvWorkspace { shared: BatchBytes::words_per_image(copies).over(groups), per_thread: column }
    }

    /// The same convolution seen from its output.
    pub(super) fn reversed(&self) -> Self {
        let [c, out] = self.channels;
        let [from, to] = self.pixels;
        Self { channels: [out, c], pixels: [to, from], ..*self }
    }
}
