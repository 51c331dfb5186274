//! Random numbers and smooth random fields, without functions of a math library.

use crate::base::hash::{GOLDEN_STEP, splitmix64_finish};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

pub(super) struct PhantomRng(ChaCha8Rng);

impl PhantomRng {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Returns a uniform number in `low..high`.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1u64 << 53) as f64)
    }

    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.uniform(0.0, 1.0) < p
    }

    /// Returns a nearly normal number with mean 0 and standard deviation 1: a scaled sum of four uniform numbers.
    pub(super) fn normal(&mut self) -> f64 {
        let bits = self.bits();
        let sum: f64 = (0..4).map(|i| ((bits >> (16 * i)) & 0xffff) as f64 / 65_536.0).sum();
        (sum - 2.0) * 3.0f64.sqrt()
    }

    /// Returns a random unit vector in the plane.
    pub(super) fn direction(&mut self) -> [f64; 2] {
        unit_vector(self.uniform(0.0, 1.0))
    }
}

/// Returns cosine and sine of `t` full turns, to about 1e-9.
pub(super) fn unit_vector(t: f64) -> [f64; 2] {
    let t = t - t.floor();
    // The remainder is within an eighth of a turn, where a short series is enough.
    let quarter = (t * 4.0 + 0.5).floor();
    let x = (t - quarter / 4.0) * std::f64::consts::TAU;
    let y = x * x;
    let cos = 1.0 - y / 2.0 * (1.0 - y / 12.0 * (1.0 - y / 30.0 * (1.0 - y / 56.0)));
    let sin = x * (1.0 - y / 6.0 * (1.0 - y / 20.0 * (1.0 - y / 42.0 * (1.0 - y / 72.0))));
    match quarter as u8 % 4 {
        0 => [cos, sin],
        1 => [-sin, cos],
        2 => [-cos, -sin],
        _ => [sin, -cos],
    }
}

/// A smooth field with values in -1..1 whose features are one unit wide.
#[derive(Clone, Copy)]
pub(super) struct NoiseField(pub u64);

impl NoiseField {
    pub(super) fn at(self, x: f64, y: f64) -> f64 {
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (smoothstep(x - left), smoothstep(y - top));
        let (i, j) = (left as i64, top as i64);
        let upper = lerp(self.corner(i, j), self.corner(i + 1, j), fx);
        let lower = lerp(self.corner(i, j + 1), self.corner(i + 1, j + 1), fx);
        lerp(upper, lower, fy)
    }

    /// Returns the sum of three octaves, in -1..1.
    pub(super) fn rough(self, x: f64, y: f64) -> f64 {
        (self.at(x, y) + 0.5 * self.at(2.0 * x + 17.0, 2.0 * y - 5.0) + 0.25 * self.at(4.0 * x - 9.0, 4.0 * y + 31.0))
            / 1.75
    }

    fn corner(self, i: i64, j: i64) -> f64 {
        let place = (i as u64).wrapping_mul(GOLDEN_STEP) ^ (j as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        let z = splitmix64_finish(self.0 ^ place);
        (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

pub(super) fn lerp(a: f64, b: f64, t: f64) -> f64 {
    a + (b - a) * t
}

/// Cubic step from 0 to 1 with zero slope at both ends.
pub(super) fn smoothstep(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
