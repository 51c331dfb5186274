//! Draws scored cases into a folder, for a report and for TensorBoard.

use super::gallery::{MAX_CASES, OverlayCase, case_sheet, write_png};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::input_files::check_outputs;
use crate::base::problem::problem;
use crate::compute::network::Network;
use crate::data::named_files::named_files;
use crate::data::{Dataset, SplitRole};
use crate::learn::history::History;
use crate::learn::prepare::{RunInputs, prepare};
use crate::learn::trained_run::TrainedRun;
use crate::learn::validate::scored_role;
use crate::score::case_columns::{CaseColumns, RankedCase, worst_and_median};
use crate::score::eval::{load_best_network, load_network};
use crate::show::prediction::show_case;
use crate::show::report::{PICTURE_SIDE, display_name};
use crate::show::tensorboard::EventFile;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the picture of all cases.
pub(crate) const SHEET: &str = "sheet.png";
/// The longest side of the picture of one case in pixels.
const SIDE: usize = 1024;
/// The most cases that are drawn for TensorBoard.
const TENSORBOARD_CASES: usize = 4;

/// The pictures that were written into a folder.
pub(crate) struct WrittenCases {
    /// Which cases have a picture: `all 5 images, worst first`.
    pub cases: String,
    /// Path of the sheet that shows them together.
    pub sheet: PathBuf,
}

/// Draws the cases that `cases.csv` of a split has scores for: each as a picture, the worst first, and `sheet.png` with a
/// legend. `worst` chooses this many of the worst cases and as many around the median.
pub(crate) fn write_cases(
    run: TrainedRun<'_>,
    role: SplitRole,
    dir: &Path,
    worst: Option<usize>,
) -> Result<WrittenCases> {
    let table = CaseColumns::read(&run.folder.cases(role))?;
    let metric = table.ranking();
    let ranked = table.worst_first(metric);
    let (worst, median) = match worst {
        None => (&ranked[..], &[][..]),
        Some(n) => worst_and_median(&ranked, n),
    };
    let chosen: Vec<RankedCase> = [worst, median].concat();
    let rank = |case: &RankedCase| ranked.iter().position(|r| r.stem == case.stem).unwrap_or(0) + 1;
    // The rank among all cases sorts the folder, worst first.
    let path = |case: &RankedCase| dir.join(format!("{:04}_{}.png", rank(case), case.stem.replace(['/', '\\'], "_")));
    let (data, root) = (&run.settings.data, Path::new(&run.settings.data_root));
    check_outputs(chosen.iter().map(path), || named_files(data, root))?;
    std::fs::create_dir_all(dir).map_err(|e| RunError::create_dir(dir, e))?;
    let artist = CaseArtist::new(run, role)?;
    let mut first = Vec::new();
    for case in &chosen {
        let shown = artist.overlay_case(case, &display_name(metric))?;
        write_png(&path(case), &shown.captioned(SIDE)?)?;
        if first.len() < MAX_CASES {
            first.push(shown);
        }
    }
    let all = dir.join(SHEET);
    let shown_worst = first.len().min(worst.len());
    let on_sheet = chosen_cases(shown_worst, first.len() - shown_worst, ranked.len());
    write_png(&all, &case_sheet(&format!("{}: {on_sheet}", run.settings.train.name), &first, 4)?)?;
    Ok(WrittenCases { cases: chosen_cases(worst.len(), median.len(), ranked.len()), sheet: all })
}

/// Says which of `all` images are shown: `the 6 worst and 5 around the median of 13 images`, `all 5 images, worst first`.
fn chosen_cases(worst: usize, median: usize, all: usize) -> String {
    let images = counted(all, "image");
    match median {
        0 if worst == all && all == 1 => "the only image".into(),
        0 if worst == all => format!("all {images}, worst first"),
        0 => format!("the {worst} worst of {images}"),
        _ => format!("the {worst} worst and {median} around the median of {images}"),
    }
}

/// Returns the cases with their overlays in the given order. `metric` is the display name of the metric that ranks them.
pub(crate) fn draw_cases(
    run: TrainedRun<'_>,
    role: SplitRole,
    cases: &[RankedCase],
    metric: &str,
) -> Result<Vec<OverlayCase>> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let artist = CaseArtist::new(run, role)?;
    cases.iter().map(|case| artist.overlay_case(case, metric)).collect()
}

/// Adds the first few scored cases to the event file, at the last epoch.
pub(crate) fn add_to_tensorboard(run: TrainedRun<'_>, board: &mut EventFile) -> Result<()> {
    let epochs = History::read(run.folder);
    let Some(last) = epochs.epochs().last() else { return Ok(()) };
    let RunInputs { device, data } = prepare(run.checked, run.settings)?;
    let network = load_best_network(run.checked, run.folder, &device)?;
    let role = scored_role(&data);
    for index in 0..data.len(role).min(TENSORBOARD_CASES) {
        let shown = show_case(&network, &data, role, index, run.checked.input().channels(), false)?;
        board.picture(&format!("cases/{}", shown.stem), last.number, &shown.captioned(PICTURE_SIDE)?)?;
    }
    Ok(())
}

/// A network and the data whose cases are drawn.
struct CaseArtist {
    network: Network,
    data: Arc<Dataset>,
    role: SplitRole,
    channels: usize,
    flips: bool,
    index_of: HashMap<String, usize>,
}

impl CaseArtist {
    /// Opens the device, the data and the weights of a run.
    fn new(run: TrainedRun<'_>, role: SplitRole) -> Result<CaseArtist> {
        let TrainedRun { checked, settings, folder } = run;
        let RunInputs { device, data } = prepare(checked, settings)?;
        // Weights and flips are those of the evaluation, where its file names them.
        let text = file::read_text(&folder.evaluation(role), file::TABLE_BYTES).unwrap_or_default();
        let scored: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        // The weights are a file of the run folder, whatever an evaluation of someone else says.
        let checkpoint = scored["checkpoint"].as_str().filter(|name| !name.contains(['/', '\\']));
        let network = match checkpoint {
            Some(file) => load_network(&folder.root().join(file), checked, &device)?,
            None => load_best_network(checked, folder, &device)?,
        };
        let flips = scored["flips"].as_bool().unwrap_or(false);
        let index_of = data.cases(role).iter().enumerate().map(|(i, case)| (case.stem.clone(), i)).collect();
        Ok(CaseArtist { network, data, role, channels: checked.input().channels(), flips, index_of })
    }

    /// Predicts a case and returns it with its score.
    fn overlay_case(&self, case: &RankedCase, metric: &str) -> Result<OverlayCase> {
        let index = self.index_of.get(&case.stem).copied().ok_or_else(|| {
            problem!(E0721, "`{}` was scored but is no longer in the data", case.stem;
                help: "`npc eval RUN` scores the run again")
        })?;
        let shown = show_case(&self.network, &self.data, self.role, index, self.channels, self.flips)?;
        Ok(OverlayCase { score: format!("{metric} {:.3}", case.score), ..shown })
    }
}

#[cfg(test)]
mod tests {
    use super::chosen_cases;

    #[test]
    fn the_words_say_what_is_shown() {
        assert_eq!(chosen_cases(5, 0, 5), "all 5 images, worst first");
        assert_eq!(chosen_cases(1, 0, 1), "the only image");
        assert_eq!(chosen_cases(60, 0, 1200), "the 60 worst of 1,200 images");
        assert_eq!(chosen_cases(6, 5, 13), "the 6 worst and 5 around the median of 13 images");
    }
}
