//! Separable linear operators: resizing, average pooling, padding and cropping.
//!
//! Each number of the result is a weighted sum over a few rows and a few columns. The axes are independent, so a row of
//! the result is first a mix of whole rows, and then of its pixels. The gradient is the same operator with the taps of
//! both axes transposed.

use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::compute::fused::AxisTaps;

/// Chooses the fastest way to mix the pixels of a row.
fn row_mixer(taps: &AxisTaps) -> RowMixer {
    let counts = || (0..taps.to()).map(|i| taps.of(i).0.len());
    let whole = taps.weights.iter().all(|&w| w == 1.0);
    if whole && counts().all(|n| n <= 1) {
        let mut runs: Vec<CopyRun> = Vec::new();
        for i in 0..taps.to() {
            let place = taps.of(i).0.first().copied();
            match runs.last_mut() {
                Some(run) if run.follows(place) => run.len += 1,
                _ => runs.push(CopyRun { to: i, from: place, len: 1 }),
            }
        }
        // Copying one or two pixels costs more than looking up their positions.
        if runs.len() <= 4 || runs.len() * 8 <= taps.to() {
            return RowMixer::Copies(runs);
        }
        if counts().all(|n| n == 1) {
            return RowMixer::Picks(taps.places.clone());
        }
    }
    if counts().all(|n| n == 1 || n == 2) {
        let both = (0..taps.to()).map(|i| {
            let (places, weights) = taps.of(i);
            let last = places.len() - 1;
            // A single tap is split into two halves: with a second weight of 0, an infinite number would become a
            // NaN.
            let weights = if last == 0 { [weights[0] / 2.0; 2] } else { [weights[0], weights[1]] };
            ([places[0], places[last]], weights)
        });
        let pairs: Vec<_> = both.collect();
        return match PeriodicPairs::of(&pairs) {
            Some(phases) => RowMixer::Periodic(phases, pairs),
            None => RowMixer::Pairs(pairs),
        };
    }
    RowMixer::General
}

type TapPair = ([usize; 2], [f32; 2]);

/// How the pixels of a row are mixed.
enum RowMixer {
    /// Runs of pixels that are copied.
    Copies(Vec<CopyRun>),
    /// One pixel each.
    Picks(Vec<usize>),
    /// A mix of two pixels each.
    Pairs(Vec<TapPair>),
    /// A mix of two pixels each, with a periodic pattern.
    Periodic(PeriodicPairs, Vec<TapPair>),
    General,
}

/// A copy of the pixels from `from` on to those from `to` on, or zeros.
struct CopyRun {
    to: usize,
    from: Option<usize>,
    len: usize,
}

