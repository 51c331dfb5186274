//! Pixels that an operator reads along an axis, as a pattern that repeats; receptive fields are composed from these.

use crate::base::integer::gcd;
use crate::graph::op::{Interpolation, KernelTaps, ReadPattern};

/// One or more equally spaced pixels.
pub(super) struct SpacedPixels {
    pub first: i64,
    pub count: i64,
    pub spacing: i64,
}

/// A periodic pattern: pixel `i + period` reads what pixel `i` reads, shifted by `step` pixels.
pub(super) struct PeriodicReads {
    pub period: i64,
    pub step: i64,
    /// The largest number of pixels that one pixel reads.
    pub most_taps: i64,
    kind: ReadRule,
}

enum ReadRule {
    /// `count` pixels from `first + i * step` with distance `spacing`.
    Window {
        first: i64,
        count: i64,
        spacing: i64,
    },
    Transposed(SignedTaps),
    /// Interpolation from `from` to `to` pixels by the nearest pixel.
    Nearest {
        from: i64,
        to: i64,
    },
    Bilinear {
        from: i64,
        to: i64,
        aligned: bool,
    },
    Bins {
        from: i64,
        to: i64,
    },
}

/// [`KernelTaps`] as signed integers, like positions.
#[derive(Clone, Copy)]
struct SignedTaps {
    count: i64,
    stride: i64,
    dilation: i64,
    pad: i64,
}

fn small_signed(n: usize) -> Option<i64> {
    // Far below the limits of 64 bits, so that the products below fit.
    i64::try_from(n).ok().filter(|n| *n < 1 << 41)
}

impl PeriodicReads {
    /// Returns the periodic form of a read pattern; `None` if it has none, or for numbers beyond any axis.
    pub(super) fn of(reads: ReadPattern) -> Option<Self> {
        let one = |first, step, count, spacing| Self {
            period: 1,
            step,
            most_taps: count,
            kind: ReadRule::Window { first, count, spacing },
        };
        Some(match reads {
            ReadPattern::Shift(by) => one(by, 1, 1, 1),
            ReadPattern::Window(taps) => {
                let SignedTaps { count, stride, dilation, pad } = signed_taps(taps)?;
                one(-pad, stride, count, dilation)
            }
            ReadPattern::Transposed(taps) => Self::transposed(taps),
            ReadPattern::Interpolated { mode, align_corners, from, to } => {
                let (from, to) = (small_signed(from)?, small_signed(to)?);
                // A single input pixel is repeated, and a single aligned output pixel is at 0: neither interpolates.
                let nearest = mode == Interpolation::Nearest || from == 1 || (align_corners && to == 1);
                let aligned = align_corners && !nearest;
                let (a, b) = if aligned { (from - 1, to - 1) } else { (from, to) };
                let g = gcd(a, b);
                let (kind, most_taps) = if nearest {
                    (ReadRule::Nearest { from, to }, 1)
                } else {
                    (ReadRule::Bilinear { from, to, aligned }, 2)
                };
                Self { period: b / g, step: a / g, most_taps, kind }
            }
            ReadPattern::Bins { from, to } => {
                let (from, to) = (small_signed(from)?, small_signed(to)?);
                let g = gcd(from, to);
                let most_taps = from / to + 2;
                Self { period: to / g, step: from / g, most_taps, kind: ReadRule::Bins { from, to } }
            }
            ReadPattern::Nothing
            | ReadPattern::Same
            | ReadPattern::Unpooled
            | ReadPattern::All
            | ReadPattern::SameAndAll => return None,
        })
    }

    pub(super) fn transposed(taps: KernelTaps) -> Self {
        // Settings are below 2^41 wherever `infer` accepts them.
        let taps = signed_taps(taps).unwrap_or(SignedTaps { count: 1, stride: 1, dilation: 1, pad: 0 });
        let most_taps = taps.count / (taps.stride / gcd(taps.stride, taps.dilation)) + 1;
        Self { period: taps.stride, step: 1, most_taps, kind: ReadRule::Transposed(taps) }
    }

    /// Returns the pixels that output pixel `i` reads; `None` for none, or on overflow.
    pub(super) fn taps(&self, i: i64) -> Option<SpacedPixels> {
        match self.kind {
            ReadRule::Window { first, count, spacing } => {
                Some(SpacedPixels { first: i.checked_mul(self.step)?.checked_add(first)?, count, spacing })
            }
            ReadRule::Transposed(taps) => transposed_pixels(taps, i),
            ReadRule::Nearest { from, to } => {
                let first = wide_product(i, from).div_euclid(to.into());
                Some(SpacedPixels { first: first.try_into().ok()?, count: 1, spacing: 1 })
            }
            ReadRule::Bilinear { from, to, aligned } => {
                // The position is i (from - 1) / (to - 1) with aligned corners, (i + 1/2) from / to - 1/2 without.
                let (num, den) = if aligned {
                    (wide_product(i, from - 1), i128::from(to - 1))
                } else {
                    (wide_product(2 * i + 1, from) - i128::from(to), 2 * i128::from(to))
                };
                // At an integer position the next pixel has no weight.
                let count = if num.rem_euclid(den) == 0 { 1 } else { 2 };
                Some(SpacedPixels { first: num.div_euclid(den).try_into().ok()?, count, spacing: 1 })
            }
            ReadRule::Bins { from, to } => {
                let first = wide_product(i, from).div_euclid(to.into());
                let end = -(-wide_product(i + 1, from)).div_euclid(to.into());
                Some(SpacedPixels { first: first.try_into().ok()?, count: (end - first).try_into().ok()?, spacing: 1 })
            }
        }
    }
}

fn wide_product(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

fn signed_taps(taps: KernelTaps) -> Option<SignedTaps> {
    Some(SignedTaps {
        count: small_signed(taps.count)?,
        stride: small_signed(taps.stride)?,
        dilation: small_signed(taps.dilation)?,
        pad: small_signed(taps.pad)?,
    })
}

/// Returns the pixels `j` with `j * stride = i + pad - t * dilation` for a tap `t`. These taps are
/// `stride / gcd(stride, dilation)` apart.
fn transposed_pixels(SignedTaps { count, stride, dilation, pad }: SignedTaps, i: i64) -> Option<SpacedPixels> {
    let every = stride / gcd(stride, dilation);
    let spacing = dilation / gcd(stride, dilation);
    let at = i.checked_add(pad)?;
    let nearest = first_tap(at.rem_euclid(stride), dilation, stride).filter(|&t| t < count)?;
    let last = nearest + (count - 1 - nearest) / every * every;
    let first = (i128::from(at) - wide_product(last, dilation)).div_euclid(stride.into());
    Some(SpacedPixels { first: first.try_into().ok()?, count: (last - nearest) / every + 1, spacing })
}

/// Returns the smallest `t` with `t * dilation = rest` modulo `stride`, if one exists.
fn first_tap(rest: i64, dilation: i64, stride: i64) -> Option<i64> {
    let g = gcd(dilation, stride);
    if rest % g != 0 {
        return None;
    }
    let (modulus, factor) = (stride / g, dilation / g);
    // The inverse of `factor` by the extended Euclidean algorithm.
    let (mut r, mut next_r) = (modulus, factor.rem_euclid(modulus));
    let (mut x, mut next_x) = (0i64, 1i64);
    while next_r != 0 {
        let q = r / next_r;
        (r, next_r) = (next_r, r - q * next_r);
        (x, next_x) = (next_x, x - q * next_x);
    }
    let inverse = x.rem_euclid(modulus.max(1));
    Some((wide_product(rest / g, inverse) % i128::from(modulus)) as i64)
}
