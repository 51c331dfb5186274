//! Runs of one sweep side by side: what each scored on the test images, and how much one point differs from another.
//!
//! Reads what `npc eval` wrote into the run folders; trains nothing and needs no tensors. The points of a sweep are
//! compared image by image and seed by seed, so all runs must have the same test images and the same seeds.

use crate::base::error::{Result, RunError};
use crate::metric::CaseTable;
use crate::metric::statistics::{
    Interval, RESAMPLES, RatioScore, bootstrap, mean_and_deviation, nan_mean, percentile_interval,
};
use crate::text::config::Metric;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::path::{Path, PathBuf};

/// What one run scored, image by image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunScores {
    pub path: PathBuf,
    pub cases: CaseTable,
}

impl RunScores {
    pub(crate) fn read(path: &Path) -> Result<RunScores> {
        Ok(RunScores { path: path.to_path_buf(), cases: CaseTable::read(path)? })
    }

    /// `[class][image]`, NaN where an image has no score.
    fn metric(&self, metric: Metric) -> Option<&Vec<Vec<f64>>> {
        self.cases.scores.get(&metric)
    }

    /// Mean over the classes of the means over the images; `None` where nothing is measured.
    fn mean(&self, metric: Metric) -> Option<f64> {
        nan_mean(self.metric(metric)?.iter().filter_map(|class| nan_mean(class.iter().copied())))
    }
}

/// The runs of one point, one a seed.
#[derive(Debug, Clone, Default)]
pub(crate) struct PointScores {
    pub seeds: Vec<(u64, RunScores)>,
}

/// A metric of a point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeedMean {
    /// One a seed.
    pub values: Vec<f64>,
    pub mean: f64,
    /// Sample standard deviation over the seeds; not known of one.
    pub deviation: Option<f64>,
}

/// How far a point's metric lies from another's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PointDifference {
    pub mean: f64,
    /// 95 %.
    pub interval: Interval,
    /// Images and seeds that both points have.
    pub images: usize,
    pub seeds: usize,
}

impl PointDifference {
    /// Whether the interval leaves 0 out.
    pub(crate) fn distinguishable(&self) -> bool {
        self.interval.low > 0.0 || self.interval.high < 0.0
    }
}

impl PointScores {
    /// `None` where a run lacks the metric, or there is no run.
    pub(crate) fn mean(&self, metric: Metric) -> Option<SeedMean> {
        let values: Vec<f64> = self.seeds.iter().map(|(_, s)| s.mean(metric)).collect::<Option<_>>()?;
        let (mean, deviation) = mean_and_deviation(&values)?;
        Some(SeedMean { values, mean, deviation })
    }
}

/// Random numbers that choose seeds, beside those that choose images.
const SEED_STREAM: u64 = 1 << 40;

/// Mean of `a - b` over the seeds that both have, and its interval.
///
/// The images are resampled as in [`bootstrap`], the same draw for all seeds. With several seeds these are resampled as
/// well: of S seeds S - 1 are drawn with replacement, which makes the variance over seeds come out right for few of them
/// (McCarthy and Snowden 1985; Rao and Wu 1988). With one seed the interval is about the images alone.
pub(crate) fn point_difference(a: &PointScores, b: &PointScores, metric: Metric) -> Option<PointDifference> {
    let mut columns = Vec::new();
    let (mut seeds, mut classes, mut images) = (0, 0, 0);
    for (seed, one) in &a.seeds {
        let Some((_, other)) = b.seeds.iter().find(|(s, _)| s == seed) else { continue };
        let (one, other) = (one.metric(metric)?, other.metric(metric)?);
        let pairs = one.iter().zip(other);
        let differences: Vec<Vec<f64>> = pairs.map(|(x, y)| x.iter().zip(y).map(|(x, y)| x - y).collect()).collect();
        (classes, images) = (differences.len(), differences.first()?.len());
        columns.extend(differences.into_iter().map(RatioScore::mean));
        seeds += 1;
    }
    if seeds == 0 || images < 2 {
        return None;
    }
    let by_seed =
        |k: usize| nan_mean(columns[k * classes..][..classes].iter().map(RatioScore::value)).unwrap_or(f64::NAN);
    let found = (0..seeds).map(by_seed).sum::<f64>() / seeds as f64;
    // Images of one patient or video are drawn together.
    let groups = a.seeds.first().and_then(|(_, s)| s.cases.groups.as_deref());
    let drawn = bootstrap(&columns, groups, 0);
    let of_seed = |k: usize| -> Vec<f64> {
        (0..RESAMPLES)
            .map(|r| nan_mean(drawn[k * classes..][..classes].iter().map(|c| c[r])).unwrap_or(f64::NAN))
            .collect()
    };
    let drawn: Vec<Vec<f64>> = (0..seeds).map(of_seed).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED_STREAM);
    let draws = (seeds - 1).max(1);
    let mut pick = || ((u64::from(rng.next_u32()) * seeds as u64) >> 32) as usize;
    let values: Vec<f64> =
        (0..RESAMPLES).map(|r| (0..draws).map(|_| drawn[pick()][r]).sum::<f64>() / draws as f64).collect();
    Some(PointDifference { mean: found, interval: percentile_interval(&values)?, images, seeds })
}

