//! Batches to weights: losses, optimisers, training, checkpoints.

mod losses;
mod optim;
mod torch;
pub mod train;
mod zoo_training;
