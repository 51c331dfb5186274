//! `npc lower --cuda`: the launches and the texts of a model's CUDA kernels.

use crate::cli::error::CommandResult;
use crate::cli::option_words::{PRECISIONS, word_parser};
use crate::cli::terminal::print;
use crate::desk::{CudaRequest, check_outputs_of_model, cuda_kernels};
use crate::graph::check::CheckedGraph;
use crate::text::config::ProductPrecision;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct CudaListingOptions {
    /// Print the launches of npc's own CUDA kernels instead; needs no GPU
    #[arg(long)]
    pub(super) cuda: bool,
    /// Launches of a training step, loss and update included, rather than of a forward pass
    #[arg(long, requires = "cuda")]
    training: bool,
    /// Images of a batch
    #[arg(long, value_name = "N", default_value = "1", requires = "cuda")]
    batch: NonZeroUsize,
    /// Products of the kernels
    #[arg(long, value_parser = word_parser(PRECISIONS, ProductPrecision::name), default_value = "tf32", requires = "cuda")]
    precision: ProductPrecision,
    /// Write the CUDA C++ of each kernel to a file of this folder
    #[arg(long, value_name = "DIR", requires = "cuda")]
    kernels: Option<PathBuf>,
}

/// `file` is the model file.
pub(super) fn run(opts: &CudaListingOptions, file: &Path, checked: &CheckedGraph) -> CommandResult {
    let request = CudaRequest { batch: opts.batch.get(), training: opts.training, precision: opts.precision };
    let kernels = cuda_kernels(checked, &request)?;
    if let Some(folder) = &opts.kernels {
        let outputs = kernels.files.iter().map(|(name, _)| folder.join(name));
        check_outputs_of_model(outputs, file, None)?;
        kernels.write(folder)?;
    }
    print(&kernels.listing)
}
