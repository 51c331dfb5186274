//! Batches to weights: losses, optimisers, training, checkpoints.

mod losses;
mod model_training;
mod optim;
mod torch;
pub mod train;
