//! Matches tensors by their order, where no name agrees.
//!
//! The same architecture with other names declares the same shapes in the same order. Shapes alone are not enough: the four
//! vectors of a batch norm have one shape. The last word of a name says what a tensor does in its layer, so the last words must
//! agree at every position, or nothing is loaded. What only the order tells apart, as two convolutions of one shape, is reported.

use super::outcome::{InitOutcome, NamedShape};
use crate::base::count::{counted, counted_of};
use crate::base::shorten::{shape_text, short_name};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a tensor does in its layer, by the last word of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TensorRole {
    Weight,
    Bias,
    RunningMean,
    RunningVariance,
}

impl TensorRole {
    /// The last words of PyTorch, and those of Keras and MXNet for norms. Keras's and Flax's `kernel` is no weight: its dims are
    /// in another order, which a square one does not show.
    const WORDS: [(&'static str, TensorRole); 10] = [
        ("weight", TensorRole::Weight),
        ("gamma", TensorRole::Weight),
        ("bias", TensorRole::Bias),
        ("beta", TensorRole::Bias),
        ("running_mean", TensorRole::RunningMean),
        ("moving_mean", TensorRole::RunningMean),
        ("running_var", TensorRole::RunningVariance),
        ("running_variance", TensorRole::RunningVariance),
        ("moving_var", TensorRole::RunningVariance),
        ("moving_variance", TensorRole::RunningVariance),
    ];

    /// Returns the role of `conv.weight`, `bn/gamma:0` or `stage1_bn_moving_var`.
    fn of(name: &str) -> Option<TensorRole> {
        let name = match name.rsplit_once(':') {
            Some((name, index)) if index.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => name,
        };
        let ends = |word: &str| {
            let rest = name.strip_suffix(word);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '/', '_']))
        };
        Self::WORDS.into_iter().find(|(word, _)| ends(word)).map(|(_, role)| role)
    }
}

/// Tensors of one shape and one last word that nothing but their order tells apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExchangeableTensors {
    pub shape: Vec<usize>,
    /// Tensors of the model, in its order.
    pub tensors: Vec<String>,
    /// Tensors of the file that were loaded into them.
    pub from: Vec<String>,
}

/// Largest number of names in a message.
const SHOWN: usize = 3;

impl ExchangeableTensors {
    /// Returns a line for people: how many there are, of which shape, and the first of them.
    pub(super) fn text(&self) -> String {
        let pairs = self.tensors.iter().zip(&self.from).take(SHOWN);
        let names: Vec<_> =
            pairs.map(|(own, from)| format!("`{}` from `{}`", short_name(own), short_name(from))).collect();
        let more = if self.tensors.len() > SHOWN { ", ..." } else { "" };
        format!(
            "{} of shape {} were matched by order alone: {}{more}",
            counted(self.tensors.len(), "tensor"),
            shape_text(&self.shape),
            names.join(", ")
        )
    }
}

/// Largest fraction of tensors with another shape, as in a head for other classes.
const MAX_MISMATCHES: f64 = 0.1;

/// Returns the outcome for each tensor of the model. Errors: why the order does not fit, in a few words.
pub(super) fn match_by_order(model: &[NamedShape], file: &[NamedShape]) -> Result<Vec<InitOutcome>, String> {
    if model.len() != file.len() || model.is_empty() {
        return Err(format!("the file has {}, the model {}", counted(file.len(), "tensor"), model.len()));
    }
    for (i, ((own, wanted), (from, found))) in model.iter().zip(file).enumerate() {
        let (at, own_name, from_name) = (i + 1, short_name(own), short_name(from));
        if TensorRole::of(from).is_none() {
            return Err(format!(
                "tensor {at} of the file, `{from_name}`, does not end in `weight`, `bias`, `running_mean` or \
                 `running_var`, so what it does in its layer is not known"
            ));
        }
        if TensorRole::of(own) != TensorRole::of(from) {
            return Err(format!(
                "tensor {at} of the file is `{from_name}`, that of the model is `{own_name}`; the last words must agree"
            ));
        }
        if wanted.len() != found.len() {
            return Err(format!(
                "tensor {at} of the file, `{from_name}`, has shape {}, that of the model, `{own_name}`, {}",
                shape_text(found),
                shape_text(wanted)
            ));
        }
    }
    let mismatches = model.iter().zip(file).filter(|(a, b)| a.1 != b.1).count();
    if mismatches as f64 > MAX_MISMATCHES * model.len() as f64 {
        return Err(format!(
            "{} have another shape at the same position",
            counted_of(mismatches, model.len(), "tensor")
        ));
    }
    let fate = |((_, wanted), (from, found)): (&NamedShape, &NamedShape)| match wanted == found {
        true => InitOutcome::LoadedByOrder { from: from.clone() },
        false => InitOutcome::ShapeDiffers { from: from.clone(), found: found.clone() },
    };
    Ok(model.iter().zip(file).map(fate).collect())
}

