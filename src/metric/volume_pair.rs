//! Prediction and truth of a whole volume.

/// Predicted and true class map of a volume, `[slices, height, width]` in row-major order.
pub struct VolumePair<'a> {
    /// The predicted class of each voxel.
    pub pred: &'a [u8],
    /// The true class of each voxel.
    pub truth: &'a [u8],
    /// Number of slices, their height and their width.
    pub size: [usize; 3],
    /// Distance of neighbouring slices, rows and columns in millimetres.
    pub spacing: [f64; 3],
}
