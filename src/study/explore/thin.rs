//! The models of a sweep that hold what it asks of them.

use super::{Point, points};
use crate::graph::check::{CheckedGraph, check};
use crate::graph::elaborate::elaborate;
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::{Bound, Peaks};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::syntax::ast;

/// At which sizes the models of a sweep are built, and what is asked of them.
pub struct Asked<'a> {
    /// One at least; `None` where the models say it themselves.
    pub sizes: &'a [Option<[usize; 2]>],
    /// All of them, at each size.
    pub bounds: &'a [Bound],
    /// What a run of a model holds at once.
    pub peaks: &'a dyn Fn(&CheckedGraph) -> Peaks,
}

/// How a bound thins a sweep out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// For which it does not hold.
    pub variants: usize,
    /// Those of them for which all other bounds hold.
    pub alone: usize,
}

/// A sweep after its bounds.
#[derive(Debug)]
pub struct Thinned<T> {
    /// Points of the sweep.
    pub tried: usize,
    /// Points whose model cannot be built, or not be held against a bound.
    pub broken: usize,
    /// For each bound.
    pub left_out: Vec<LeftOut>,
    /// In the order of the sweep.
    pub kept: Vec<T>,
    /// What is wrong with the broken ones.
    pub problems: Problems,
}

impl<T> Thinned<T> {
    /// Models that can be built and are not wanted.
    pub fn unwanted(&self) -> usize {
        self.tried - self.broken - self.kept.len()
    }
}

impl<P, S> Thinned<(P, S)> {
    /// Makes one value of each kept pair of a point and what was seen in it; the counts and problems stay.
    pub fn map<T>(self, make: impl Fn(P, S) -> T) -> Thinned<T> {
        let Thinned { tried, broken, left_out, kept, problems } = self;
        Thinned { tried, broken, left_out, kept: kept.into_iter().map(|(p, s)| make(p, s)).collect(), problems }
    }
}

/// What `see` sees in each model that is kept, for each size. Models are built one after another and not held.
pub fn thin<'a, T>(
    program: &ResolvedProgram<'_>,
    sweep: &'a ast::Sweep,
    asked: &Asked<'_>,
    see: impl Fn(&CheckedGraph, &dyn Fn() -> Peaks) -> T,
) -> Result<Thinned<(Point<'a>, Vec<T>)>, Diagnostic> {
    let points = points(sweep)?;
    let left_out = vec![LeftOut::default(); asked.bounds.len()];
    let mut all = Thinned { tried: points.len(), broken: 0, left_out, kept: Vec::new(), problems: Problems::new() };
    for point in points {
        let mut fails = vec![false; asked.bounds.len()];
        match look(program, &point, asked, &see, &mut fails) {
            Err(problems) => {
                all.broken += 1;
                all.problems.extend(problems);
            }
            Ok(seen) if fails.iter().all(|f| !f) => all.kept.push((point, seen)),
            Ok(_) => {
                let alone = fails.iter().filter(|f| **f).count() == 1;
                for (out, _) in all.left_out.iter_mut().zip(&fails).filter(|(_, f)| **f) {
                    out.variants += 1;
                    out.alone += usize::from(alone);
                }
            }
        }
    }
    Ok(all)
}

fn look<T>(
    program: &ResolvedProgram<'_>,
    point: &Point<'_>,
    asked: &Asked<'_>,
    see: &impl Fn(&CheckedGraph, &dyn Fn() -> Peaks) -> T,
    fails: &mut [bool],
) -> Result<Vec<T>, Problems> {
    let entry = program.find(&point.model.node).filter(|entry| !program.is_broken(&entry.node));
    // What is wrong with it was said.
    let Some(entry) = entry else { return Err(Problems::new()) };
    let mut seen = Vec::with_capacity(asked.sizes.len());
    for &size in asked.sizes {
        let checked = elaborate(program, entry, &point.args, size).and_then(check)?;
        let known = std::cell::OnceCell::new();
        let peaks = || *known.get_or_init(|| (asked.peaks)(&checked));
        for (bound, fails) in asked.bounds.iter().zip(fails.iter_mut()) {
            *fails |= !bound.holds(&checked, &peaks).map_err(|d| Problems::from(*d))?;
        }
        // One that is left out needs no more than its bounds.
        if fails.iter().all(|f| !f) {
            seen.push(see(&checked, &peaks));
        }
    }
    Ok(seen)
}
