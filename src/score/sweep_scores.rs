//! Compares the runs of one sweep: scores on the test images, and differences between points.
//!
//! Reads the files that `npc eval` wrote into the run folders. The points of a sweep are compared image by image and seed by
//! seed, so all runs must have the same test images and the same seeds.

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::metric::CaseTable;
use crate::metric::statistics::{
    Interval, LEAST_UNITS, RESAMPLES, RatioScore, bootstrap, excludes_zero, mean_and_deviation, nan_mean,
    percentile_interval, unit_count,
};
use crate::text::config::Metric;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::path::{Path, PathBuf};

/// Scores of the images of one run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunScores {
    pub path: PathBuf,
    pub cases: CaseTable,
}

impl RunScores {
    pub(crate) fn read(path: &Path) -> Result<RunScores> {
        Ok(RunScores { path: path.to_path_buf(), cases: CaseTable::read(path)? })
    }

    /// Returns the scores `[class][image]`, with NaN for an image without a score.
    fn metric(&self, metric: Metric) -> Option<&Vec<Vec<f64>>> {
        self.cases.scores.get(&metric)
    }

    /// Returns the mean over the classes of the means over the images; `None` if no score is defined.
    fn mean(&self, metric: Metric) -> Option<f64> {
        nan_mean(self.metric(metric)?.iter().filter_map(|class| nan_mean(class.iter().copied())))
    }
}

/// Scores of the runs of one point, one run for each seed.
#[derive(Debug, Clone, Default)]
pub(crate) struct PointScores {
    pub seeds: Vec<(u64, RunScores)>,
}

/// Mean of a metric over the seeds of a point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeedMean {
    /// Score of each seed.
    pub values: Vec<f64>,
    pub mean: f64,
    /// Sample standard deviation over the seeds; `None` for one seed.
    pub deviation: Option<f64>,
}

/// Difference of a metric between two points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PointDifference {
    pub mean: f64,
    /// 95 % confidence interval of the mean.
    pub interval: Interval,
    /// Number of images.
    pub images: usize,
    /// Number of groups of images, or of images that are not grouped.
    pub units: usize,
    /// Number of seeds that both points have.
    pub seeds: usize,
}

impl PointDifference {
    /// Checks whether the interval excludes 0, over enough images or groups.
    pub(crate) fn distinguishable(&self) -> bool {
        excludes_zero(&self.interval, self.units)
    }
}

impl PointScores {
    /// Returns the mean of a metric; `None` if a run lacks the metric, or the point has no run.
    pub(crate) fn mean(&self, metric: Metric) -> Option<SeedMean> {
        let values: Vec<f64> = self.seeds.iter().map(|(_, s)| s.mean(metric)).collect::<Option<_>>()?;
        let (mean, deviation) = mean_and_deviation(&values)?;
        Some(SeedMean { values, mean, deviation })
    }

    /// Returns the group of each image, if images are grouped.
    fn groups(&self) -> Option<&[String]> {
        self.seeds.first().and_then(|(_, scores)| scores.cases.groups.as_deref())
    }
}

/// Random stream that draws seeds; it is separate from the streams that draw images.
const SEED_STREAM: u64 = 1 << 40;

/// Returns the mean of `a - b` over the common seeds, with its interval.
///
/// The images are resampled as in [`bootstrap`], with the same draw for all seeds. Several seeds are resampled as well: S - 1
/// of S seeds are drawn with replacement, which makes the variance over few seeds unbiased (McCarthy and Snowden 1985; Rao
/// and Wu 1988). With one seed the interval covers the variation of the images alone. `None` without common seeds, and for too few
/// images or groups.
pub(crate) fn point_difference(a: &PointScores, b: &PointScores, metric: Metric) -> Option<PointDifference> {
    let mut seeds = Vec::new();
    for (seed, one) in &a.seeds {
        let Some((_, other)) = b.seeds.iter().find(|(s, _)| s == seed) else { continue };
        let pairs = one.metric(metric)?.iter().zip(other.metric(metric)?);
        seeds.push(pairs.map(|(x, y)| x.iter().zip(y).map(|(x, y)| x - y).collect()).collect());
    }
    resampled_mean(seeds, a.groups())
}

/// Returns the interval of the mean of a point over its seeds and images, resampled as in [`point_difference`].
pub(crate) fn point_interval(point: &PointScores, metric: Metric) -> Option<Interval> {
    let seeds: Vec<Vec<Vec<f64>>> =
        point.seeds.iter().map(|(_, scores)| scores.metric(metric).cloned()).collect::<Option<_>>()?;
    resampled_mean(seeds, point.groups()).map(|found| found.interval)
}