/// Refuses runs that were not scored on the same images.
pub(crate) fn check_same_images(points: &[PointScores]) -> Result<()> {
    let mut runs = points.iter().flat_map(|p| &p.seeds).map(|(_, s)| s);
    let Some(first) = runs.next() else { return Ok(()) };
    for other in runs {
        if other.cases.stems != first.cases.stems || other.cases.classes != first.cases.classes {
            let message = format!("not scored on the images and classes of {}", first.path.display());
            return Err(RunError::at(&other.path, message)
                .help("runs with different splits cannot be compared: train them again from the same data"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::statistics::paired_difference;

    fn scores(values: &[f64]) -> RunScores {
        let cases = CaseTable {
            stems: (0..values.len()).map(|i| i.to_string()).collect(),
            groups: None,
            classes: vec!["lung".into()],
            scores: [(Metric::Dice, vec![values.to_vec()])].into(),
        };
        RunScores { path: PathBuf::new(), cases }
    }

    fn point(runs: &[&[f64]]) -> PointScores {
        PointScores { seeds: runs.iter().enumerate().map(|(k, values)| (k as u64, scores(values))).collect() }
    }

    #[test]
    fn one_seed_is_the_paired_difference_over_images() {
        let (a, b) = ([0.9, 0.5, 0.7, 0.2, 0.65], [0.8, 0.6, 0.3, 0.1, 0.6]);
        let found = point_difference(&point(&[&a]), &point(&[&b]), Metric::Dice).unwrap();
        let wanted = paired_difference(&a, &b, None, 0).unwrap();
        assert!((found.mean - wanted.mean).abs() < 1e-12);
        assert_eq!((found.interval.low, found.interval.high), (wanted.low, wanted.high));
        assert_eq!((found.images, found.seeds, found.distinguishable()), (5, 1, wanted.distinguishable()));
    }

    /// Where images do not differ, what is left is the spread of the seeds. Two of three are drawn with replacement, so each
    /// seed is drawn twice in a ninth of the resamples: the interval reaches from the least to the largest.
    #[test]
    fn seeds_widen_the_interval() {
        let b = point(&[&[0.5; 8], &[0.5; 8], &[0.5; 8]]);
        let a = point(&[&[0.4; 8], &[0.6; 8], &[0.7; 8]]);
        let found = point_difference(&a, &b, Metric::Dice).unwrap();
        assert!((found.mean - 0.2 / 3.0).abs() < 1e-12);
        assert!((found.interval.low + 0.1).abs() < 1e-12 && (found.interval.high - 0.2).abs() < 1e-12, "{found:?}");
        assert_eq!((found.images, found.seeds), (8, 3));
        // With many seeds the interval is that of a mean: 1.96 standard deviations over the root of their number.
        let spread: Vec<[f64; 2]> = (0..400).map(|k| [(f64::from(k * 7919 % 400) + 0.5) / 400.0; 2]).collect();
        let many = point(&spread.iter().map(|r| &r[..]).collect::<Vec<_>>());
        let zero = point(&vec![&[0.0, 0.0][..]; 400]);
        let found = point_difference(&many, &zero, Metric::Dice).unwrap();
        let wanted = 1.96 * (1.0 / 12f64).sqrt() / 400f64.sqrt();
        let half = (found.interval.high - found.interval.low) / 2.0;
        assert!((half / wanted - 1.0).abs() < 0.03, "{half} and {wanted}");
    }

    #[test]
    fn only_seeds_of_both_count() {
        let a = PointScores { seeds: vec![(0, scores(&[0.5, 0.7])), (1, scores(&[0.9, 0.9]))] };
        let b = PointScores { seeds: vec![(0, scores(&[0.4, 0.4])), (2, scores(&[0.0, 0.0]))] };
        let found = point_difference(&a, &b, Metric::Dice).unwrap();
        assert!((found.mean - 0.2).abs() < 1e-12 && found.seeds == 1);
        assert!(point_difference(&a, &PointScores { seeds: vec![(7, scores(&[0.1, 0.1]))] }, Metric::Dice).is_none());
        assert!(point_difference(&a, &b, Metric::Hd95).is_none());
    }

    #[test]
    fn other_images_are_refused() {
        let same = |a: &[&str], b: &[&str]| {
            let run = |names: &[&str]| {
                let mut scores = scores(&vec![0.5; names.len()]);
                scores.cases.stems = names.iter().map(|n| n.to_string()).collect();
                PointScores { seeds: vec![(0, scores)] }
            };
            check_same_images(&[run(a), run(b)]).is_ok()
        };
        assert!(same(&["a", "b"], &["a", "b"]));
        assert!(!same(&["a", "b"], &["a", "c"]) && !same(&["a", "b"], &["b", "a"]) && !same(&["a"], &["a", "b"]));
    }
}
