//! Matches the tensors of a file with the tensors of the model, by names and shapes.
//!
//! Tensors are matched by name first, after a common prefix (`module.`, `state_dict.model.`) is removed; by order only if no name
//! agrees. A partial agreement by order would be a guess, so almost all shapes must agree.

use super::order::{ExchangeableTensors, exchangeable, match_by_order};
use super::outcome::{InitOutcome, NamedShape};
use std::collections::{BTreeSet, HashMap};

/// Result of matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorMatching {
    /// Outcome for each tensor of the model, in its order.
    pub fates: Vec<InitOutcome>,
    /// Prefix that was removed from the file's names.
    pub prefix: String,
    /// Other prefixes under which as many tensors fit.
    pub other_prefixes: Vec<String>,
    /// Tensors that nothing but the order tells apart.
    pub exchangeable: Vec<ExchangeableTensors>,
    /// Tensors of the file that are not used.
    pub unused: Vec<String>,
}

/// Matches by name, else by order. `ordered` is whether the tensors of `file` are known to be in the order of declaration.
/// Errors: neither succeeds, with what does not agree in the order.
pub(crate) fn match_tensors(
    model: &[NamedShape],
    file: &[NamedShape],
    ordered: bool,
) -> Result<TensorMatching, String> {
    if let Some(found) = match_by_name(model, file) {
        return Ok(found);
    }
    if !ordered {
        return Err("the file does not tell the order in which its tensors were declared".into());
    }
    let fates = match_by_order(model, file)?;
    let exchangeable = exchangeable(model, &fates);
    Ok(TensorMatching { exchangeable, ..with_unused(fates, file) })
}

/// Returns for each prefix (a part of a name up to a dot, or nothing) the number of names that fit without it. A name counts
/// only with a matching shape, so that a flattened copy (of moments, say) does not win.
fn fits_by_prefix<'a>(model: &[NamedShape], file: &'a [NamedShape]) -> HashMap<&'a str, usize> {
    let wanted: HashMap<&str, &[usize]> = model.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
    let longest = wanted.keys().map(|name| name.len()).max().unwrap_or(0);
    let mut fits = HashMap::new();
    for (name, shape) in file {
        let starts = name.rmatch_indices('.').map(|(dot, _)| dot + 1).chain([0]);
        // A name of a file may be of any length, so what is longer than every name of the model is not looked up.
        for start in starts.take_while(|start| name.len() - start <= longest) {
            if wanted.get(&name[start..]).is_some_and(|wanted| *wanted == &shape[..]) {
                *fits.entry(&name[..start]).or_insert(0) += 1;
            }
        }
    }
    fits
}

fn match_by_name(model: &[NamedShape], file: &[NamedShape]) -> Option<TensorMatching> {
    let fits = fits_by_prefix(model, file);
    let most = fits.values().copied().max()?;
    let mut best: Vec<&str> = fits.into_iter().filter(|(_, n)| *n == most).map(|(prefix, _)| prefix).collect();
    best.sort_unstable_by_key(|prefix| (prefix.len(), *prefix));
    let (prefix, others) = best.split_first()?;
    let given: HashMap<&str, (&str, &[usize])> = file
        .iter()
        .filter_map(|(name, shape)| Some((name.strip_prefix(prefix)?, (name.as_str(), &shape[..]))))
        .collect();
    let fate = |(name, shape): &NamedShape| match given.get(name.as_str()) {
        Some((from, found)) if found == shape => InitOutcome::Loaded { from: from.to_string() },
        Some((from, found)) => InitOutcome::ShapeDiffers { from: from.to_string(), found: found.to_vec() },
        None => InitOutcome::Missing,
    };
    let found = with_unused(model.iter().map(fate).collect(), file);
    let other_prefixes = others.iter().map(|other| other.to_string()).collect();
    Some(TensorMatching { prefix: prefix.to_string(), other_prefixes, ..found })
}

fn with_unused(fates: Vec<InitOutcome>, file: &[NamedShape]) -> TensorMatching {
    let used: BTreeSet<&str> = fates.iter().filter_map(InitOutcome::counterpart).collect();
    let unused = file.iter().map(|(name, _)| name).filter(|name| !used.contains(name.as_str())).cloned().collect();
    TensorMatching { fates, prefix: String::new(), other_prefixes: Vec::new(), exchangeable: Vec::new(), unused }
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
        let found = match_tensors(&model, &twice, true).unwrap();
        assert_eq!((&found.prefix[..], &found.other_prefixes[..]), ("", &["ema.".to_string()][..]));
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
            shapes.iter().enumerate().map(|(i, s)| (format!("{prefix}{i}.weight"), s.to_vec())).collect()
        };
        let (model, file) = (own("block"), own("layer"));
        let found = match_tensors(&model, &file, true).unwrap();
        assert!(found.fates.iter().enumerate().all(|(i, f)| f.source() == Some(&format!("layer{i}.weight"))));
        assert!(match_tensors(&model, &file, false).is_err(), "an order that is not known is no reason");
        let mut head = file.clone();
        head[9].1 = vec![7];
        assert_eq!(loaded(&match_tensors(&model, &head, true).unwrap()), 9);
        let mut swapped = file.clone();
        swapped.swap(3, 4);
        assert!(match_tensors(&model, &swapped, true).is_err());
        assert!(match_tensors(&model, &file[1..], true).is_err());
    }

    /// A name of a million parts costs as much as its end.
    #[test]
    fn names_of_any_length_are_matched_at_once() {
        let model = entries(&[("a.weight", &[2, 3])]);
        let long = format!("{}a.weight", "x.".repeat(500_000));
        let file = [(long.clone(), vec![2, 3]), (format!("{long}.y"), vec![2, 3])];
        let found = match_tensors(&model, &file, true).unwrap();
        assert_eq!(found.fates, [InitOutcome::Loaded { from: long }]);
    }
}