impl CopyRun {
    fn follows(&self, place: Option<usize>) -> bool {
        match (self.from, place) {
            (Some(from), Some(place)) => from + self.len == place,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

/// From `first` on, pixel `first + k + j * weights.len()` mixes pixels `j` and `j + 1` with weights `k`: interpolation
/// to a multiple of a width.
struct PeriodicPairs {
    first: usize,
    count: usize,
    weights: Vec<[f32; 2]>,
}

impl PeriodicPairs {
    fn of(pairs: &[TapPair]) -> Option<Self> {
        let first = pairs.iter().position(|(places, _)| *places == [0, 1])?;
        let period = pairs[first..].iter().take_while(|(places, _)| *places == [0, 1]).count();
        let weights: Vec<[f32; 2]> = pairs[first..first + period].iter().map(|(_, weights)| *weights).collect();
        let fits = |(i, pair): &(usize, &[TapPair])| {
            let same = |(k, (places, w)): (usize, &TapPair)| *places == [*i, *i + 1] && *w == weights[k];
            pair.len() == period && pair.iter().enumerate().all(same)
        };
        let count = pairs[first..].chunks(period).enumerate().take_while(fits).count();
        let few = pairs.len() - count * period;
        ([2, 4, 8].contains(&period) && few <= 2 * period).then_some(Self { first, count, weights })
    }
}

/// Computes `to = sum over rows and columns of weights * from`, or adds it. Both maps have equal segments and lanes.
pub(super) fn resample(from: MapView, to: &mut MapViewMut, down: &AxisTaps, across: &AxisTaps, write: WriteMode) {
    let mixer = row_mixer(across);
    let lanes = from.layout.lanes;
    let scratch = || {
        (
            vec![0f32; from.layout.inner_len()],
            vec![0f32; if write == WriteMode::Accumulate { to.layout.inner_len() } else { 0 }],
        )
    };
    let scratch = scratch();
    to.for_rows_with(
        || scratch.clone(),
        |(mixed, result), plane, y, to| {
            let source: &[f32] = match down.of(y) {
                (&[], _) => {
                    if write == WriteMode::Overwrite {
                        to.fill(0.0);
                    }
                    return;
                }
                (&[place], &[1.0]) => from.row(plane, place),
                (places, weights) => {
                    let rows = || places.iter().map(|&place| from.row(plane, place)).zip(weights.iter().copied());
                    mix_rows(mixed, rows());
                    mixed
                }
            };
            if write == WriteMode::Accumulate {
                mix_pixels(&mixer, across, source, result, lanes);
                super::row_loops::map(to, result, WriteMode::Accumulate, |x| x);
            } else {
                mix_pixels(&mixer, across, source, to, lanes);
            }
        },
    );
}

/// Mixes rows, two at a time.
fn mix_rows<'a>(to: &mut [f32], mut rows: impl Iterator<Item = (&'a [f32], f32)>) {
    let mut write = WriteMode::Overwrite;
    while let Some((a, wa)) = rows.next() {
        match rows.next() {
            Some((b, wb)) => super::row_loops::zip(to, a, b, write, |a, b| wa * a + wb * b),
            None => super::row_loops::map(to, a, write, |a| wa * a),
        }
        write = WriteMode::Accumulate;
    }
}

fn mix_pixels(mixer: &RowMixer, taps: &AxisTaps, from: &[f32], to: &mut [f32], lanes: usize) {
    match mixer {
        RowMixer::Copies(runs) => {
            for run in runs {
                let to = &mut to[run.to * lanes..][..run.len * lanes];
                match run.from {
                    Some(at) => to.copy_from_slice(&from[at * lanes..][..run.len * lanes]),
                    None => to.fill(0.0),
                }
            }
        }
        RowMixer::Picks(places) => pick_pixels(places, from, to, lanes),
        RowMixer::Pairs(pairs) if lanes == 1 => pairs_planar(pairs, from, to),
        RowMixer::Periodic(phases, pairs) if lanes == 1 => {
            let (first, period) = (phases.first, phases.weights.len());
            let last = first + phases.count * period;
            pairs_planar(&pairs[..first], from, &mut to[..first]);
            let repeated = match period {
                2 => repeated_2,
                4 => repeated_4,
                8 => repeated_8,
                _ => unreachable!("PeriodicPairs::of: no other period"),
            };
            repeated(&phases.weights, from, &mut to[first..last]);
            pairs_planar(&pairs[last..], from, &mut to[last..]);
        }
        RowMixer::Pairs(pairs) | RowMixer::Periodic(_, pairs) => pairs_blocked(pairs, from, to),
        RowMixer::General if lanes == 1 => general_planar(taps, from, to),
        RowMixer::General => general_blocked(taps, from, to),
    }
}

vectorised! {
    fn pick_pixels(places: &[usize], from: &[f32], to: &mut [f32], lanes: usize) {
        if lanes == 1 {
            to.iter_mut().zip(places).for_each(|(to, &place)| *to = from[place]);
        } else {
            let from = from.as_chunks::<LANES>().0;
            to.as_chunks_mut::<LANES>().0.iter_mut().zip(places).for_each(|(to, &place)| *to = from[place]);
        }
    }
}

vectorised! {
    fn pairs_planar(pairs: &[TapPair], from: &[f32], to: &mut [f32]) {
        for (to, ([a, b], [wa, wb])) in to.iter_mut().zip(pairs) {
            *to = wa * from[*a] + wb * from[*b];
        }
    }
}

macro_rules! repeated {
    ($name:ident, $period:literal) => {
        vectorised! {
            fn $name(weights: &[[f32; 2]], from: &[f32], to: &mut [f32]) {
                let weights: &[[f32; 2]; $period] = weights.try_into().expect("the caller selects by the period");
                for ((to, a), b) in to.as_chunks_mut::<$period>().0.iter_mut().zip(from).zip(&from[1..]) {
                    for k in 0..$period {
                        to[k] = weights[k][0] * a + weights[k][1] * b;
                    }
                }
            }
        }
    };
}
repeated!(repeated_2, 2);
repeated!(repeated_4, 4);
repeated!(repeated_8, 8);

vectorised! {
    fn pairs_blocked(pairs: &[TapPair], from: &[f32], to: &mut [f32]) {
        let from = from.as_chunks::<LANES>().0;
        for (to, ([a, b], [wa, wb])) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(pairs) {
            let (a, b) = (&from[*a], &from[*b]);
            for lane in 0..LANES {
                to[lane] = wa * a[lane] + wb * b[lane];
            }
        }
    }
}

vectorised! {
    fn general_planar(taps: &AxisTaps, from: &[f32], to: &mut [f32]) {
        for (to, range) in to.iter_mut().zip(taps.starts.windows(2)) {
            let taps = taps.places[range[0]..range[1]].iter().zip(&taps.weights[range[0]..range[1]]);
            *to = taps.fold(0.0, |sum, (&place, weight)| sum + weight * from[place]);
        }
    }
}

vectorised! {
    fn general_blocked(taps: &AxisTaps, from: &[f32], to: &mut [f32]) {
        let from = from.as_chunks::<LANES>().0;
        for (to, range) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(taps.starts.windows(2)) {
            let mut sum = [0f32; LANES];
            for (&place, &weight) in taps.places[range[0]..range[1]].iter().zip(&taps.weights[range[0]..range[1]]) {
                let from = &from[place];
                for lane in 0..LANES {
                    sum[lane] += weight * from[lane];
                }
            }
            *to = sum;
        }
    }
}
