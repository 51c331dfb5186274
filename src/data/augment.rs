//! Augmentation: training images changed from epoch to epoch, with their masks.
//!
//! Two steps. [`Augmenter::plan`] draws what happens to a case in an epoch: a function of the augmentation, the seed, the
//! epoch and the case alone, so that neither threads nor batches nor a resumed run change it. [`AugmentPlan::apply`] does it to
//! values in 0..1, before mean and standard deviation.
//!
//! All spatial changes are one resampling ([`warp`]); values follow ([`tone`]). The order is fixed, whatever the order of
//! the list, and is written with the formulas in `docs/augmentation.md`.

mod gaussian;
mod plan;
mod random_stream;
mod tone;
mod warp;

pub use gaussian::{EdgeMode, gaussian};
pub use plan::{AugmentPlan, Elastic};
pub use tone::Gamma;
pub use warp::{AffineMap, DisplacementField, OutsideFill, warp};

use crate::base::error::{Result, RunError};
use crate::text::config::Augment;
use std::sync::Arc;

/// The augmentation of a run at its data block's size. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Augmenter {
    kinds: Arc<[Augment]>,
    size: [usize; 2],
}

/// An augmenter at one epoch of a run.
#[derive(Debug, Clone)]
pub struct EpochAugmenter {
    pub augmenter: Augmenter,
    pub seed: u64,
    /// Counted from 0, as in [`epoch_order`](super::epoch_order).
    pub epoch: usize,
}

impl Augmenter {
    /// Fails where a value is out of its limits, a kind stands twice, or `rot90` meets images that are not square: a
    /// settings file comes past no schema.
    pub fn new(kinds: &[Augment], size: [usize; 2]) -> Result<Augmenter> {
        for (i, kind) in kinds.iter().enumerate() {
            let name = kind.name();
            if let Err((key, wanted)) = kind.check() {
                return Err(RunError::new(format!("augment: `{key}` of `{name}` takes {wanted}")));
            }
            if kinds[..i].iter().any(|k| k.name() == name) {
                return Err(RunError::new(format!("augment: `{name}` is given twice")));
            }
            if let Augment::Rot90 { .. } = kind
                && size[0] != size[1]
            {
                let message = format!(
                    "augment: `rot90` needs square images, and those of the data are {} x {}",
                    size[0], size[1]
                );
                return Err(RunError::new(message).help("use rotate or flip, or give the data block a square size"));
            }
        }
        Ok(Augmenter { kinds: kinds.into(), size })
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// What happens to case number `case` of the role in epoch `epoch` (from 0).
    pub fn plan(&self, seed: u64, epoch: usize, case: usize) -> AugmentPlan {
        AugmentPlan::draw(&self.kinds, self.size, seed, epoch as u64, case as u64)
    }
}

impl EpochAugmenter {
    pub fn plan(&self, case: usize) -> AugmentPlan {
        self.augmenter.plan(self.seed, self.epoch, case)
    }
}
