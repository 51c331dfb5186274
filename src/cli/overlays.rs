//! Pictures of scored cases: `npc eval RUN --overlays DIR`, and what `npc report` and `npc train --tensorboard` show.

use super::outcome::Done;
use crate::base::error::{Result, RunError};
use crate::compute::lower::lower;
use crate::compute::network::Network;
use crate::data::{Dataset, Role};
use crate::desk::ResolvedRun;
use crate::learn::checkpoint::load_weights;
use crate::learn::folder::Folder;
use crate::learn::prepare::{Prepared, prepare};
use crate::learn::validate::scored_role;
use crate::score::cases::{self, Ranked, worst_and_median};
use crate::score::eval::load;
use crate::show::gallery::{MOST, Shown, sheet, write};
use crate::show::prediction::show_case;
use crate::show::report::words;
use crate::show::tensorboard::Board;
use burn::module::Module;
use clap::Args;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Options of `npc eval`.
#[derive(Args, Default)]
#[command(next_help_heading = "Pictures")]
pub struct Overlays {
    /// Write each case as a picture with errors in colours, worst first, and sheet.png with a legend
    #[arg(long = "overlays", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only the N worst cases and N around the median
    #[arg(long, value_name = "N", requires = "dir", value_parser = clap::value_parser!(u16).range(1..))]
    worst: Option<u16>,
}

/// Longest side of a picture of its own.
const SIDE: usize = 1024;
/// Pictures for TensorBoard.
const BOARD: usize = 4;

impl Overlays {
    /// Draws what was asked for, once `cases.csv` is written. `csv` is that file.
    pub fn write(&self, ready: &ResolvedRun, folder: &Folder, role: Role, csv: &Path) -> Done {
        let Some(dir) = &self.dir else { return Ok(()) };
        let table = cases::read(csv)?;
        let metric = ["dice", "iou"].into_iter().find(|m| table.column(m).is_some()).unwrap_or("dice");
        let ranked = table.worst_first(metric);
        let chosen: Vec<Ranked> = match self.worst {
            None => ranked.clone(),
            Some(n) => {
                let (worst, median) = worst_and_median(&ranked, usize::from(n));
                [worst, median].concat()
            }
        };
        std::fs::create_dir_all(dir).map_err(|e| RunError::at(dir, format!("cannot make the folder: {e}")))?;
        let place = |case: &Ranked| ranked.iter().position(|r| r.stem == case.stem).unwrap_or(0) + 1;
        let artist = Artist::new(ready, folder, role)?;
        let mut first = Vec::new();
        for case in &chosen {
            let shown = artist.shown(case, &words(metric))?;
            // The place among all cases sorts the folder, worst first.
            let name = format!("{:04}_{}.png", place(case), case.stem.replace(['/', '\\'], "_"));
            write(&dir.join(name), &shown.captioned(SIDE)?)?;
            if first.len() < MOST {
                first.push(shown);
            }
        }
        let all = dir.join("sheet.png");
        let what = match self.worst {
            Some(n) if chosen.len() < ranked.len() => format!("the {n} worst and {n} median of {}", ranked.len()),
            _ if first.len() < chosen.len() => format!("the {} worst of {}", first.len(), ranked.len()),
            _ => format!("all {}, worst first", ranked.len()),
        };
        write(&all, &sheet(&format!("{}: {what}", ready.settings.train.name), &first, 4)?)?;
        // Not among the scores, which may be read by a program.
        tell!("overlays: {} in {}, together {}", chosen.len(), dir.display(), all.display());
        Ok(())
    }
}

/// The cases as pictures, in the order given.
pub fn draw(ready: &ResolvedRun, folder: &Folder, role: Role, cases: &[Ranked], metric: &str) -> Result<Vec<Shown>> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let artist = Artist::new(ready, folder, role)?;
    cases.iter().map(|case| artist.shown(case, metric)).collect()
}

/// The first few scored cases into the event file, at the last epoch.
pub fn to_board(ready: &ResolvedRun, folder: &Folder, board: &mut Board) -> Result<()> {
    let epochs = crate::learn::history::History::read(folder);
    let Some(last) = epochs.epochs().last() else { return Ok(()) };
    let Prepared { device, data } = prepare(&ready.checked, &ready.settings)?;
    let network = load(&ready.checked, folder, &device)?.valid();
    let role = scored_role(&data);
    for index in 0..data.len(role).min(BOARD) {
        let shown = show_case(&network, &data, role, index, ready.checked.input().channels(), false)?;
        board.picture(&format!("cases/{}", shown.stem), last.number, &shown.captioned(crate::show::report::SIDE)?)?;
    }
    Ok(())
}

/// A network and the data that it is drawn on.
struct Artist {
    network: Network,
    data: Arc<Dataset>,
    role: Role,
    channels: usize,
    flips: bool,
    places: HashMap<String, usize>,
}

impl Artist {
    fn new(ready: &ResolvedRun, folder: &Folder, role: Role) -> Result<Artist> {
        let Prepared { device, data } = prepare(&ready.checked, &ready.settings)?;
        // As the scores were made, where their file says how.
        let name = if role == Role::Test { "eval.json".into() } else { format!("eval_{role:?}.json").to_lowercase() };
        let text = std::fs::read_to_string(folder.root().join(name)).unwrap_or_default();
        let scored: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let network = match scored["checkpoint"].as_str() {
            Some(file) => load_weights(&folder.root().join(file), lower(&ready.checked, &device, 0))?,
            None => load(&ready.checked, folder, &device)?,
        };
        let network = network.valid();
        let flips = scored["flips"].as_bool().unwrap_or(false);
        let places = data.cases(role).iter().enumerate().map(|(i, case)| (case.stem.clone(), i)).collect();
        Ok(Artist { network, data, role, channels: ready.checked.input().channels(), flips, places })
    }

    fn shown(&self, case: &Ranked, metric: &str) -> Result<Shown> {
        let index = self.places.get(&case.stem).copied().ok_or_else(|| {
            RunError::new(format!("`{}` was scored and is not in the data any more", case.stem))
                .help("`npc eval RUN` scores the run again")
        })?;
        let shown = show_case(&self.network, &self.data, self.role, index, self.channels, self.flips)?;
        Ok(Shown { score: format!("{metric} {:.3}", case.score), ..shown })
    }
}
