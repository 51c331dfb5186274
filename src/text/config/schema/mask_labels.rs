//! The keys of a `data` block that say what the pixels of a mask mean: `labels`, `ignore`, `mask`.

use super::reader::BlockReader;
use super::value::{ReadResult, call, expected, integer, list};
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::text::config::MaskRule;
use crate::text::config::case_rules::{MaskLabel, colour_label, label_colour, parse_colour};
use crate::text::syntax::ast::{Expr, ExprKind};

/// Reads a grey value, or a colour in quotes.
pub(super) fn label(e: &Expr) -> ReadResult<u32> {
    if let ExprKind::Str(text) = &e.kind {
        return match parse_colour(text) {
            Some(colour) => Ok(colour_label(colour)),
            None => expected(e, "a colour such as \"#ff0000\""),
        };
    }
    match u32::try_from(integer(e, 0)?) {
        Ok(n) if n <= 65535 => Ok(n),
        _ => expected(e, "a pixel value of at most 65535"),
    }
}

/// Reads one value or colour, or a list of them.
pub(super) fn ignored_values(e: &Expr) -> ReadResult<Vec<u32>> {
    match &e.kind {
        ExprKind::List(_) => list(e, "a list of pixel values", label),
        _ => Ok(vec![label(e)?]),
    }
}

/// Checks that ignored values are of the kind of the labels and are none of them.
pub(super) fn check_ignored(r: &mut BlockReader<'_>, ignored: &[u32], labels: &[u32], classes: &[String]) {
    // Overrides on the command line may change the labels alone.
    let at = r.value_span(if r.has("ignore") { "ignore" } else { "labels" });
    if let Some(both) = ignored.iter().find(|value| labels.contains(value)) {
        let class = labels.iter().position(|label| label == both).and_then(|i| classes.get(i));
        let class = class.map_or(String::new(), |class| format!(" of class `{class}`"));
        r.problems.push(problem!(E0206, at, "`{}` is both ignored and the label{class}", MaskLabel(*both);
            help: "take the value out of `ignore`, or the class and its label out of the block"));
        return;
    }
    let is_colour = |value: &&u32| label_colour(**value).is_some();
    if labels.iter().all(|label| is_colour(&label)) {
        if let Some(grey) = ignored.iter().find(|value| !is_colour(value)) {
            let grey = u8::try_from(*grey).unwrap_or(u8::MAX);
            let colour = MaskLabel(colour_label([grey; 3]));
            r.problems.push(problem!(E0206, at, "the labels are colours, but an ignored value is a grey value";
                help: "write it as a colour: `ignore = \"{colour}\"`"));
        }
    } else if ignored.iter().any(|value| is_colour(&value)) {
        r.problems.push(problem!(E0206, at, "the labels are grey values, but an ignored value is a colour";
            help: "write it as a grey value: `ignore = 255`"));
    }
}

/// Reads the mask rule and checks that it fits the labels and the number of classes.
pub(super) fn mask_rule(
    r: &mut BlockReader<'_>,
    labels: Option<&Vec<u32>>,
    two: bool,
    before: Option<MaskRule>,
) -> MaskRule {
    let colours = labels.map_or(0, |l| l.iter().filter(|l| label_colour(**l).is_some()).count());
    let all = labels.is_some_and(|l| !l.is_empty() && colours == l.len());
    if colours > 0 && !all {
        r.problems.push(problem!(E0206, r.value_span("labels"), "some labels are colours and some are grey values";
            help: "write all of them as colours or all of them as grey values"));
    }
    let default = if all { MaskRule::Colour } else { MaskRule::Exact };
    let written = r.get("mask", written_rule);
    match written {
        Some(rule) if !two && separates_two(rule) => {
            let name = if rule == MaskRule::Alpha { "alpha" } else { "threshold" };
            r.problems.push(problem!(E0206, r.value_span("mask"), "`{name}` is only for two classes";
                help: "use `mask = exact`"));
        }
        Some(MaskRule::Threshold | MaskRule::ThresholdAt(_) | MaskRule::Exact) if all => {
            r.problems.push(problem!(E0206, r.value_span("mask"), "the labels are colours";
                help: "use `mask = colour`, or grey values as labels"));
        }
        Some(MaskRule::Colour) if labels.is_some() && colours == 0 => {
            r.problems.push(problem!(E0206, r.value_span("mask"), "the labels are grey values, not colours";
                help: "write them as `labels = [\"#000000\", \"#ff0000\"]`, or use `mask = exact`"));
        }
        Some(MaskRule::Alpha) if r.has("ignore") => {
            r.problems
                .push(problem!(E0206, r.value_span("ignore"), "`mask = alpha` reads no values that could be ignored";
                help: "remove `ignore`"));
        }
        _ => {}
    }
    // New labels of another kind replace the previous rule.
    let fits = |rule: &MaskRule| {
        let kind_fits = *rule == MaskRule::Alpha || (*rule == MaskRule::Colour) == all;
        kind_fits && (two || !separates_two(*rule))
    };
    written.or(before.filter(fits)).unwrap_or(default)
}

/// Reads `threshold`, `threshold(128)`, `exact`, `colour` or `alpha`.
fn written_rule(e: &Expr) -> ReadResult<MaskRule> {
    let (name, fields) = call(e, &[("threshold", &["above"]), ("exact", &[]), ("colour", &[]), ("alpha", &[])])?;
    Ok(match name {
        "threshold" => match fields.first() {
            None => MaskRule::Threshold,
            Some((_, value)) => match u32::try_from(integer(value, 0)?) {
                Ok(n) if n < 65535 => MaskRule::ThresholdAt(n),
                _ => return expected(value, "a pixel value below 65535"),
            },
        },
        "colour" => MaskRule::Colour,
        "alpha" => MaskRule::Alpha,
        _ => MaskRule::Exact,
    })
}

/// Checks whether a rule is only for two classes.
fn separates_two(rule: MaskRule) -> bool {
    match rule {
        MaskRule::Threshold | MaskRule::ThresholdAt(_) | MaskRule::Alpha => true,
        MaskRule::Exact | MaskRule::Colour => false,
    }
}

pub(super) fn check_labels(r: &mut BlockReader<'_>, classes: &[String], labels: &[u32]) {
    if classes.len() != labels.len() {
        r.problems
            .push(problem!(E0206, r.value_span("labels"), "{} for {}", counted(labels.len(), "label"), counted(classes.len(), "class");
            help: "give one pixel value per class"));
    }
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    if sorted.windows(2).any(|w| w[0] == w[1]) {
        r.problems.push(problem!(E0206, r.value_span("labels"), "two classes have the same label";
            help: "give each class its own pixel value"));
    }
    let mut names: Vec<_> = classes.iter().collect();
    names.sort_unstable();
    if names.windows(2).any(|w| w[0] == w[1]) {
        r.problems.push(problem!(E0206, r.value_span("classes"), "two classes have the same name";
            help: "name each class once"));
    }
}
