//! Regions: rows of tensors with the same offsets, so that one launch goes over all tensors.

/// Tensors begin at multiples of this many numbers, 256 bytes.
const TENSOR_ALIGNMENT: usize = 64;

/// A tensor's place in the regions that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatTensor {
    /// Index into the plan's layers.
    pub layer: usize,
    /// The name below the layer's path, such as `weight`.
    pub name: &'static str,
    /// Numbers from the start of the region.
    pub offset: usize,
    /// Number of 32-bit numbers.
    pub len: usize,
}

/// The tensors of the regions of weights, gradients, moments and averages, and those of running statistics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlatLayout {
    /// Trained tensors, in the order of the layers.
    pub weights: FlatTensors,
    /// Running statistics of batch norms.
    pub statistics: FlatTensors,
}

/// Tensors side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlatTensors {
    pub tensors: Vec<FlatTensor>,
    /// Numbers of the region, a multiple of 64.
    pub len: usize,
}

impl FlatTensors {
    /// Adds a tensor behind the others, and returns its offset.
    pub(super) fn push(&mut self, layer: usize, name: &'static str, len: usize) -> usize {
        let offset = self.len;
        self.tensors.push(FlatTensor { layer, name, offset, len });
        self.len = (offset + len).next_multiple_of(TENSOR_ALIGNMENT);
        offset
    }

    /// Returns the place of a tensor.
    pub fn find(&self, layer: usize, name: &str) -> Option<&FlatTensor> {
        self.tensors.iter().find(|tensor| tensor.layer == layer && tensor.name == name)
    }
}
