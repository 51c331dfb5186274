//! Pictures of the worst cases of a run and of those around the median.

use crate::data::SplitRole;
use crate::learn::trained_run::TrainedRun;
use crate::score::case_columns::RankedCase;
use crate::show::report::content::ReportPicture;

/// Pictures of cases, or the reason why there are none.
#[derive(Default)]
pub(super) struct CasePictures {
    pub(super) worst: Vec<ReportPicture>,
    pub(super) median: Vec<ReportPicture>,
    pub(super) missing: Option<String>,
}

/// Draws `n` of the worst cases and as many around the median. `metric` is the display name of the metric that ranks them.
#[cfg(feature = "run")]
pub(super) fn cases(
    run: TrainedRun<'_>,
    role: SplitRole,
    ranked: &[RankedCase],
    n: usize,
    metric: &str,
) -> CasePictures {
    use crate::base::error::Result;
    use crate::score::case_columns::worst_and_median;
    use crate::show::images::case_pictures::draw_cases;
    use crate::show::report::content::PICTURE_SIDE;
    let (worst, median) = worst_and_median(ranked, n);
    let both = [worst, median].concat();
    let drawn = draw_cases(run, role, &both, metric).and_then(|shown| {
        shown
            .iter()
            .map(|case| ReportPicture::new(&case.stem, &case.score, &case.draw(PICTURE_SIDE)?))
            .collect::<Result<Vec<_>>>()
    });
    match drawn {
        Ok(mut pictures) => {
            let median = pictures.split_off(worst.len().min(pictures.len()));
            CasePictures { worst: pictures, median, missing: None }
        }
        Err(e) => {
            CasePictures { missing: Some(format!("Pictures of cases are missing: {e}")), ..CasePictures::default() }
        }
    }
}

/// Without the feature `run` there is no network to draw cases with.
#[cfg(not(feature = "run"))]
pub(super) fn cases(_: TrainedRun<'_>, _: SplitRole, _: &[RankedCase], _: usize, _: &str) -> CasePictures {
    let missing = "Pictures of cases are missing: this npc was built without the feature `run`";
    CasePictures { missing: Some(missing.into()), ..CasePictures::default() }
}
