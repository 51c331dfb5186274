//! What one operator reads along an axis, in the form that fields are composed from: taps that repeat.

use crate::base::integer::gcd;
use crate::graph::op::{Mode, Reads, Taps};

/// Equally spaced pixels, of which there is at least one.
pub(super) struct Row {
    pub first: i64,
    pub count: i64,
    pub spacing: i64,
}

/// Pixel `i + period` reads what pixel `i` reads, `step` pixels further on.
pub(super) struct Relation {
    pub period: i64,
    pub step: i64,
    /// No pixel reads more.
    pub most_taps: i64,
    kind: Kind,
}

enum Kind {
    /// `first + i * step`, and so on with `count` and `spacing`.
    Window {
        first: i64,
        count: i64,
        spacing: i64,
    },
    Transposed(Signed),
    /// From `from` pixels to `to`; with aligned corners both are one less.
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

/// [`Taps`] in the numbers that positions are counted in.
#[derive(Clone, Copy)]
struct Signed {
    count: i64,
    stride: i64,
    dilation: i64,
    pad: i64,
}

fn signed(n: usize) -> Option<i64> {
    // Far below the limits of 64 bits, so that the few products below fit.
    i64::try_from(n).ok().filter(|n| *n < 1 << 41)
}

impl Relation {
    /// `None` for what is no such relation, and for numbers beyond any that an axis has.
    pub(super) fn of(reads: Reads) -> Option<Self> {
        let one = |first, step, count, spacing| Self {
            period: 1,
            step,
            most_taps: count,
            kind: Kind::Window { first, count, spacing },
        };
        Some(match reads {
            Reads::Shift(by) => one(by, 1, 1, 1),
            Reads::Window(taps) => {
                let Signed { count, stride, dilation, pad } = taps_of(taps)?;
                one(-pad, stride, count, dilation)
            }
            Reads::Transposed(taps) => Self::transposed(taps),
            Reads::Interpolated { mode, align_corners, from, to } => {
                let (from, to) = (signed(from)?, signed(to)?);
                // One pixel is repeated; of one aligned pixel the place is 0. Neither has a second one to weigh.
                let nearest = mode == Mode::Nearest || from == 1 || (align_corners && to == 1);
                let aligned = align_corners && !nearest;
                let (a, b) = if aligned { (from - 1, to - 1) } else { (from, to) };
                let g = gcd(a, b);
                let (kind, most_taps) =
                    if nearest { (Kind::Nearest { from, to }, 1) } else { (Kind::Bilinear { from, to, aligned }, 2) };
                Self { period: b / g, step: a / g, most_taps, kind }
            }
            Reads::Bins { from, to } => {
                let (from, to) = (signed(from)?, signed(to)?);
                let g = gcd(from, to);
                let most_taps = from / to + 2;
                Self { period: to / g, step: from / g, most_taps, kind: Kind::Bins { from, to } }
            }
            Reads::Nothing | Reads::Same | Reads::Unpooled | Reads::All | Reads::SameAndAll => return None,
        })
    }

    pub(super) fn transposed(taps: Taps) -> Self {
        // Settings are below 2^41 wherever `infer` accepts them.
        let taps = taps_of(taps).unwrap_or(Signed { count: 1, stride: 1, dilation: 1, pad: 0 });
        let most_taps = taps.count / (taps.stride / gcd(taps.stride, taps.dilation)) + 1;
        Self { period: taps.stride, step: 1, most_taps, kind: Kind::Transposed(taps) }
    }

    /// The pixels that output pixel `i` reads.
    pub(super) fn taps(&self, i: i64) -> Option<Row> {
        match self.kind {
            Kind::Window { first, count, spacing } => {
                Some(Row { first: i.checked_mul(self.step)?.checked_add(first)?, count, spacing })
            }
            Kind::Transposed(taps) => transposed(taps, i),
            Kind::Nearest { from, to } => {
                let first = wide(i, from).div_euclid(to.into());
                Some(Row { first: first.try_into().ok()?, count: 1, spacing: 1 })
            }
            Kind::Bilinear { from, to, aligned } => {
                // The place is i (from - 1) / (to - 1) with aligned corners, (i + 1/2) from / to - 1/2 without.
                let (num, den) = if aligned {
                    (wide(i, from - 1), i128::from(to - 1))
                } else {
                    (wide(2 * i + 1, from) - i128::from(to), 2 * i128::from(to))
                };
                // A place on a pixel gives the next one no weight.
                let count = if num.rem_euclid(den) == 0 { 1 } else { 2 };
                Some(Row { first: num.div_euclid(den).try_into().ok()?, count, spacing: 1 })
            }
            Kind::Bins { from, to } => {
                let first = wide(i, from).div_euclid(to.into());
                let end = -(-wide(i + 1, from)).div_euclid(to.into());
                Some(Row { first: first.try_into().ok()?, count: (end - first).try_into().ok()?, spacing: 1 })
            }
        }
    }
}

fn wide(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

fn taps_of(taps: Taps) -> Option<Signed> {
    Some(Signed {
        count: signed(taps.count)?,
        stride: signed(taps.stride)?,
        dilation: signed(taps.dilation)?,
        pad: signed(taps.pad)?,
    })
}

/// The pixels `j` with `j * stride = i + pad - t * dilation` for a tap `t`. Such taps follow each other at
/// `stride / gcd(stride, dilation)`.
fn transposed(Signed { count, stride, dilation, pad }: Signed, i: i64) -> Option<Row> {
    let every = stride / gcd(stride, dilation);
    let spacing = dilation / gcd(stride, dilation);
    let at = i.checked_add(pad)?;
    let nearest = first_tap(at.rem_euclid(stride), dilation, stride).filter(|&t| t < count)?;
    let last = nearest + (count - 1 - nearest) / every * every;
    let first = (i128::from(at) - wide(last, dilation)).div_euclid(stride.into());
    Some(Row { first: first.try_into().ok()?, count: (last - nearest) / every + 1, spacing })
}

/// The smallest `t` with `t * dilation = rest` modulo `stride`, if there is one.
fn first_tap(rest: i64, dilation: i64, stride: i64) -> Option<i64> {
    let g = gcd(dilation, stride);
    if rest % g != 0 {
        return None;
    }
    let (modulus, factor) = (stride / g, dilation / g);
    // The inverse of `factor` by the extended algorithm of Euclid.
    let (mut r, mut next_r) = (modulus, factor.rem_euclid(modulus));
    let (mut x, mut next_x) = (0i64, 1i64);
    while next_r != 0 {
        let q = r / next_r;
        (r, next_r) = (next_r, r - q * next_r);
        (x, next_x) = (next_x, x - q * next_x);
    }
    let inverse = x.rem_euclid(modulus.max(1));
    Some((wide(rest / g, inverse) % i128::from(modulus)) as i64)
}
