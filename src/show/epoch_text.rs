//! An epoch of training as a line of text.

use crate::base::number::clock;
use crate::learn::run_folder::EpochRecord;

/// Returns the line of an epoch, marked if it is the best so far and if its predictions are of one class.
pub(crate) fn epoch_line(r: &EpochRecord, best: bool) -> String {
    let mark = match (best, r.found_nothing, r.only_foreground) {
        (true, _, false) => "  best",
        (true, _, true) => "  best, all foreground",
        (false, true, _) => "  no foreground",
        (false, false, true) => "  all foreground",
        (false, false, false) => "",
    };
    format!(
        "epoch {:>3}  loss {:.4}  Dice {:.4}  IoU {:.4}  {:.1} images/s  {}{mark}",
        r.epoch,
        r.loss,
        r.dice,
        r.iou,
        r.images_per_second,
        clock(r.seconds)
    )
}

/// Returns where the time of an epoch went, with its learning rate and its gradient. `scoring` is the time in seconds after its last
/// step.
pub(crate) fn epoch_details(r: &EpochRecord, scoring: f64) -> String {
    format!(
        "{}: {:.2} s of training, {:.2} s of it waiting for images; {scoring:.2} s of scoring and saving; learning rate {:.3e}, \
         gradient norm {:.3e}",
        r.epoch, r.seconds, r.waited_seconds, r.lr, r.gradient_norm
    )
}
