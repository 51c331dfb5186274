//! `npc predict`: masks and overlays for images.

use super::job::reopen;
use super::{Done, Stop, print};
use crate::run::device;
use crate::run::eval::load;
use crate::run::predict::{predict_file, stems};
use crate::run::{RunError, device::DeviceChoice};
use burn::module::Module;
use clap::Args;
use std::path::PathBuf;

/// Write masks for images with a trained run
#[derive(Args)]
#[command(
    after_help = "Each mask has the size of its image and the labels of the data block; OUT/STEM.png. With --overlay
OUT/STEM_overlay.png shows the mask on the image. An image that cannot be read is reported, and the others are done.

Examples:
  npc predict runs/npnet_lung slices/*.tif --out masks --overlay

Exit codes: 0 done, 1 problems found, 2 wrong usage"
)]
pub struct Opts {
    /// Folder that `npc train` wrote
    run_dir: PathBuf,
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Folder for the masks
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also write pictures of the masks on the images
    #[arg(long)]
    overlay: bool,
    /// cpu, cuda or cuda:N
    #[arg(long)]
    device: Option<String>,
}

pub fn run(opts: &Opts) -> Done {
    let (ready, folder) = reopen(&opts.run_dir, None, opts.device.as_deref())?;
    let choice: DeviceChoice = ready.settings.device.parse().map_err(RunError::new)?;
    let stems = stems(&opts.images)?;
    let network = load(&ready.checked, &folder, &device::open(choice)?)?.valid();
    std::fs::create_dir_all(&opts.out).map_err(|e| RunError::at(&opts.out, format!("cannot make the folder: {e}")))?;
    let channels = ready.checked.input().channels();
    let mut failed = 0;
    for (path, stem) in opts.images.iter().zip(&stems) {
        match predict_file(&network, &ready.settings.data, path, &opts.out, stem, opts.overlay, channels) {
            Ok(written) => {
                let warnings: String = written.warnings.iter().map(|w| format!("\n  warning: {w}")).collect();
                let share = 100.0 * written.foreground;
                print(&format!("{}  {share:.1} % foreground{warnings}\n", written.mask.display()))?;
            }
            Err(e) => {
                failed += 1;
                eprintln!("error: {e}");
            }
        }
    }
    match failed {
        0 => Ok(()),
        n => Err(Stop::Message(format!("{n} of {} images were not predicted", opts.images.len()))),
    }
}
