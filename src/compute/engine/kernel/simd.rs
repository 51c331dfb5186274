//! Sixteen numbers at once, on each kind of processor.
//!
//! Every kernel is written once against [`Simd`] and compiled for each implementation. [`SimdLevel`] says which one this
//! processor runs; it is looked up once.

use std::sync::OnceLock;

/// Numbers in a vector, and channels in a block of [`crate::compute::engine::memory_layout::MapLayout`].
pub(crate) const LANES: usize = 16;

/// Vectors of [`LANES`] numbers.
///
/// # Safety
/// The processor has the features of the implementation; pointers are valid for [`LANES`] numbers (`splat_at`: for one).
pub(crate) unsafe trait Simd: Copy + 'static {
    type V: Copy;
    /// Vectors that fit into the registers beside the operands of a tile: `tile * blocks` at most.
    const ACCUMULATORS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    /// `a * b + c`, rounded once where the processor can.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
}

/// Plain Rust, for the compiler to vectorise with what the target has (SSE2, NEON).
#[derive(Clone, Copy)]
pub(crate) struct Portable;

macro_rules! lanewise {
    ($a:ident, $b:ident, $op:expr) => {
        std::array::from_fn(|i| $op($a[i], $b[i]))
    };
}

// SAFETY: needs no feature.
unsafe impl Simd for Portable {
    type V = [f32; LANES];
    const ACCUMULATORS: usize = 4;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::V {
        unsafe { from.cast::<Self::V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Self::V) {
        unsafe { to.cast::<Self::V>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, |x, y| x + y)
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, |x, y| x - y)
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, |x, y| x * y)
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, |x: f32, y: f32| if x > y { x } else { y })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    // SAFETY: made only where the processor has AVX2 and FMA: `SimdLevel`.
    unsafe impl Simd for Avx2 {
        type V = [__m256; 2];
        const ACCUMULATORS: usize = 6;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self::V {
            unsafe { [_mm256_set1_ps(x); 2] }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self::V {
            unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, v: Self::V) {
            unsafe {
                _mm256_storeu_ps(to, v[0]);
                _mm256_storeu_ps(to.add(8), v[1]);
            }
        }
        #[inline(always)]
        unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
        }
        #[inline(always)]
        unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
            unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
            unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    // SAFETY: made only where the processor has AVX-512F: `SimdLevel`.
    unsafe impl Simd for Avx512 {
        type V = __m512;
        const ACCUMULATORS: usize = 28;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self::V {
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self::V {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, v: Self::V) {
            unsafe { _mm512_storeu_ps(to, v) }
        }
        #[inline(always)]
        unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_max_ps(a, b) }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// What kernels run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SimdLevel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl SimdLevel {
    /// The best that this processor has and `NPC_SIMD` (`avx512`, `avx2`, `portable`) allows. The environment is read
    /// once: results depend on the level in their last bits.
    pub(crate) fn get() -> Self {
        static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let allowed = std::env::var("NPC_SIMD").unwrap_or_default();
            Self::available().into_iter().find(|level| level.name() == allowed).unwrap_or(Self::available()[0])
        })
    }

    /// All that this processor has, best first.
    pub(crate) fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = avx2 && is_x86_feature_detected!("avx512f");
            let levels = [(avx512, SimdLevel::Avx512), (avx2, SimdLevel::Avx2), (true, SimdLevel::Portable)];
            levels.into_iter().filter_map(|(has, level)| has.then_some(level)).collect()
        }
        #[cfg(not(target_arch = "x86_64"))]
        vec![SimdLevel::Portable]
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => "avx512",
        }
    }

    /// Vectors that fit into the registers: `Simd::ACCUMULATORS`.
    pub(crate) fn accumulators(self) -> usize {
        match self {
            SimdLevel::Portable => Portable::ACCUMULATORS,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => Avx2::ACCUMULATORS,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => Avx512::ACCUMULATORS,
        }
    }
}
