//! The peak performance of the processor: fused multiply-adds on registers alone, on all threads.
//!
//! The loop accesses no memory, so no kernel is faster. The share of the peak that a network reaches shows the room for
//! improvement.

#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LANES, Portable, Simd, SimdLevel};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Duration of one measurement; the best of [`ROUNDS`] counts.
const ROUND: Duration = Duration::from_millis(15);
const ROUNDS: usize = 12;
/// Multiply-adds of each chain between two readings of the clock.
const STEPS: usize = 10_000;
/// Maximum number of chains of a level.
const MAX_CHAINS: usize = 16;

/// Returns the sum of `C` independent chains of multiply-adds, each `steps` long: `x = x * a + b`. To keep all units
/// busy, there must be more chains than the latency of a multiply-add times the number that start per cycle. The chains
/// start from different numbers, since the compiler would merge equal ones.
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
// A vector takes two registers.
#[cfg(target_arch = "x86_64")]
spin!(avx2, Avx2, 6, #[target_feature(enable = "avx2,fma")]);
// A vector takes four registers.
spin!(portable, Portable, 2,);

/// Returns the sum of all chains of a level and the number of multiply-adds.
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

/// Returns the floating-point operations per second of all threads of the current pool, a multiply-add being two
/// operations. Takes about a fifth of a second.
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

    /// If the compiler removed work from the loop, the measured FLOP/s would be too high.
    #[test]
    fn every_multiply_add_is_computed() {
        let starts: [f32; MAX_CHAINS] = std::array::from_fn(|i| i as f32 / 4.0);
        for level in SimdLevel::available() {
            for steps in [1, 7, 40] {
                let (out, count) = spin(level, steps, black_box(&starts), black_box(0.75), black_box(1.5));
                let chains = count / (steps * LANES);
                assert!(chains >= 2 && count == chains * steps * LANES, "{count}");
                // The remainder of the start, and the sum of the geometric series.
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
