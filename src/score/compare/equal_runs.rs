//! Notices runs that are compared with themselves, or with a copy.

use super::evaluated_run::EvaluatedRun;
use crate::metric::CaseTable;

/// Returns a note on the first pair of runs that are one folder, or have the same settings and the same scores of every image.
pub(super) fn note(runs: &[EvaluatedRun]) -> Option<String> {
    let pairs = runs.iter().enumerate().flat_map(|(i, b)| runs[..i].iter().map(move |a| (a, b)));
    pairs.into_iter().find_map(|(a, b)| {
        let [x, y] = [a, b].map(|run| run.folder.display());
        let same = a.folder.canonicalize().ok().is_some_and(|folder| b.folder.canonicalize().ok() == Some(folder));
        match same {
            true => Some(format!("{x} and {y} are one folder: the run is compared with itself")),
            false => is_copy(a, b).then(|| {
                format!("{x} and {y} have the same settings and the same scores everywhere: one is a copy or a repetition of the other")
            }),
        }
    })
}

fn is_copy(a: &EvaluatedRun, b: &EvaluatedRun) -> bool {
    a.settings == b.settings && a.cases.stems == b.cases.stems && scores(&a.cases) == scores(&b.cases)
}

/// Returns the bits of all scores: images without one have NaN, which is not equal to itself.
fn scores(table: &CaseTable) -> Vec<u64> {
    table.scores.values().flatten().flatten().map(|score| score.to_bits()).collect()
}
