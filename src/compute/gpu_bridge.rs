//! Connects networks to npc's own kernels on a GPU: results of a network that was placed on one.

use super::cuda::{CudaInference, Gpu};
use super::engine_bridge::read_weights;
use super::network::Network;
use crate::base::error::Result;
use crate::base::problem::problem;
use burn::tensor::{DType, Tensor};
use std::sync::Arc;

impl Network {
    /// Places a network on a GPU, if there is one. Its tensors stay where they are.
    pub(crate) fn placed_on(mut self, gpu: Option<&Gpu>) -> Self {
        let inference = |gpu: &Gpu| Arc::new(CudaInference::new(gpu.clone(), self.plan.clone()));
        self.on_gpu = gpu.map(inference);
        self
    }

    /// Computes [`Network::forward`] on the network's GPU, or where its tensors are if it has none. Errors: the GPU fails, or has no kernel
    /// for images of this size.
    pub(crate) fn compute(&self, x: Tensor<4>) -> Result<Vec<Tensor<4>>> {
        let Some(inference) = &self.on_gpu else { return Ok(self.forward(x)) };
        let dims = x.dims();
        let images = x.without_autodiff().cast(DType::F32).into_data();
        let images = images.as_slice().map_err(|e| problem!(E0799, "the images cannot be read: {e:?}"))?;
        let results = inference.infer(self.weights_number, || self.tensors_by_name(), images, dims)?;
        Ok(self.tensors(results, dims))
    }

    /// Reads all tensors, in PyTorch's order by layer and name.
    pub(crate) fn tensors_by_name(&self) -> impl Fn(usize, &str) -> Option<Vec<f32>> + use<> {
        let weights = read_weights(self);
        move |layer, name| weights[layer].tensor(name).cloned()
    }
}
