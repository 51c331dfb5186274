//! A network at one size as launches of kernels over buffers.

use super::region::FlatLayout;
use std::ops::Range;

/// Index into the buffers of a [`CudaProgram`].
pub type DeviceBufferId = usize;

/// What a buffer holds. Numbers are 32-bit floats where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BufferRole {
    /// The images, `[n][c][h][w]`.
    Image,
    /// The true class of each pixel, one byte each, `[n][h][w]`: a class, or the class of ignored pixels.
    Targets,
    /// What changes from pass to pass and from step to step: the words of [`StepScalars`](super::StepScalars).
    Scalars,
    /// A result by its number, `[n][c][h][w]`.
    Result(usize),
    /// The loss's gradient of a result, in the result's order.
    ResultGradient(usize),
    /// The highest class of each pixel of the first result, one byte each, `[n][h][w]`; the last word is filled with zeros.
    Classes,
    /// The softmax of the first result, `[n][c][h][w]`.
    Probabilities,
    /// A tensor of a layer, in PyTorch's order. In a training step, trained tensors are places in
    /// [`FlatRegion::Weights`], and the running statistics of a batch are in [`FlatRegion::Statistics`].
    Weight { layer: usize, name: &'static str },
    /// The gradient of such a tensor.
    WeightGradient { layer: usize, name: &'static str },
    /// Mean and biased variance of each channel of a batch norm's input, as the pass found them.
    BatchStatistics { layer: usize },
    /// The gradient of the images, `[n][c][h][w]`.
    ImageGradient,
    /// The seed of a pass: two 32-bit halves.
    Seed,
    /// The loss of the batch; the sum over the step's batches so far, each times its share; and each term of the batch's loss,
    /// before weights, by result and then by term.
    Loss,
    /// What the last update found: see [`StepReport`].
    Report,
    /// Tensors side by side.
    Region(FlatRegion),
    /// Numbers that the program computes and needs for a while.
    Temporary,
}

/// A row of tensors, each at the offset that [`FlatLayout`] has for it. A region is zero before its tensors are written,
/// and stays zero between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlatRegion {
    /// All trained tensors.
    Weights,
    /// The gradient of each, of the last batch.
    Gradients,
    /// The sum of the gradients of a step's batches, each times its share.
    GradientSums,
    /// The optimiser's state by number, in the order of [`Optimizer::state`](crate::text::config::Optimizer::state).
    Moment(usize),
    /// The moving average of the weights.
    Average,
    /// Running statistics after the last step.
    Statistics,
    /// Running statistics after the last batch.
    PendingStatistics,
    /// The moving average of the running statistics.
    AverageStatistics,
}

/// The numbers of [`BufferRole::Report`], written by each update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// L2 norm of all gradients, before clipping.
    pub norm: f32,
    /// Factor of the gradients: below 1 if they were clipped.
    pub factor: f32,
    /// Whether the weights have moved: norm and loss were finite, in this step and in those before.
    pub moved: bool,
}

impl StepReport {
    /// Number of 32-bit numbers.
    pub const LEN: usize = 3;
    /// The buffer before the first step.
    pub const START: [f32; Self::LEN] = [0.0, 1.0, 1.0];

    /// Reads the numbers of the buffer, of which there are [`StepReport::LEN`].
    pub fn of(numbers: [f32; Self::LEN]) -> Self {
        let [norm, factor, moved] = numbers;
        Self { norm, factor, moved: moved != 0.0 }
    }
}

#[derive(Debug, Clone)]
pub struct DeviceBuffer {
    pub role: BufferRole,
    /// Number of 32-bit numbers.
    pub len: usize,
    /// The place in another buffer that this one is a part of.
    pub inside: Option<BufferPlace>,
}

/// A kernel's text, and how it is launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its family, for people.
    pub name: &'static str,
    /// Constants and sources, without the prelude.
    pub text: String,
    pub threads: usize,
    /// Bytes of shared memory of a block.
    pub shared_bytes: usize,
    /// Whether threads of a block wait for each other.
    pub has_barriers: bool,
}

