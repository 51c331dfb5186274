//! `npc eval`: a run's best checkpoint against ground truth.

use super::job::{reopen, stop_on_interrupt};
use super::table::{Align, columns};
use super::{Done, Stop, print};
use crate::run::data::{Role, write_atomic};
use crate::run::eval::evaluate;
use crate::run::metric::{Scores, Summary, cases_csv};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Score a run on its test images
#[derive(Args)]
#[command(
    after_help = "IoU and Dice are computed per image and averaged; the pooled figures, from all pixels together, stand
beside them. A class that neither prediction nor truth of an image holds counts as 1. Scores are at the data block's
size. RUN_DIR/cases.csv gets a line per image and class, RUN_DIR/eval.json the summary.

Examples:
  npc eval runs/npnet_lung
  npc eval runs/npnet_lung --split train --format json
  npc eval runs/npnet_lung --overlays overlays --worst 12

Exit codes: 0 done, 1 problems found, 2 wrong usage, 130 interrupted"
)]
pub struct Opts {
    /// Folder that `npc train` wrote
    run_dir: PathBuf,
    #[arg(long, value_enum, default_value = "test")]
    split: Split,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// cpu, cuda or cuda:N
    #[arg(long)]
    device: Option<String>,
    /// Where the paths of the data block start; as in training when not given
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
    #[command(flatten)]
    overlays: super::overlays::Overlays,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    pub fn role(self) -> Role {
        match self {
            Split::Train => Role::Train,
            Split::Val => Role::Val,
            Split::Test => Role::Test,
        }
    }

    /// `cases.csv` for the test images, `cases_train.csv` for the others.
    fn file(self, name: &str, extension: &str) -> String {
        match self {
            Split::Test => format!("{name}.{extension}"),
            Split::Train | Split::Val => format!("{name}_{}.{extension}", self.name()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(opts: &Opts) -> Done {
    let (ready, folder) = reopen(&opts.run_dir, opts.data_root.as_deref(), opts.device.as_deref())?;
    let stop = stop_on_interrupt();
    let scored = evaluate(&ready.checked, &ready.settings, &folder, opts.split.role(), stop);
    if stop.load(Ordering::Relaxed) {
        return Err(Stop::Interrupted);
    }
    let (summary, cases) = scored?;
    let classes = &ready.settings.data.classes;
    let csv = folder.root().join(opts.split.file("cases", "csv"));
    write_atomic(&csv, cases_csv(&cases, classes).as_bytes())?;
    folder.write_json(&opts.split.file("eval", "json"), &summary)?;
    opts.overlays.write(&ready, &folder, opts.split.role(), &csv)?;
    match opts.format {
        Format::Json => print(&format!("{:#}\n", serde_json::json!(summary))),
        Format::Text => {
            let head = format!("{} on {} {} images\n", ready.settings.train.name, summary.n, opts.split.name());
            print(&format!("{head}\n{}\nper image: {}\n", table(&summary, classes), csv.display()))
        }
    }
}

/// Per class, then the mean of the foreground classes.
pub fn table(summary: &Summary, classes: &[String]) -> String {
    let row = |name: &str, a: Scores, b: Scores| {
        let mut row = vec![name.to_string()];
        row.extend([a.dice, a.iou, b.dice, b.iou].map(|x| format!("{x:.4}")));
        row
    };
    let mut rows: Vec<Vec<String>> = (classes.iter())
        .filter_map(|c| Some(row(c, *summary.per_class.get(c)?, *summary.pooled.per_class.get(c)?)))
        .collect();
    let (mean, pooled) = (
        Scores { iou: summary.iou, dice: summary.dice },
        Scores { iou: summary.pooled.iou, dice: summary.pooled.dice },
    );
    rows.push(row("foreground mean", mean, pooled));
    use Align::{Left, Right};
    columns(&["class", "Dice", "IoU", "Dice, pooled", "IoU, pooled"], &[Left, Right, Right, Right, Right], &rows)
}
