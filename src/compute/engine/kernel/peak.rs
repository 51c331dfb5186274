//! What the processor could do at best: fused multiply-adds on registers alone, on all threads.
//!
//! No memory is touched, so no kernel is faster. The share of it that a network reaches says how much there is to gain.

#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LANES, Portable, Simd, SimdLevel};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one measurement takes; the best of [`ROUNDS`] counts.
const ROUND: Duration = Duration::from_millis(15);
const ROUNDS: usize = 12;
/// Multiply-adds of each chain between two looks at the clock.
const STEPS: usize = 10_000;
/// Most chains of a level.
const MAX_CHAINS: usize = 16;

/// The sum of `C` chains of multiply-adds that do not wait for each other, `steps` long: `x = x * a + b`. More chains than a
/// multiply-add takes cycles, times how many begin in a cycle, keep all units busy. Each chain has a start of its own, lest
/// the compiler see that all are one.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
unsafe fn chains<S: Simd, const C: usize>(steps: usize, starts: &[f32; MAX_CHAINS], a: f32, b: f32) -> [f32; LANES] {
    unsafe {
        let (a, b) = (S::splat(a), S::splat(b));
        let mut chains: [S::V; C] = std::array::from_fn(|c| S::splat(starts[c]));
        for _ in 0..steps {
            for x in &mut chains {
                *x = S::fma(*x, a, b);
            }
        }
        let sum = chains.into_iter().fold(S::splat(0.0), |sum, x| S::add(sum, x));
        let mut out = [0.0; LANES];
        S::store(out.as_mut_ptr(), sum);
        out
    }
}

macro_rules! spin {
    ($name:ident, $simd:ty, $chains:literal, $(#[$feature:meta])*) => {
        mod $name {
            use super::*;
            pub(super) const CHAINS: usize = $chains;
            $(#[$feature])*
            pub(super) unsafe fn spin(steps: usize, starts: &[f32; MAX_CHAINS], a: f32, b: f32) -> [f32; LANES] {
                unsafe { chains::<$simd, $chains>(steps, starts, a, b) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
spin!(avx512, Avx512, 16, #[target_feature(enable = "avx512f,avx2,fma")]);
// Two registers a vector.
#[cfg(target_arch = "x86_64")]
spin!(avx2, Avx2, 6, #[target_feature(enable = "avx2,fma")]);
// Four registers a vector.
spin!(portable, Portable, 2,);

/// The sum of all chains of a level, and how many multiply-adds that were.
fn spin(level: SimdLevel, steps: usize, starts: &[f32; MAX_CHAINS], a: f32, b: f32) -> ([f32; LANES], usize) {
    // SAFETY: `SimdLevel` names only what this processor has.
    let (out, chains) = unsafe {
        match level {
            SimdLevel::Portable => (portable::spin(steps, starts, a, b), portable::CHAINS),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => (avx2::spin(steps, starts, a, b), avx2::CHAINS),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => (avx512::spin(steps, starts, a, b), avx512::CHAINS),
        }
    };
    (out, steps * chains * LANES)
}

/// Floating-point operations a second of all threads of the current pool with_team, a multiply-add being two. Takes about a
/// fifth of a second.
pub(crate) fn flops(level: SimdLevel) -> f64 {
    let starts: [f32; MAX_CHAINS] = std::array::from_fn(|i| i as f32);
    let round = || {
        let began = Instant::now();
        let multiply_adds: Vec<usize> = rayon::broadcast(|_| {
            let mut done = 0;
            while began.elapsed() < ROUND {
                let (out, count) = spin(level, STEPS, black_box(&starts), black_box(0.999), black_box(1e-3));
                black_box(out);
                done += count;
            }
            done
        });
        2.0 * multiply_adds.iter().sum::<usize>() as f64 / began.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(|_| round()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop that the compiler shortened would tell of operations that nobody did.
    #[test]
    fn every_multiply_add_is_computed() {
        let starts: [f32; MAX_CHAINS] = std::array::from_fn(|i| i as f32 / 4.0);
        for level in SimdLevel::available() {
            for steps in [1, 7, 40] {
                let (out, count) = spin(level, steps, black_box(&starts), black_box(0.75), black_box(1.5));
                let chains = count / (steps * LANES);
                assert!(chains >= 2 && count == chains * steps * LANES, "{count}");
                // What is left of the start, and the sum of the geometric series.
                let left = 0.75f64.powi(steps as i32);
                let chain = |start: &f32| f64::from(*start) * left + 1.5 * (1.0 - left) / 0.25;
                let expected: f64 = starts[..chains].iter().map(chain).sum();
                for x in out {
                    let off = (f64::from(x) - expected).abs();
                    assert!(off < 1e-5 * expected, "{} after {steps}: {x}, not {expected}", level.name());
                }
            }
        }
    }
}