impl Kernel {
    /// Returns for each argument whether the kernel may write through it: a pointer to `const` is only read, and the compiler of
    /// the kernel holds that.
    pub fn writes(&self) -> Vec<bool> {
        let signature = self.text.split_once("KERNEL run(").and_then(|(_, rest)| rest.split_once(')'));
        let (arguments, _) = signature.expect("each kernel's text has one function `run`");
        arguments.split(',').map(|argument| !argument.trim_start().starts_with("const ")).collect()
    }
}

/// Pointer to the number `offset` of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferPlace {
    pub buffer: DeviceBufferId,
    pub offset: usize,
}

#[derive(Debug, Clone)]
pub struct Launch {
    /// Index into [`CudaProgram::kernels`].
    pub kernel: usize,
    /// Blocks along x and y.
    pub grid: [usize; 2],
    /// `None` is a null pointer, for what the kernel's constants switch off.
    pub arguments: Vec<Option<BufferPlace>>,
    /// The step of the plan whose time this is.
    pub step: usize,
    /// Launches with the same number write different numbers of a buffer through the same argument, so none waits for another: the phases of a
    /// strided gradient, the operands of a concatenation.
    pub part: Option<usize>,
}

/// What launches in a row are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProgramSection {
    /// From the images to the results.
    Forward,
    /// From the first result to the class of each pixel.
    Classes,
    /// From results and targets to the loss and the gradients of the results.
    Loss,
    /// From the gradients of the results to those of the weights.
    Backward,
    /// Adds the gradients of a batch to those of the step.
    Accumulate,
    /// From the gradients of a step to new weights.
    Update,
}

impl ProgramSection {
    /// Returns the name in listings.
    pub fn name(self) -> &'static str {
        match self {
            ProgramSection::Forward => "forward",
            ProgramSection::Classes => "classes",
            ProgramSection::Loss => "loss",
            ProgramSection::Backward => "backward",
            ProgramSection::Accumulate => "accumulate",
            ProgramSection::Update => "update",
        }
    }
}

/// Launches in order. Those from `backward` on need the gradients of the results.
#[derive(Debug, Default)]
pub struct CudaProgram {
    pub kernels: Vec<Kernel>,
    pub buffers: Vec<DeviceBuffer>,
    pub launches: Vec<Launch>,
    /// Number of launches of the forward pass.
    pub backward: usize,
    /// Purposes with their launches, one after the other; together they are all launches.
    pub sections: Vec<(ProgramSection, Range<usize>)>,
    /// The tensors of the regions.
    pub layout: FlatLayout,
}

impl CudaProgram {
    /// Returns the buffer with this role, which is not [`BufferRole::Temporary`].
    pub fn buffer(&self, role: &BufferRole) -> Option<DeviceBufferId> {
        self.buffers.iter().position(|buffer| buffer.role == *role)
    }

    /// Returns the launches of a section; none if the program does not have it.
    pub fn section(&self, section: ProgramSection) -> Range<usize> {
        self.sections.iter().find(|(kind, _)| *kind == section).map_or(0..0, |(_, launches)| launches.clone())
    }

    /// Returns the launches of a batch: everything before the update.
    pub fn pass(&self) -> Range<usize> {
        match self.section(ProgramSection::Update) {
            update if update.is_empty() => 0..self.launches.len(),
            update => 0..update.start,
        }
    }

    /// Returns the launches of the update, once after the batches of a step.
    pub fn update(&self) -> Range<usize> {
        self.section(ProgramSection::Update)
    }

    /// Returns the place of a buffer in one that is part of no other.
    pub fn outermost(&self, id: DeviceBufferId) -> BufferPlace {
        match self.buffers[id].inside {
            None => BufferPlace { buffer: id, offset: 0 },
            Some(BufferPlace { buffer, offset }) => {
                let outer = self.outermost(buffer);
                BufferPlace { offset: outer.offset + offset, ..outer }
            }
        }
    }
}
