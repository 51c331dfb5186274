//! The memory footprint of an operator: tensors saved for the backward pass, output storage and workspace.
//!
//! The rules describe the runtime of this program: Burn 0.22.1 with its CPU backend and autodiff without checkpointing
//! (crates burn-autodiff, burn-flex and burn-backend), under `compute/exec`. Each rule names the function that implements
//! it. Numbers are 32-bit floats and indices 32-bit integers (burn-flex `backend.rs`, `defaults`); masks
//! take one byte per number.
//!
//! Weights are not included, since they exist throughout.

use crate::graph::ty::TensorType;
use std::ops::Add;

/// Bytes per float and per index.
pub const WORD: u64 = 4;

/// An amount of memory that grows with the batch: `fixed + batch * per_image`. All arithmetic saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchBytes {
    /// Bytes that do not depend on the batch.
    pub fixed: u64,
    /// Bytes per image of the batch.
    pub per_image: u64,
}

impl BatchBytes {
    /// No memory.
    pub const NONE: BatchBytes = BatchBytes { fixed: 0, per_image: 0 };

    /// Returns an amount of `count` words that does not depend on the batch.
    pub fn words(count: u64) -> Self {
        Self { fixed: count.saturating_mul(WORD), per_image: 0 }
    }

    /// Returns an amount of `count` words per image.
    pub fn words_per_image(count: u64) -> Self {
        Self { fixed: 0, per_image: count.saturating_mul(WORD) }
    }

    /// Returns an amount of `count` bytes per image.
    pub fn bytes_per_image(count: u64) -> Self {
        Self { fixed: 0, per_image: count }
    }

    /// Returns the size of a tensor of this type.
    pub fn of(ty: &TensorType) -> Self {
        Self::words_per_image(ty.shape().elements())
    }

    /// Returns the bytes for a batch of `batch` images.
    pub fn at(self, batch: u64) -> u64 {
        self.per_image.saturating_mul(batch).saturating_add(self.fixed)
    }

    /// Multiplies the amount by `count`.
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

/// The pass that a footprint describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// A forward pass without gradients.
    Inference,
    /// Forward and backward pass.
    Training,
}

/// Storage of the first output; the others always have new buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStorage {
    /// A new buffer.
    New,
    /// The buffer of the first of these inputs that has no other holder; a new buffer if there is none.
    InPlace(&'static [usize]),
    /// The whole buffer of an input, with another shape.
    Alias(usize),
    /// A view of a part of an input, which keeps the whole buffer alive.
    Part(usize),
}

/// Storage of the gradients of the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradientStorage {
    /// New buffers.
    New,
    /// The buffer of the output's gradient if it has no other holder.
    InPlace,
    /// The output's gradient itself or views of it.
    Alias,
}

/// A tensor that the backward pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavedTensor {
    /// The input at this slot, counted once if several nodes save it.
    Input(usize),
    /// The output at this slot.
    Output(usize),
    /// Another tensor: a mask, an intermediate result, statistics.
    Other(BatchBytes),
}

/// The memory footprint of one application of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    /// Storage of the first output.
    pub output: OutputStorage,
    /// Storage of the gradients of the inputs.
    pub gradient: GradientStorage,
    /// Tensors held from this node's forward step to its backward step, in [`PassKind::Training`] only.
    pub saved: Vec<SavedTensor>,
    /// Workspace of the forward step, in addition to inputs, outputs and saved tensors.
    pub forward: BatchBytes,
    /// Workspace of the backward step, in addition to saved tensors and the gradients of outputs, inputs and weights.
    pub backward: BatchBytes,
    /// Workspace while the gradients of the inputs are computed, which precedes `backward`; zero if there are none.
    pub input_gradients: BatchBytes,
    /// Workspace of each thread in addition to `forward`, `backward` and `input_gradients`, in this order.
    pub per_thread: [BatchBytes; 3],
    /// Whether `backward` serves the weight gradients only, so that frozen weights need none of it.
    pub backward_for_weights: bool,
}

