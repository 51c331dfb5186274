//! A network's numbers as the engine reads them.

/// The tensors of one layer of the plan, numbers in PyTorch's order.
#[derive(Debug, Clone, Default)]
pub struct LayerWeights {
    pub weight: Vec<f32>,
    pub bias: Option<Vec<f32>>,
    /// Batch norm's.
    pub running: Option<RunningStatistics>,
}

#[derive(Debug, Clone)]
pub struct RunningStatistics {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
    /// Whether a training pass uses these and not the batch's.
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

/// What a backward pass finds.
#[derive(Debug, Clone, Default)]
pub struct PassGradients {
    /// Of the layers that a gradient reaches.
    pub weights: Vec<WeightGradient>,
    /// NCHW numbers, if it was asked for.
    pub image: Option<Vec<f32>>,
}

/// What a training pass saw of one batch norm's input.
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    pub layer: usize,
    pub mean: Vec<f32>,
    /// Biased.
    pub variance: Vec<f32>,
    /// Numbers per channel.
    pub count: usize,
}
