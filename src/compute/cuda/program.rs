//! A network at one size as launches of kernels over buffers.

/// Index into the buffers of a [`CudaProgram`].
pub type DeviceBufferId = usize;

/// What a buffer holds. All numbers are 32-bit floats.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BufferRole {
    /// The images, `[n][c][h][w]`.
    Image,
    /// A result by its number, `[n][c][h][w]`.
    Result(usize),
    /// The loss's gradient of a result, in the result's order.
    ResultGradient(usize),
    /// A tensor of a layer, in PyTorch's order.
    Weight { layer: usize, name: &'static str },
    /// The gradient of such a tensor.
    WeightGradient { layer: usize, name: &'static str },
    /// Mean and biased variance of each channel of a batch norm's input, as the pass found them.
    BatchStatistics { layer: usize },
    /// The gradient of the images, `[n][c][h][w]`.
    ImageGradient,
    /// The seed of a pass: two 32-bit halves.
    Seed,
    /// Numbers that the program computes and needs for a while.
    Temporary,
}

#[derive(Debug, Clone)]
pub struct DeviceBuffer {
    pub role: BufferRole,
    /// Number of 32-bit numbers.
    pub len: usize,
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

/// Launches in order. Those from `backward` on need the gradients of the results.
#[derive(Debug)]
pub struct CudaProgram {
    pub kernels: Vec<Kernel>,
    pub buffers: Vec<DeviceBuffer>,
    pub launches: Vec<Launch>,
    /// Number of launches of the forward pass.
    pub backward: usize,
}

impl CudaProgram {
    /// Returns the buffer with this role, which is not [`BufferRole::Temporary`].
    pub fn buffer(&self, role: &BufferRole) -> Option<DeviceBufferId> {
        self.buffers.iter().position(|buffer| buffer.role == *role)
    }
}