impl Footprint {
    /// Returns the footprint of an operator with a new output, no saved tensors and no workspace.
    pub fn new() -> Self {
        Self {
            output: OutputStorage::New,
            gradient: GradientStorage::New,
            saved: Vec::new(),
            forward: BatchBytes::NONE,
            backward: BatchBytes::NONE,
            input_gradients: BatchBytes::NONE,
            per_thread: [BatchBytes::NONE; 3],
            backward_for_weights: false,
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

    /// Sets the workspace of the forward step, of the weight gradients and of the input gradients.
    pub(super) fn conv_workspace(self, forward: ConvWorkspace, weights: ConvWorkspace, inputs: ConvWorkspace) -> Self {
        let per_thread = [forward, weights, inputs].map(|t| t.per_thread);
        let (forward, backward, input_gradients) = (forward.shared, weights.shared, inputs.shared);
        Self { forward, backward, input_gradients, per_thread, backward_for_weights: true, ..self }
    }
}

impl Default for Footprint {
    fn default() -> Self {
        Self::new()
    }
}

/// Workspace of a convolution: shared by the threads, and for each thread.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ConvWorkspace {
    shared: BatchBytes,
    per_thread: BatchBytes,
}

/// Returns the size of a mask: one byte for each number of a tensor.
pub(super) fn mask_bytes(ty: &TensorType) -> BatchBytes {
    BatchBytes::bytes_per_image(ty.shape().elements())
}

/// The sizes that decide what a convolution allocates.
pub(super) struct ConvExtent {
    /// Input and output channels.
    pub channels: [usize; 2],
    pub groups: usize,
    /// Number of kernel taps.
    pub taps: u64,
    /// Pixels of the input and output map.
    pub pixels: [u64; 2],
    /// Whether the kernel has one tap, without stride and padding.
    pub pointwise: bool,
}

/// Output pixels unrolled at once (im2col): `TILE_SIZE` in burn-flex `ops/conv.rs`.
const TILE: u64 = 512;

impl ConvExtent {
    fn channels(&self) -> [u64; 2] {
        self.channels.map(|c| c as u64)
    }

    /// Workspace of the forward step. burn-flex `ops/conv.rs`, `conv3d_typed`: pointwise, depthwise and convolutions of
    /// few channels (4 to 16 at most) read the input in place. `conv3d_impl` copies the input with channels last
    /// and the weights, and unrolls a tile in each thread.
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

    /// Workspace of a transposed convolution with this extent. burn-flex `ops/conv_transpose.rs`, `conv_transpose3d_impl`:
    /// a buffer of columns in each thread, at most 8 MiB unless one input pixel needs more.
    pub(super) fn transposed(&self) -> ConvWorkspace {
        let columns = (self.channels()[1] / self.groups as u64).saturating_mul(self.taps).max(1);
        let tile = ((8 << 20) / WORD / columns).max(1);
        ConvWorkspace {
            shared: BatchBytes::NONE,
            per_thread: BatchBytes::words(columns.saturating_mul(tile.min(self.pixels[0]))),
        }
    }

    /// Workspace of the weight gradient. burn-backend `ops/modules/conv.rs`, `conv2d_weight_grad_*`: a convolution of the
    /// input by the gradient with batch and channels swapped. The swap and `conv3d_impl` copy each of the two; a column is
    /// a whole map.
    pub(super) fn weight_gradient(&self) -> ConvWorkspace {
        let [c, out] = self.channels();
        let [from, to] = self.pixels;
        let copies = c.saturating_mul(from).saturating_add(out.saturating_mul(to)).saturating_mul(2);
        let groups = self.groups as u64;
        let column = BatchBytes::words_per_image(to.saturating_mul(self.taps.min(TILE)));
        ConvWorkspace { shared: BatchBytes::words_per_image(copies).over(groups), per_thread: column }
    }

    /// Returns the extent with input and output swapped.
    pub(super) fn reversed(&self) -> Self {
        let [c, out] = self.channels;
        let [from, to] = self.pixels;
        Self { channels: [out, c], pixels: [to, from], ..*self }
    }
}
