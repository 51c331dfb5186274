//! The true class of each pixel of a batch, with the pixels that are ignored.
//!
//! An ignored pixel takes part in no sum and in no number of pixels, as with `ignore_index` of PyTorch: a loss and its gradient
//! are those of the other pixels alone. Where a mean is over images, an image without other pixels is left out of it, and the
//! loss of a batch without other pixels is 0 (PyTorch: NaN), with a gradient of 0.

use crate::text::config::case_rules::IGNORED_CLASS;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// What the results of a network are compared with.
#[derive(Clone)]
pub struct LossTargets {
    /// `[n, h, w]`: a class, or [`IGNORED_CLASS`].
    pub(super) classes: Tensor<3, Int>,
    /// The number of other pixels of each image if any pixel of the batch is ignored.
    pub(super) counted: Option<Vec<usize>>,
}

impl LossTargets {
    /// Copies the class of each pixel to the device. `classes` is `shape` = `[n, h, w]` in row-major order.
    pub fn new(classes: &[u8], shape: [usize; 3], device: &Device) -> LossTargets {
        let ignores = classes.contains(&IGNORED_CLASS);
        let count = |image: &[u8]| image.iter().filter(|&&class| class != IGNORED_CLASS).count();
        let counted = ignores.then(|| classes.chunks(shape[1] * shape[2]).map(count).collect());
        let classes: Vec<i32> = classes.iter().map(|&class| i32::from(class)).collect();
        LossTargets { classes: Tensor::from_data(TensorData::new(classes, shape), device), counted }
    }

    /// Takes classes `[n, h, w]` of which none is ignored.
    pub fn all_counted(classes: Tensor<3, Int>) -> LossTargets {
        LossTargets { classes, counted: None }
    }

    /// Returns the number of pixels of the batch that are not ignored.
    fn count(&self) -> usize {
        let all = || self.classes.dims().iter().product();
        self.counted.as_ref().map_or_else(all, |counted| counted.iter().sum())
    }

    /// Returns the factor that turns a sum over the counted pixels into their mean; 1 if there are none.
    pub(super) fn share(&self) -> f64 {
        (self.count().max(1) as f64).recip()
    }

    /// Returns 1 at counted and 0 at ignored pixels, `[n, 1, h, w]`; `None` if every pixel counts.
    pub(super) fn counted_map(&self) -> Option<Tensor<4>> {
        self.counted.as_ref()?;
        Some(self.classes.clone().not_equal_elem(i64::from(IGNORED_CLASS)).float().unsqueeze_dim(1))
    }

    /// Returns a class for every pixel, `[n, h, w]`; class 0 for ignored ones.
    pub(super) fn indices(&self) -> Tensor<3, Int> {
        let classes = self.classes.clone();
        match &self.counted {
            None => classes,
            Some(_) => classes.clone().mask_fill(classes.equal_elem(i64::from(IGNORED_CLASS)), 0),
        }
    }

    /// Returns the mean over `[images, ...]`, or with one row over what is computed of the whole batch. Images without counted
    /// pixels are left out, and so is a batch without any.
    pub(super) fn mean_of_images<const D: usize>(&self, parts: Tensor<D>) -> Tensor<1> {
        let Some(counted) = &self.counted else { return parts.mean() };
        let [rows, all] = [parts.dims()[0], parts.dims().iter().product()];
        let used: Vec<f64> = match rows == counted.len() {
            true => counted.iter().map(|&count| f64::from(u8::from(count > 0))).collect(),
            false => vec![f64::from(u8::from(self.count() > 0)); rows],
        };
        let columns = (all / rows.max(1)) as f64;
        let share = (columns * used.iter().sum::<f64>()).max(1.0).recip();
        let mut shape = [1; D];
        shape[0] = rows;
        let used = Tensor::<1>::from_data(TensorData::from(&used[..]), &parts.device()).reshape(shape);
        parts.mul(used).sum().mul_scalar(share)
    }
}
