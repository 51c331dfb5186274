//! The worst cases of a run and those around the median, as pictures.

use crate::data::SplitRole;
use crate::learn::trained_run::TrainedRun;
use crate::score::case_columns::RankedCase;
use crate::show::report::content::Picture;

/// Pictures of cases, or why there are none.
#[derive(Default)]
pub(super) struct Cases {
    pub(super) worst: Vec<Picture>,
    pub(super) median: Vec<Picture>,
    pub(super) missing: Option<String>,
}

/// So many of the worst and as many around the median; `metric` is how people call what they are ranked by.
#[cfg(feature = "run")]
pub(super) fn cases(run: TrainedRun<'_>, role: SplitRole, ranked: &[RankedCase], n: usize, metric: &str) -> Cases {
    use crate::base::error::Result;
    use crate::score::case_columns::worst_and_median;
    use crate::show::images::case_pictures::draw;
    use crate::show::report::content::SIDE;
    let (worst, median) = worst_and_median(ranked, n);
    let both = [worst, median].concat();
    let drawn = draw(run, role, &both, metric).and_then(|shown| {
        shown.iter().map(|case| Picture::new(&case.stem, &case.score, &case.draw(SIDE)?)).collect::<Result<Vec<_>>>()
    });
    match drawn {
        Ok(mut pictures) => {
            let median = pictures.split_off(worst.len().min(pictures.len()));
            Cases { worst: pictures, median, missing: None }
        }
        Err(e) => Cases { missing: Some(format!("Without pictures of cases: {e}")), ..Cases::default() },
    }
}

/// None: they take a network.
#[cfg(not(feature = "run"))]
pub(super) fn cases(_: TrainedRun<'_>, _: SplitRole, _: &[RankedCase], _: usize, _: &str) -> Cases {
    let missing = "Without pictures of cases: this npc is built without the feature `run`";
    Cases { missing: Some(missing.into()), ..Cases::default() }
}
