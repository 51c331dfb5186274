//! The spacing of a file against that of the data block, which counts.

use super::notice::NoticeTopic;
use crate::text::config::DataSpec;

/// Returns a notice if the file gives another spacing than the data block: height and width of a pixel in mm.
pub(super) fn spacing_notice(of_file: Option<[f64; 2]>, spec: &DataSpec) -> Option<(NoticeTopic, String)> {
    let (file, block) = (of_file?, spec.spacing?);
    let differs = (0..2).any(|i| (file[i] / block[i] - 1.0).abs() > 0.01);
    differs.then(|| {
        let text = format!(
            "the file gives a spacing of {:.4} x {:.4} mm; the data block's {} x {} mm is used",
            file[0], file[1], block[0], block[1]
        );
        (NoticeTopic::Spacing, text)
    })
}