/// Returns the groups of tensors that were loaded by order and would have fitted in another order as well, by shape.
pub(super) fn exchangeable(model: &[NamedShape], fates: &[InitOutcome]) -> Vec<ExchangeableTensors> {
    let mut groups: BTreeMap<(&[usize], Option<TensorRole>), Vec<usize>> = BTreeMap::new();
    for (i, ((name, shape), fate)) in model.iter().zip(fates).enumerate() {
        if matches!(fate, InitOutcome::LoadedByOrder { .. }) {
            groups.entry((shape, TensorRole::of(name))).or_default().push(i);
        }
    }
    let mut by_shape: BTreeMap<&[usize], Vec<usize>> = BTreeMap::new();
    for ((shape, _), members) in groups {
        if members.len() > 1 {
            by_shape.entry(shape).or_default().extend(members);
        }
    }
    let group = |(shape, mut members): (&[usize], Vec<usize>)| {
        members.sort_unstable();
        ExchangeableTensors {
            shape: shape.to_vec(),
            tensors: members.iter().map(|&i| model[i].0.clone()).collect(),
            from: members.iter().filter_map(|&i| fates[i].source().map(String::from)).collect(),
        }
    };
    by_shape.into_iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &[(&str, &[usize])]) -> Vec<NamedShape> {
        list.iter().map(|(name, shape)| (name.to_string(), shape.to_vec())).collect()
    }

    #[test]
    fn the_last_word_gives_the_role() {
        let of = |name: &str| TensorRole::of(name);
        assert_eq!(of("a.conv.weight"), Some(TensorRole::Weight));
        assert_eq!(of("bn/gamma:0"), Some(TensorRole::Weight));
        assert_eq!(of("stage1_bn_moving_var"), Some(TensorRole::RunningVariance));
        assert_eq!(of("bias"), Some(TensorRole::Bias));
        for unknown in ["conv.kernel", "conv.weight_v", "3", "", "overweight", "a.running_mean.x"] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn vectors_of_a_norm_in_another_order_are_refused() {
        let model = entries(&[
            ("c.weight", &[8, 1, 3, 3]),
            ("bn.weight", &[8]),
            ("bn.bias", &[8]),
            ("bn.running_mean", &[8]),
            ("bn.running_var", &[8]),
        ]);
        let file = |words: [&str; 5]| -> Vec<NamedShape> {
            words.iter().zip(&model).map(|(word, (_, shape))| (format!("f.0.{word}"), shape.clone())).collect()
        };
        let same = ["weight", "weight", "bias", "running_mean", "running_var"];
        assert!(match_by_order(&model, &file(same)).is_ok());
        for (i, j) in [(1, 2), (2, 3), (3, 4), (1, 4)] {
            let mut words = same;
            words.swap(i, j);
            let why = match_by_order(&model, &file(words)).unwrap_err();
            assert!(why.contains(&format!("tensor {} of the file", i + 1)) && why.contains("last words"), "{why}");
        }
        let why = match_by_order(&model, &file(["kernel", "weight", "bias", "running_mean", "running_var"]));
        assert!(why.unwrap_err().contains("`f.0.kernel`, does not end in `weight`"));
    }

    #[test]
    fn tensors_that_only_the_order_tells_apart_are_listed() {
        let model = entries(&[
            ("a.weight", &[8, 8, 3, 3]),
            ("a.bias", &[8]),
            ("b.weight", &[8, 8, 3, 3]),
            ("b.bias", &[8]),
            ("head.weight", &[2, 8, 1, 1]),
            ("head.bias", &[2]),
        ]);
        let file: Vec<NamedShape> = model.iter().map(|(name, shape)| (format!("x.{name}"), shape.clone())).collect();
        let fates = match_by_order(&model, &file).unwrap();
        let groups = exchangeable(&model, &fates);
        let texts: Vec<_> = groups.iter().map(ExchangeableTensors::text).collect();
        assert_eq!(
            texts,
            [
                "2 tensors of shape [8] were matched by order alone: `a.bias` from `x.a.bias`, `b.bias` from `x.b.bias`",
                "2 tensors of shape [8, 8, 3, 3] were matched by order alone: `a.weight` from `x.a.weight`, `b.weight` \
                 from `x.b.weight`",
            ]
        );
    }
}
