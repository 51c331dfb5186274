//! Weights, gradients and statistics as plain numbers, as the engine reads and returns them.

/// The tensors of one layer of the plan, in PyTorch's order.
#[derive(Debug, Clone, Default)]
pub struct LayerWeights {
    pub weight: Vec<f32>,
    pub bias: Option<Vec<f32>>,
    /// Running statistics of a batch norm.
    pub running: Option<RunningStatistics>,
}

impl LayerWeights {
    /// Returns the tensor of this name below the layer's path, such as `weight`.
    pub fn tensor(&self, name: &str) -> Option<&Vec<f32>> {
        match name {
            "weight" => Some(&self.weight),
            "bias" => self.bias.as_ref(),
            "running_mean" => self.running.as_ref().map(|running| &running.mean),
            "running_var" => self.running.as_ref().map(|running| &running.variance),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct RunningStatistics {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
    /// Whether a training pass uses these instead of the batch's statistics.
    pub frozen: bool,
}

/// One [`LayerWeights`] for each of [`crate::graph::plan::Plan::layers`].
pub(crate) type NetworkWeights = Vec<LayerWeights>;

/// The gradient of one tensor, in the tensor's order.
#[derive(Debug, Clone)]
pub struct WeightGradient {
    pub layer: usize,
    pub name: &'static str,
    pub values: Vec<f32>,
}

/// The result of a backward pass.
#[derive(Debug, Clone, Default)]
pub struct PassGradients {
    /// Gradients of the layers that a gradient reaches.
    pub weights: Vec<WeightGradient>,
    /// NCHW numbers, if the image's gradient was requested.
    pub image: Option<Vec<f32>>,
}

/// The statistics of one batch norm's input in a training pass.
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    pub layer: usize,
    pub mean: Vec<f32>,
    /// Biased variance.
    pub variance: Vec<f32>,
    /// Numbers per channel.
    pub count: usize,
}
