//! `mean` and `std` in other units than those of the values that they are applied to.

use super::DataSpec;

/// A key whose numbers are in other units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueUnitDoubt {
    /// `mean` or `std`.
    pub key: &'static str,
    /// What is doubtful, in one line.
    pub message: String,
    /// The edit in the units of the values, if it is known.
    pub help: String,
}

/// Returns the doubt about `mean` and `std` of a block. Values are scaled to 0..1 first, so a mean lies there, and no standard
/// deviation exceeds 1.
pub fn value_unit_doubt(spec: &DataSpec) -> Option<ValueUnitDoubt> {
    let is_mean = spec.mean.iter().any(|mean| !(0.0..=1.0).contains(mean));
    let is_std = spec.std.iter().any(|std| *std > 1.0);
    let (key, values, what) = match (is_mean, is_std) {
        (true, _) => ("mean", &spec.mean, "outside of 0..1"),
        (false, true) => ("std", &spec.std, "above 1"),
        (false, false) => return None,
    };
    let message = format!(
        "`{key} = {}` is {what}: values are scaled to 0..1 before `mean` is subtracted and before they are divided by `std`",
        listed(values)
    );
    let [low, range, by] = units(spec);
    let mean: Vec<f64> = spec.mean.iter().map(|mean| if is_mean { (mean - low) / range } else { *mean }).collect();
    let std: Vec<f64> = spec.std.iter().map(|std| if is_std { std / range } else { *std }).collect();
    let fits = mean.iter().all(|mean| (0.0..=1.0).contains(mean)) && std.iter().all(|std| *std <= 1.0);
    let help = match fits {
        true if spec.window.is_some() => {
            format!("in units of the window: `mean = {}`, `std = {}`", listed(&mean), listed(&std))
        }
        true => format!("divided by {by}: `mean = {}`, `std = {}`", listed(&mean), listed(&std)),
        false => "write them in the units of 0..1, or leave them out".to_string(),
    };
    Some(ValueUnitDoubt { key, message, help })
}

/// Returns the value that is scaled to 0, the range that is scaled to 1, and the range again: those of the window, or of 8 or 16 bits.
fn units(spec: &DataSpec) -> [f64; 3] {
    let most = spec.mean.iter().chain(&spec.std).fold(0.0f64, |most, v| most.max(v.abs()));
    match spec.window {
        Some([low, high]) => [low, high - low, high - low],
        None if most <= 255.0 => [0.0, 255.0, 255.0],
        None => [0.0, 65535.0, 65535.0],
    }
}

/// Writes numbers as a data block does, with at most three digits behind the point.
fn listed(values: &[f64]) -> String {
    let shown = |v: &f64| format!("{v:.3}").trim_end_matches('0').trim_end_matches('.').to_string();
    match values {
        [one] => shown(one),
        several => format!("[{}]", several.iter().map(shown).collect::<Vec<_>>().join(", ")),
    }
}
