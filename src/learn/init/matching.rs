//! Matches the tensors of a file with the tensors of the model, by names and shapes.
//!
//! Tensors are matched by name first, after a common prefix (`module.`, `state_dict.model.`) is removed. If no name matches, they
//! are matched by order: the same architecture with other names declares the same shapes in the same order. A partial agreement
//! would be a guess, so almost all shapes must agree; a few may differ, as in a head with another number of classes.

use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// Name and shape.
pub(crate) type NamedShape = (String, Vec<usize>);

/// Whether a tensor of the model was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fate")]
pub enum InitOutcome {
    /// Name and shape match.
    Loaded { from: String },
    /// The shape matches the file's tensor at the same position.
    LoadedByOrder { from: String },
    /// The file's tensor has another shape; the initial values are kept.
    ShapeDiffers { from: String, found: Vec<usize> },
    /// The file has no such tensor; the initial values are kept.
    Missing,
}

impl InitOutcome {
    /// Returns the tensor of the file whose values are loaded.
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

/// Result of matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorMatching {
    /// Outcome for each tensor of the model, in its order.
    pub fates: Vec<InitOutcome>,
    /// Prefix that was removed from the file's names.
    pub prefix: String,
    /// Tensors of the file that are not used.
    pub unused: Vec<String>,
}

/// Matches by name, else by order; `None` if neither succeeds. `ordered` is whether the tensors of `file` are known to be in the
/// order of declaration.
pub(crate) fn match_tensors(model: &[NamedShape], file: &[NamedShape], ordered: bool) -> Option<TensorMatching> {
    match_by_name(model, file).or_else(|| if ordered { match_by_order(model, file) } else { None })
}

/// Returns the candidates for a common prefix: every part of a name up to a dot, and the empty prefix.
fn prefixes(file: &[NamedShape]) -> BTreeSet<&str> {
    let dots = file.iter().flat_map(|(name, _)| name.match_indices('.').map(|(at, _)| &name[..=at]));
    dots.chain([""]).collect()
}

fn match_by_name(model: &[NamedShape], file: &[NamedShape]) -> Option<TensorMatching> {
    let wanted: HashMap<&str, &[usize]> = model.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
    // A name counts only with a matching shape, so that a flattened copy (of moments, say) does not win.
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

/// Largest fraction of tensors with another shape, as in a head for other classes.
const MAX_MISMATCHES: f64 = 0.1;

fn match_by_order(model: &[NamedShape], file: &[NamedShape]) -> Option<TensorMatching> {
    let in_step = model.len() == file.len() && !model.is_empty();
    let mismatches = model.iter().zip(file).filter(|(a, b)| a.1 != b.1).count();
    // Ranks must agree everywhere: a bias at the position of a weight means that the order is off.
    let same_kinds = model.iter().zip(file).all(|(a, b)| a.1.len() == b.1.len());
    if !in_step || !same_kinds || mismatches as f64 > MAX_MISMATCHES * model.len() as f64 {
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
