//! Networks on NVIDIA GPUs by kernels of our own: CUDA C++ that is written from the plan, with all sizes as constants.
//!
//! [`lower`] turns a fused program into launches over buffers, [`lower_step`] a whole training step. [`arena`] gives
//! buffers their places in one block of memory, [`dependencies`] says which launches wait for which. Maps have channels
//! last. Convolutions are matrix products on tensor cores; sums over pixels are cut into runs
//! by shape alone and added in a fixed order, so that a step gives the same bits each time. No kernel adds floats
//! atomically.
//!
//! All of that is text and numbers: it needs no GPU, no driver and no library, and the tests run the kernels on the
//! processor. [`driver`] speaks to a GPU, [`session`] runs a program on it.

pub(crate) mod arena;
mod builder;
mod constants;
mod conv;
mod conv_tile;
mod dependencies;
pub(crate) mod driver;
mod gpu;
mod inference;
mod listing;
mod loss;
mod loss_terms;
mod lower;
mod map;
mod norm;
mod operators;
mod places;
mod program;
mod region;
mod relayout;
mod scalars;
pub(crate) mod session;
mod step;
mod step_buffers;
mod trainer;
mod update;

pub use crate::text::config::ProductPrecision;
pub use builder::CudaOptions;
pub use conv_tile::ConvTile;
pub use dependencies::{Dependencies, dependencies};
pub use driver::PRELUDE;
pub use gpu::Gpu;
pub use inference::CudaInference;
pub use lower::{lower, lower_classes};
pub use places::Arena;
pub use program::{
    BufferPlace, BufferRole, CudaProgram, DeviceBuffer, DeviceBufferId, FlatRegion, Kernel, Launch, ProgramSection,
    StepReport,
};
pub use region::{FlatLayout, FlatTensor, FlatTensors};
pub use scalars::StepScalars;
pub use step::{TrainingStep, lower_step};
pub use trainer::{CudaTrainer, PassReport, PreparedTraining, TrainingBatch};
