//! Shape labels of edges: in numbers, and as formulas in the image's height H and width W.

use crate::graph::ir::{Graph, Outlet};
use crate::graph::ty::{Dim, TensorType};

/// The most letters of a formula. Numbers are shown instead of a longer one.
const MAX_LETTERS: usize = 30;

/// Returns `64 × 144 × 192` and `64 × H/2 × W/2`. The second is empty where it would be too long.
pub(super) fn shape_labels(graph: &Graph, outlet: Outlet) -> [String; 2] {
    let prefix = match graph.ty(outlet) {
        TensorType::Tensor(_) => "",
        TensorType::Index { .. } => "indices ",
    };
    let dims = graph.ty(outlet).shape().dims();
    let numbers = dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    let image = graph.ty(Outlet { node: graph.input(), slot: 0 }).shape().dims();
    let size = [image[1], image[2]];
    let formulas = graph.formula(outlet).dims().iter();
    let formula =
        formulas.map(|d| fraction_of_side(d, size).unwrap_or_else(|| exact_formula(d))).collect::<Vec<_>>().join(" × ");
    let formula = if formula.chars().count() <= MAX_LETTERS { format!("{prefix}{formula}") } else { String::new() };
    [format!("{prefix}{numbers}"), formula]
}

/// Returns `H/8` where the dim equals this fraction of the height at this size and at all larger sizes with the same
/// remainders, where `floor` and `min` have no effect.
fn fraction_of_side(dim: &Dim, size: [usize; 2]) -> Option<String> {
    let axis = match [dim.depends_on(0), dim.depends_on(1)] {
        [true, false] => 0,
        [false, true] => 1,
        [true, true] | [false, false] => return None,
    };
    let period = dim.period()?;
    let mut values = [0i128; 4];
    for (value, k) in values.iter_mut().zip(0..) {
        let mut at = size;
        at[axis] = at[axis].checked_add(usize::try_from(period.checked_mul(k)?).ok()?)?;
        *value = dim.eval(at)?;
    }
    let step = values[1] - values[0];
    let even = values.windows(2).all(|w| w[1] - w[0] == step);
    if !even || step <= 0 || values[0].checked_mul(period)? != step.checked_mul(size[axis] as i128)? {
        return None;
    }
    let mut common = (step, period);
    while common.1 != 0 {
        common = (common.1, common.0 % common.1);
    }
    let times = if step == common.0 { String::new() } else { (step / common.0).to_string() };
    let over = if period == common.0 { String::new() } else { format!("/{}", period / common.0) };
    Some(format!("{times}{}{over}", ["H", "W"][axis]))
}

/// Returns `⌊H/2⌋` for `floor(H / 2)`. Other formulas keep the spelling of the language.
fn exact_formula(dim: &Dim) -> String {
    let formula = dim.to_string().replace(" / ", "/");
    for (word, open, close) in [("floor(", "⌊", "⌋"), ("ceil(", "⌈", "⌉")] {
        let inner = formula.strip_prefix(word).and_then(|rest| rest.strip_suffix(')'));
        if let Some(inner) = inner.filter(|i| !i.contains(['(', ')'])) {
            return format!("{open}{inner}{close}");
        }
    }
    formula
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(dim: Option<Dim>, size: [usize; 2]) -> String {
        let dim = dim.unwrap();
        fraction_of_side(&dim, size).unwrap_or_else(|| exact_formula(&dim))
    }

    #[test]
    fn parts_of_the_image_are_shown_as_such() {
        let half = || Dim::height().floor_div(2);
        assert_eq!(shown(Some(Dim::height()), [9, 9]), "H");
        assert_eq!(shown(half(), [8, 9]), "H/2");
        assert_eq!(shown(half(), [9, 9]), "⌊H/2⌋");
        assert_eq!(shown(Dim::width().ceil_div(8), [9, 16]), "W/8");
        assert_eq!(shown(Dim::width().ceil_div(8), [9, 17]), "⌈W/8⌉");
        assert_eq!(shown(half().unwrap().times_n(3), [8, 9]), "3H/2");
        assert_eq!(shown(half().unwrap().times_n(2), [8, 9]), "H");
        assert_eq!(shown(half().unwrap().times_n(2).unwrap().smaller_of(&Dim::height()), [8, 9]), "H");
        // A constant difference is not a fraction.
        assert_eq!(shown(Dim::height().plus_n(-2), [8, 9]), "H - 2");
        assert_eq!(shown(Some(Dim::constant(7)), [8, 9]), "7");
    }
}
