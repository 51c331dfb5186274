//! Which tensor of a file belongs to which tensor of the model: names and shapes only.
//!
//! By name first, after a common prefix (`module.`, `state_dict.model.`) is taken off. Where no name fits at all, by
//! place: the same architecture under other names declares the same shapes in the same order. Half an agreement of that
//! kind would be a guess, so all but the last few tensors must agree; those may differ as a head with another number of
//! classes does.

use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// Name and shape.
pub(crate) type NamedShape = (String, Vec<usize>);

/// What became of a tensor of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fate")]
pub enum InitOutcome {
    /// Name and shape are those of the file.
    Loaded { from: String },
    /// The shape is that of the file's tensor in the same place.
    LoadedByOrder { from: String },
    /// The file's tensor has another shape; the initial values stay.
    ShapeDiffers { from: String, found: Vec<usize> },
    /// The file has nothing for it; the initial values stay.
    Missing,
}

impl InitOutcome {
    /// The tensor of the file whose values are taken.
    pub fn source(&self) -> Option<&str> {
        match self {
            InitOutcome::Loaded { from } | InitOutcome::LoadedByOrder { from } => Some(from),
            InitOutcome::ShapeDiffers { .. } | InitOutcome::Missing => None,
        }
    }

    pub fn text(&self) -> String {
        match self {
            InitOutcome::Loaded { .. } => "loaded".into(),
            InitOutcome::LoadedByOrder { from } => format!("loaded by order from `{from}`"),
            InitOutcome::ShapeDiffers { from, found } => format!("shape differs: `{from}` is {found:?}"),
            InitOutcome::Missing => "missing".into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorMatching {
    /// One for each tensor of the model, in its order.
    pub fates: Vec<InitOutcome>,
    /// Taken off the file's names.
    pub prefix: String,
    /// Tensors of the file that nothing takes.
    pub unused: Vec<String>,
}

/// Matches by name, else by order. `None` where neither fits. `file` is in the order in which its tensors were
/// declared; `ordered` says whether that is known.
pub(crate) fn match_tensors(model: &[NamedShape], file: &[NamedShape], ordered: bool) -> Option<TensorMatching> {
    match_by_name(model, file).or_else(|| if ordered { match_by_order(model, file) } else { None })
}

/// The prefixes that could be common to the names of a file: everything before one of their dots, and nothing.
fn prefixes(file: &[NamedShape]) -> BTreeSet<&str> {
    let dots = file.iter().flat_map(|(name, _)| name.match_indices('.').map(|(at, _)| &name[..=at]));
    dots.chain([""]).collect()
}

fn match_by_name(model: &[NamedShape], file: &[NamedShape]) -> Option<TensorMatching> {
    let wanted: HashMap<&str, &[usize]> = model.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
    // A name that fits counts with its shape, so that a copy in another layout (moments, say) does not win.
    let fits = |prefix: &str| {
        let names = file.iter().filter_map(|(name, shape)| Some((name.strip_prefix(prefix)?, shape)));
        names.filter(|(name, shape)| wanted.get(name).is_some_and(|w| *w == &shape[..])).count()
    };
    let best = prefixes(file).into_iter().map(|p| (fits(p), p)).max_by_key(|(n, p)| (*n, std::cmp::Reverse(p.len())));
    let (_, prefix) = best.filter(|(n, _)| *n > 0)?;
    let given: HashMap<&str, (&str, &[usize])> = file
        .iter()
        .filter_map(|(name, shape)| Some((name.strip_prefix(prefix)?, (name.as_str(), &shape[..]))))
        .collect();
    let fate = |(name, shape): &NamedShape| match given.get(name.as_str()) {
        Some((from, found)) if found == shape => InitOutcome::Loaded { from: from.to_string() },
        Some((from, found)) => InitOutcome::ShapeDiffers { from: from.to_string(), found: found.to_vec() },
        None => InitOutcome::Missing,
    };
    Some(with_unused(model.iter().map(fate).collect(), prefix, file))
}

/// At most this share of the places may hold another shape, as a head for other classes does.
const STRANGERS: f64 = 0.1;

fn match_by_order(model: &[NamedShape], file: &[NamedShape]) -> Option<TensorMatching> {
    let in_step = model.len() == file.len() && !model.is_empty();
    let strangers = model.iter().zip(file).filter(|(a, b)| a.1 != b.1).count();
    // The shape of the strangers must differ in the numbers alone: a bias in the place of a weight is a slip of order.
    let same_kinds = model.iter().zip(file).all(|(a, b)| a.1.len() == b.1.len());
    if !in_step || !same_kinds || strangers as f64 > STRANGERS * model.len() as f64 {
        return None;
    }
    let fate = |((_, wanted), (from, found)): (&NamedShape, &NamedShape)| match wanted == found {
        true => InitOutcome::LoadedByOrder { from: from.clone() },
        false => InitOutcome::ShapeDiffers { from: from.clone(), found: found.clone() },
    };
    Some(with_unused(model.iter().zip(file).map(fate).collect(), "", file))
}

fn with_unused(fates: Vec<InitOutcome>, prefix: &str, file: &[NamedShape]) -> TensorMatching {
    let named = |fate: &InitOutcome| match fate {
        InitOutcome::Loaded { from } | InitOutcome::LoadedByOrder { from } | InitOutcome::ShapeDiffers { from, .. } => {
            Some(from.clone())
        }
        InitOutcome::Missing => None,
    };
    let used: BTreeSet<String> = fates.iter().filter_map(named).collect();
    let unused = file.iter().map(|(name, _)| name).filter(|name| !used.contains(*name)).cloned().collect();
    TensorMatching { fates, prefix: prefix.to_string(), unused }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &[(&str, &[usize])]) -> Vec<NamedShape> {
        list.iter().map(|(name, shape)| (name.to_string(), shape.to_vec())).collect()
    }

    fn texts(found: &TensorMatching) -> Vec<String> {
        found.fates.iter().map(InitOutcome::text).collect()
    }

    fn loaded(matching: &TensorMatching) -> usize {
        matching.fates.iter().filter(|f| f.source().is_some()).count()
    }

    #[test]
    fn the_prefix_that_fits_most_is_taken_off() {
        let model = entries(&[("a.weight", &[2, 3]), ("a.bias", &[2])]);
        let file = entries(&[
            ("epoch.a.weight", &[6]),
            ("state_dict.module.a.weight", &[2, 3]),
            ("state_dict.module.a.bias", &[2]),
            ("optimizer.state.0.exp_avg", &[2, 3]),
        ]);
        let found = match_tensors(&model, &file, true).unwrap();
        assert_eq!(found.prefix, "state_dict.module.");
        assert_eq!(texts(&found), ["loaded", "loaded"]);
        assert_eq!(found.unused, ["epoch.a.weight", "optimizer.state.0.exp_avg"]);
        // Without a prefix, where both fit.
        let twice = entries(&[("a.weight", &[2, 3]), ("ema.a.weight", &[2, 3])]);
        assert_eq!(match_tensors(&model, &twice, true).unwrap().prefix, "");
    }

    #[test]
    fn other_shapes_and_missing_ones_stay() {
        let model = entries(&[("a.weight", &[2, 3]), ("head.weight", &[2]), ("se.weight", &[4])]);
        let file = entries(&[("a.weight", &[2, 3]), ("head.weight", &[5]), ("old.weight", &[4])]);
        let found = match_tensors(&model, &file, true).unwrap();
        assert_eq!(texts(&found), ["loaded", "shape differs: `head.weight` is [5]", "missing"]);
        assert_eq!((loaded(&found), &found.unused[..]), (1, &["old.weight".to_string()][..]));
    }

    #[test]
    fn order_serves_where_no_name_does() {
        let shapes: [&[usize]; 10] = [&[4, 1], &[4], &[4], &[4], &[8, 4], &[8], &[8], &[8], &[8, 8], &[2]];
        let own = |prefix: &str| -> Vec<NamedShape> {
            shapes.iter().enumerate().map(|(i, s)| (format!("{prefix}{i}.w"), s.to_vec())).collect()
        };
        let (model, file) = (own("block"), own("layer"));
        let found = match_tensors(&model, &file, true).unwrap();
        assert!(found.fates.iter().enumerate().all(|(i, f)| f.source() == Some(&format!("layer{i}.w"))));
        assert_eq!(match_tensors(&model, &file, false), None, "an order that is not known is no reason");
        let mut head = file.clone();
        head[9].1 = vec![7];
        assert_eq!(loaded(&match_tensors(&model, &head, true).unwrap()), 9);
        let mut swapped = file.clone();
        swapped.swap(3, 4);
        assert_eq!(match_tensors(&model, &swapped, true), None);
        assert_eq!(match_tensors(&model, &file[1..], true), None);
    }
}
