//! Random numbers that depend only on the seed, the epoch, the case and the kind of augmentation.
//!
//! Each kind has its own stream, so removing one from a run does not change the others.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::f32::consts::TAU;

/// Separates these keys from the keys of a run's other random numbers.
const DOMAIN: u64 = u64::from_le_bytes(*b"augment1");

pub(super) struct RandomStream(ChaCha8Rng);

impl RandomStream {
    pub(super) fn new(seed: u64, epoch: u64, case: u64, stream: u64) -> RandomStream {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, epoch, case, DOMAIN]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        RandomStream(rng)
    }

    /// Returns a uniform number in [0, 1) with 53 random bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    pub(super) fn uniform(&mut self, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Returns a log-uniform number: a factor of 1/2 is as likely as a factor of 2.
    pub(super) fn log_uniform(&mut self, [low, high]: [f64; 2]) -> f64 {
        if low == high { low } else { self.uniform([low.ln(), high.ln()]).exp().clamp(low, high) }
    }

    /// Returns one of the `n` equally likely integers `0..n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        // The high half of the product, as in `order::shuffle`.
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Fills `output` with uniform numbers in (-1, 1) of 24 random bits each.
    pub(super) fn fill_symmetric(&mut self, output: &mut [f32]) {
        let scale = 1.0 / (1u32 << 23) as f32;
        for value in output {
            *value = ((self.0.next_u32() >> 8) as f32 + 0.5) * scale - 1.0;
        }
    }

    /// Adds normally distributed numbers with this standard deviation (Box and Muller 1958).
    pub(super) fn add_normals(&mut self, std: f32, output: &mut [f32]) {
        const SCALE: f32 = 1.0 / (1u32 << 24) as f32;
        for pair in output.chunks_mut(2) {
            // `u` is in (0, 1], since the logarithm of 0 is infinite.
            let u = ((self.0.next_u32() >> 8) + 1) as f32 * SCALE;
            let v = (self.0.next_u32() >> 8) as f32 * SCALE;
            let radius = std * (-2.0 * u.ln()).sqrt();
            let (sin, cos) = (TAU * v).sin_cos();
            pair[0] += radius * cos;
            if let Some(second) = pair.get_mut(1) {
                *second += radius * sin;
            }
        }
    }
}
