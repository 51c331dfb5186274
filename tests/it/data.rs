//! Files to batches: pairs, splits, decoding, masks, volumes, augmentation.

mod augment;
mod batches;
mod damage;
mod intensities;
mod masks;
mod pairs;
mod phantoms;
mod real;
mod split;
mod volume;
