//! Scalar loops that are compiled for each instruction set.

/// Compiles a function of scalar loops for each [`super::simd::SimdLevel`], and calls the one for this processor.
///
/// The body must not call `mul_add`, which is a library call on processors without such an instruction. `a * b + c` is
/// rounded twice on every level, so that all levels agree bit for bit.
macro_rules! vectorised {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn plain($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($arg: $ty),*) $(-> $ret)? { plain($($arg),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($arg: $ty),*) $(-> $ret)? { plain($($arg),*) }
            match $crate::compute::engine::kernel::simd::SimdLevel::get() {
                $crate::compute::engine::kernel::simd::SimdLevel::Portable => plain($($arg),*),
                // SAFETY: `SimdLevel` names only features of this processor.
                #[cfg(target_arch = "x86_64")]
                $crate::compute::engine::kernel::simd::SimdLevel::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::compute::engine::kernel::simd::SimdLevel::Avx512 => unsafe { avx512($($arg),*) },
            }
        }
    };
}
pub(crate) use vectorised;
