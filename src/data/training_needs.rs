//! What training needs of a data block, which a check of the data alone can tell as well.

use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::DataSpec;

/// Checks that a network with this number of input channels takes the images of a data block, and that `mean` and `std` have one
/// value, or one for each channel.
pub(crate) fn check_channels(spec: &DataSpec, model: &str, channels: usize) -> Result<()> {
    if !matches!(channels, 1 | 3) {
        return Err(problem!(E0716, "`{model}` has {}, but images have 1 or 3", counted(channels, "input channel")));
    }
    for (key, values) in [("mean", &spec.mean), ("std", &spec.std)] {
        if values.len() > 1 && values.len() != channels {
            return Err(problem!(
                E0716,
                "`{key}` of data `{}` has {}, but `{model}` has {}",
                spec.name,
                counted(values.len(), "value"),
                counted(channels, "input channel");
                help: "give one value for all channels, or {channels}"
            ));
        }
    }
    Ok(())
}

/// Returns the problem of a run that keeps its best epoch, and of a split without images to score epochs on.
pub(crate) fn nothing_to_score() -> RunError {
    problem!(
        E0715,
        "the validation and test splits are empty, so no best epoch can be found";
        help: "give `val` or `test` a share";
        help: "or keep the last epoch only: `keep = [last]`"
    )
}
