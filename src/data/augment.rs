//! Augmentation: random changes of training images and their masks, drawn anew for each epoch.
//!
//! There are two steps. [`Augmenter::plan`] draws the changes of a case in an epoch. They depend only on the augmentation, the
//! seed, the epoch and the case, so threads, batches and resuming do not affect them. [`AugmentPlan::apply`] applies them to
//! values in 0..1, before normalisation by mean and standard deviation.
//!
//! All spatial changes are combined into one resampling ([`warp`]); changes of values follow ([`tone`]). The order does not
//! depend on the order of the list; `docs/augmentation.md` gives it with the formulas.

mod gaussian;
mod plan;
mod random_stream;
mod tone;
mod warp;

pub use gaussian::{EdgeMode, gaussian};
pub use plan::{AugmentPlan, Elastic};
pub use tone::Gamma;
pub use warp::{AffineMap, DisplacementField, OutsideFill, warp};

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::Augmentation;
use std::sync::Arc;

/// The augmentations of a run, for images of the data block's size. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Augmenter {
    kinds: Arc<[Augmentation]>,
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
    /// Checks and keeps the augmentations. Errors: a value is out of its limits, a kind is listed twice, or `rot90` is used
    /// with images that are not square. Settings files are not checked against the schema, so values are checked here.
    pub fn new(kinds: &[Augmentation], size: [usize; 2]) -> Result<Augmenter> {
        for (i, kind) in kinds.iter().enumerate() {
            let name = kind.name();
            if let Err((key, wanted)) = kind.check() {
                return Err(problem!(E0717, "`augment`: `{key}` of `{name}` accepts {wanted}"));
            }
            if kinds[..i].iter().any(|k| k.name() == name) {
                return Err(problem!(E0717, "`augment` lists `{name}` twice"));
            }
            if let Augmentation::Rot90 { .. } = kind
                && size[0] != size[1]
            {
                return Err(problem!(
                    E0717,
                    "augmentation `rot90` needs square images, but those of the data block are {} x {}",
                    size[0],
                    size[1];
                    help: "use `rotate` or `flip`, or give the data block a square `size`"
                ));
            }
        }
        Ok(Augmenter { kinds: kinds.into(), size })
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Draws the changes of case number `case` of the role in epoch `epoch` (counted from 0).
    pub fn plan(&self, seed: u64, epoch: usize, case: usize) -> AugmentPlan {
        AugmentPlan::draw(&self.kinds, self.size, seed, epoch as u64, case as u64)
    }
}

impl EpochAugmenter {
    pub fn plan(&self, case: usize) -> AugmentPlan {
        self.augmenter.plan(self.seed, self.epoch, case)
    }
}