/// Resamples values `[seed][class][image]` over images and seeds, as [`point_difference`] says. Images of one patient or video are
/// resampled together. `None` without values, and for too few images or groups.
pub(crate) fn resampled_mean(values: Vec<Vec<Vec<f64>>>, groups: Option<&[String]>) -> Option<PointDifference> {
    let (seeds, classes) = (values.len(), values.first()?.len());
    let images = values.first()?.first()?.len();
    let units = unit_count(images, groups);
    if units < LEAST_UNITS {
        return None;
    }
    let columns: Vec<RatioScore> = values.into_iter().flatten().map(RatioScore::mean).collect();
    let by_seed =
        |k: usize| nan_mean(columns[k * classes..][..classes].iter().map(RatioScore::value)).unwrap_or(f64::NAN);
    let found = (0..seeds).map(by_seed).sum::<f64>() / seeds as f64;
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
    Some(PointDifference { mean: found, interval: percentile_interval(found, &values)?, images, units, seeds })
}

/// Fails if the runs were not scored on the same images and classes.
pub(crate) fn check_same_images(points: &[PointScores]) -> Result<()> {
    let mut runs = points.iter().flat_map(|p| &p.seeds).map(|(_, s)| s);
    let Some(first) = runs.next() else { return Ok(()) };
    for other in runs {
        if other.cases.stems != first.cases.stems || other.cases.classes != first.cases.classes {
            return Err(
                problem!(E0740, &other.path, "the images or classes differ from those of {}", first.path.display();
                help: "runs with different splits cannot be compared: train them again on the same data"),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::statistics::paired_difference;

    fn scores(values: &[f64]) -> RunScores {
        let cases = CaseTable::of_dice(values);
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

    /// If images do not differ, only the spread of the seeds remains. Two of three seeds are drawn with replacement, so each
    /// seed is drawn twice in a ninth of the resamples, and the interval reaches from the smallest to the largest.
    #[test]
    fn seeds_widen_the_interval() {
        let b = point(&[&[0.5; 8], &[0.5; 8], &[0.5; 8]]);
        let a = point(&[&[0.4; 8], &[0.6; 8], &[0.7; 8]]);
        let found = point_difference(&a, &b, Metric::Dice).unwrap();
        assert!((found.mean - 0.2 / 3.0).abs() < 1e-12);
        assert!((found.interval.low + 0.1).abs() < 1e-12 && (found.interval.high - 0.2).abs() < 1e-12, "{found:?}");
        assert_eq!((found.images, found.seeds), (8, 3));
        // With many seeds the half-width is that of a normal mean: 1.96 standard deviations over the root of their number.
        let spread: Vec<[f64; 3]> = (0..400).map(|k| [(f64::from(k * 7919 % 400) + 0.5) / 400.0; 3]).collect();
        let many = point(&spread.iter().map(|r| &r[..]).collect::<Vec<_>>());
        let zero = point(&vec![&[0.0; 3][..]; 400]);
        let found = point_difference(&many, &zero, Metric::Dice).unwrap();
        let wanted = 1.96 * (1.0 / 12f64).sqrt() / 400f64.sqrt();
        let half = (found.interval.high - found.interval.low) / 2.0;
        assert!((half / wanted - 1.0).abs() < 0.03, "{half} and {wanted}");
    }

    /// The interval of a point is that of its difference to a point that scores 0 everywhere.
    #[test]
    fn a_point_has_the_interval_of_its_own_scores() {
        let a = point(&[&[0.9, 0.5, 0.7, 0.2, 0.65], &[0.8, 0.6, 0.7, 0.1, 0.6]]);
        let zero = point(&[&[0.0; 5], &[0.0; 5]]);
        let found = point_interval(&a, Metric::Dice).unwrap();
        assert_eq!(found, point_difference(&a, &zero, Metric::Dice).unwrap().interval);
        let mean = a.mean(Metric::Dice).unwrap().mean;
        assert!(found.low < mean && mean < found.high);
        assert!(point_interval(&point(&[&[0.5, 0.6]]), Metric::Dice).is_none(), "two images are too few");
        assert!(point_interval(&PointScores::default(), Metric::Dice).is_none());
        assert!(point_interval(&a, Metric::Hd95).is_none());
    }

    #[test]
    fn only_seeds_of_both_count() {
        let a = PointScores { seeds: vec![(0, scores(&[0.5, 0.6, 0.7])), (1, scores(&[0.9; 3]))] };
        let b = PointScores { seeds: vec![(0, scores(&[0.4; 3])), (2, scores(&[0.0; 3]))] };
        let found = point_difference(&a, &b, Metric::Dice).unwrap();
        assert!((found.mean - 0.2).abs() < 1e-12 && found.seeds == 1);
        assert!(point_difference(&a, &PointScores { seeds: vec![(7, scores(&[0.1; 3]))] }, Metric::Dice).is_none());
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
