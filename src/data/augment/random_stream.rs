//! Random numbers that depend on seed, epoch, case and kind of change, and on nothing else.
//!
//! Each kind draws from a stream of its own: taking one out of a run leaves what the others do as it was.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::f32::consts::TAU;

/// Sets these keys apart from those of other random numbers of a run.
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

    /// In [0, 1), 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    pub(super) fn uniform(&mut self, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Half as much is as likely as twice as much.
    pub(super) fn log_uniform(&mut self, [low, high]: [f64; 2]) -> f64 {
        if low == high { low } else { self.uniform([low.ln(), high.ln()]).exp().clamp(low, high) }
    }

    /// Of `n` equally likely ones.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        // The high half of a product, as in `order::shuffle`.
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Each in (-1, 1), 24 bits.
    pub(super) fn fill_symmetric(&mut self, output: &mut [f32]) {
        let scale = 1.0 / (1u32 << 23) as f32;
        for value in output {
            *value = ((self.0.next_u32() >> 8) as f32 + 0.5) * scale - 1.0;
        }
    }

    /// Adds normal numbers of this standard deviation (Box and Muller 1958).
    pub(super) fn add_normals(&mut self, std: f32, output: &mut [f32]) {
        const SCALE: f32 = 1.0 / (1u32 << 24) as f32;
        for pair in output.chunks_mut(2) {
            // In (0, 1]: the logarithm of 0 is infinite.
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
