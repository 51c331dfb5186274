//! Which numbers a tensor of weights may hold.

use super::NamedTensor;
use crate::base::count::counted_of;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::base::shorten::short_name;

/// Checks that all numbers are finite and that a running variance is not negative. A network computes nothing of meaning with
/// others, and its masks are empty without an error.
pub(crate) fn check_numbers(tensor: &NamedTensor) -> Result<()> {
    let NamedTensor { name, values, .. } = tensor;
    let not_finite = values.iter().filter(|value| !value.is_finite()).count();
    if not_finite > 0 {
        let first = values.iter().position(|value| !value.is_finite()).unwrap_or(0);
        return Err(problem!(
            E0724,
            "tensor `{}` holds {} that are NaN or infinite, the first at index {first}",
            short_name(name),
            counted_of(not_finite, values.len(), "number");
            help: "use a checkpoint from before the training diverged, or the file before its conversion"
        ));
    }
    let negative = values.iter().position(|value| *value < 0.0);
    match negative.filter(|_| name.rsplit('.').next() == Some("running_var")) {
        Some(first) => Err(problem!(
            E0724,
            "tensor `{}` is a variance and holds {} at index {first}, which is negative",
            short_name(name),
            values[first];
            help: "the file may hold the tensors of a batch norm in another order than their names say"
        )),
        None => Ok(()),
    }
}

/// Whether this is PyTorch's counter of the batches of a batch norm, which is not a weight.
pub(crate) fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}
