//! A number and its noun agree: `1 more problem`, `2 more problems`.

use super::tree::{assert_none, files_below};

/// Nouns that messages count.
const COUNTED: [&str; 46] = [
    "images",
    "masks",
    "pixels",
    "classes",
    "labels",
    "values",
    "channels",
    "groups",
    "slices",
    "volumes",
    "voxels",
    "bytes",
    "bits",
    "samples",
    "files",
    "pairs",
    "rows",
    "lines",
    "cells",
    "cases",
    "stems",
    "colours",
    "frames",
    "series",
    "patients",
    "tensors",
    "numbers",
    "parameters",
    "nodes",
    "layers",
    "inputs",
    "results",
    "models",
    "runs",
    "epochs",
    "steps",
    "batches",
    "threads",
    "problems",
    "errors",
    "warnings",
    "messages",
    "claims",
    "folds",
    "seeds",
    "settings",
];

/// Words that may stand between the number and the noun.
const BETWEEN: [&str; 9] = ["more", "other", "new", "test", "training", "image", "input", "foreground", "trainable"];

/// Literals in which the braces hold no count, or one that is never 1.
const NO_COUNTS: &[&str] = &[
    // Sizes, kinds and names.
    "{kind} values",
    "{} values, but the labels are 8-bit colours",
    "{amount} values",
    "WhiteIsZero with {} samples",
    "{what} channels",
    "{} slices of volumes",
    "volumes are cut into {} slices",
    "longest across {} slices",
    "{}, {} slices",
    "{} pixels at stride",
    "{} pixels apart",
    "{} pixels along an axis are read",
    "the split has no {} images",
    "the mask has {} voxels (right x front x head)",
    "not supported in {format} files",
    "conv({factor} * {factor} * channels)",
    "--images {}",
    "patients, recordings or volumes",
    "Scores on the {} images",
    "on the {others} images",
    "of {each} {axis} slices",
    // At least three.
    "{count} masks with an object",
    "{h}x{w}: {} images",
    "{image}{params} parameters",
    // Bars, fractions, and the numbers of the debug output of a buffer.
    "{human_pos}/{human_len} images",
    "`warmup` of {} epochs",
    "{} numbers",
    // Numbers in front of a word that is chosen beside them.
    "{n} {files}",
];

/// Returns the text of every string literal of a source, up to its tests.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        // Parts between quotes; an escaped quote is part of its literal.
        let line = line.replace("\\\"", "'");
        found.extend(line.split('"').skip(1).step_by(2).map(str::to_string));
    }
    found
}

/// Returns the placeholders of a literal that a counted noun in the plural follows, each with the noun.
fn counts(literal: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in literal.match_indices("} ") {
        let Some(open) = literal[..at].rfind('{') else { continue };
        let held = &literal[open + 1..at];
        // A width, a fraction, a named limit or a side of `width x height`, and `more than` a limit, are no counts.
        let before = &literal[..open];
        if held.contains([':', '?'])
            || held.contains(|c: char| c.is_uppercase())
            || before.ends_with(" x ")
            || before.ends_with("more than ")
        {
            continue;
        }
        let words: Vec<&str> = literal[at + 2..].split(' ').take(2).collect();
        let noun = if BETWEEN.contains(&words[0]) { words.get(1).unwrap_or(&"") } else { words[0] };
        let plural = noun.trim_end_matches(|c: char| !c.is_alphabetic());
        if COUNTED.contains(&plural) || noun.contains("{s}") {
            found.push(format!("{{{held}}} ... {noun}"));
        }
    }
    found
}

#[test]
fn counted_nouns_agree_with_their_numbers() {
    let mut found = Vec::new();
    for (file, text) in files_below("src", &["rs"]) {
        for literal in literals(&text).iter().filter(|literal| !NO_COUNTS.iter().any(|known| literal.contains(known))) {
            found.extend(counts(literal).into_iter().map(|count| format!("src/{file}: {count} in \"{literal}\"")));
        }
    }
    assert_none(
        found,
        "numbers with nouns in the plural, which are wrong for 1: use `counted` or `noun_for` of src/base/count.rs",
    );
}

#[test]
fn planted_plurals_are_found() {
    let text = "let a = format!(\"{n} more problems\");\nlet b = \"{} of {} images\";\n// {n} images\nlet c = \"{n} image{s}\";\n\
                let d = \"{h} x {w} pixels, {} is here, more than {} nodes, {MAX} bytes, {:.1} epochs\";";
    let found: Vec<String> = literals(text).iter().flat_map(|literal| counts(literal)).collect();
    assert_eq!(found, ["{n} ... problems", "{} ... images", "{n} ... image{s}"]);
}
