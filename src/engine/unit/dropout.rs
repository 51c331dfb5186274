//! Zeroes numbers at random and scales the rest by `1 / (1 - p)`; without a seed, in inference, it copies.
//!
//! Whether a number stays is a hash of the seed and its place in NCHW order, so that the layout does not matter and the
//! gradient needs no mask.

use super::{Needs, Seed, row};
use crate::engine::layout::{Layout, View, ViewMut};
use crate::op::Dropout;
use rayon::prelude::*;

pub fn needs(_op: &Dropout) -> Needs {
    Needs::NOTHING
}

pub fn forward(op: &Dropout, seed: Option<Seed>, inputs: &[View], output: &mut ViewMut) {
    drop(op, seed, inputs[0], output, false);
}

pub fn backward(op: &Dropout, seed: Option<Seed>, grad: View, into: &mut ViewMut, add: bool) {
    drop(op, seed, grad, into, add);
}

fn drop(op: &Dropout, seed: Option<Seed>, from: View, to: &mut ViewMut, add: bool) {
    let Some(seed) = seed else {
        to.par_rows().for_each(|(plane, y, to)| row::one(to, from.row(plane, y), add, |x| x));
        return;
    };
    let layout = to.layout;
    let (lanes, keys) = (layout.lanes, Keys::new(seed, layout));
    // The share of 2^32 that goes.
    let below = (op.p * 4_294_967_296.0) as u64;
    let scale = (1.0 / (1.0 - op.p)) as f32;
    to.par_rows().for_each(|(plane, y, to)| {
        let source = from.row(plane, y);
        for lane in 0..lanes {
            let (a, b) = keys.of(plane, lane, y);
            let pairs = to[lane..].iter_mut().step_by(lanes).zip(source[lane..].iter().step_by(lanes));
            for (x, (to, from)) in (0u32..).zip(pairs) {
                let stays = u64::from(mix(a.wrapping_add(x.wrapping_mul(0x9E37_79B9))) ^ b) >= below;
                let value = if stays { from * scale } else { 0.0 };
                *to = if add { *to + value } else { value };
            }
        }
    });
}

/// 64 random bits for each row of each channel.
struct Keys<'a> {
    seed: Seed,
    layout: &'a Layout,
    /// The channel of each slot; unused lanes may share theirs with others.
    channels: Vec<usize>,
}

impl<'a> Keys<'a> {
    fn new(seed: Seed, layout: &'a Layout) -> Self {
        let mut channels = vec![0; layout.slots()];
        for (channel, slot) in layout.slot_of_channel().into_iter().enumerate() {
            channels[slot] = channel;
        }
        Self { seed, layout, channels }
    }

    fn of(&self, plane: usize, lane: usize, y: usize) -> (u32, u32) {
        let slot = plane * self.layout.lanes + lane;
        let (image, channel) = (slot / self.channels.len(), self.channels[slot % self.channels.len()]);
        let row = (image * self.layout.channels() + channel) * self.layout.h + y;
        let key = splitmix(self.seed.wrapping_add((row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        (key as u32, (key >> 32) as u32)
    }
}

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
fn splitmix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The finaliser of MurmurHash3 (Appleby), 32 bits.
#[inline(always)]
fn mix(z: u32) -> u32 {
    let z = (z ^ (z >> 16)).wrapping_mul(0x85EB_CA6B);
    let z = (z ^ (z >> 13)).wrapping_mul(0xC2B2_AE35);
    z ^ (z >> 16)
}
