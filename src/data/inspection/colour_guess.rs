//! Guesses the labels of masks in colours.

use super::guessed_labels::{GuessedLabels, MOST_CLASSES, MOST_SMOOTHED, guess, one_value};
use super::mask_tally::{MaskTally, ValueKey};
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::MaskRule;
use crate::text::config::case_rules::colour_label;
use std::collections::BTreeMap;
use std::path::Path;

/// Checks whether one index of a palette has several colours.
pub(super) fn palettes_differ(tallies: &[(&Path, &MaskTally)]) -> bool {
    let mut known: BTreeMap<u8, [u8; 3]> = BTreeMap::new();
    tallies
        .iter()
        .flat_map(|(_, tally)| &tally.palette)
        .any(|(index, colour)| known.insert(*index, *colour).is_some_and(|before| before != *colour))
}

/// Guesses the labels of masks in colours.
pub(super) fn colours(tallies: &[(&Path, &MaskTally)], of_palettes: bool) -> Result<GuessedLabels> {
    let path = tallies.first().map_or(Path::new(""), |(path, _)| path);
    let mut counts: BTreeMap<[u8; 3], u64> = BTreeMap::new();
    for (_, tally) in tallies {
        tally.colours.iter().for_each(|(colour, count)| *counts.entry(*colour).or_default() += count);
        if tally.colours.is_empty() {
            // A grey mask among coloured ones.
            let grey = |value: &ValueKey| [value.0.clamp(0.0, 255.0) as u8; 3];
            tally.values.iter().for_each(|(value, count)| *counts.entry(grey(value)).or_default() += count);
        }
    }
    let lossy = tallies.iter().any(|(_, tally)| tally.lossy);
    if !lossy && counts.len() <= MOST_CLASSES {
        return exact_colours(path, counts, of_palettes);
    }
    // The two main colours are far apart; those between them are edges.
    let all: u64 = counts.values().sum();
    let mut main: Vec<([u8; 3], u64)> = counts.into_iter().collect();
    main.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let brightness = |colour: [u8; 3]| u32::from(*colour.iter().max().unwrap_or(&0));
    let first = main[0].0;
    let far = |colour: &[u8; 3]| (0..3).any(|c| colour[c].abs_diff(first[c]) > 64);
    let second = main.iter().find(|(colour, _)| far(colour)).map(|(colour, _)| *colour);
    let near = |colour: &[u8; 3], main: [u8; 3]| (0..3).all(|c| colour[c].abs_diff(main[c]) <= 48);
    let explained = |second: [u8; 3]| -> f64 {
        let near_one = main.iter().filter(|(colour, _)| near(colour, first) || near(colour, second));
        near_one.map(|(_, count)| count).sum::<u64>() as f64 / all.max(1) as f64
    };
    match second {
        Some(second)
            if explained(second) > 1.0 - MOST_SMOOTHED && brightness(first).abs_diff(brightness(second)) > 64 =>
        {
            let threshold = u32::midpoint(brightness(first), brightness(second));
            let why = "the masks have two main colours and smoothed edges; pixels whose brightest channel is above the number \
                       are the object";
            Ok(GuessedLabels {
                labels: vec![0, 255],
                ignore: Vec::new(),
                rule: MaskRule::ThresholdAt(threshold),
                guesses: vec![guess("mask", why)],
            })
        }
        _ => Err(
            problem!(E0713, path, "the masks have {}, more than classes can have, and not two main ones", counted(main.len(), "colour");
            help: "save the masks without smoothed edges and without lossy compression, with one colour a class"),
        ),
    }
}

fn exact_colours(path: &Path, counts: BTreeMap<[u8; 3], u64>, of_palettes: bool) -> Result<GuessedLabels> {
    let mut order: Vec<([u8; 3], u64)> = counts.into_iter().collect();
    if let [(only, _)] = order[..] {
        return Err(one_value(path, &format!("the colour {only:?}")));
    }
    // Black is the background where it occurs, else the most frequent colour.
    order.sort_by_key(|(colour, count)| (*colour != [0; 3], std::cmp::Reverse(*count)));
    if order[0].0 == [0; 3] {
        order[1..].sort_by_key(|(colour, _)| *colour);
    }
    let mut guesses = Vec::new();
    let named = if order[0].0 == [0; 3] { "black" } else { "the most frequent colour" };
    guesses.push(guess("labels", format!("each colour of the masks is a class, and {named} is the background")));
    if of_palettes {
        guesses.push(guess("mask", "one index has several colours in the palettes, so the colours count"));
    }
    // White beside colours marks pixels without a class more often than a class.
    let ignore: Vec<u32> = match order.len() {
        3.. if order[0].0 == [0; 3] && order.iter().any(|(c, _)| *c == [224, 224, 192]) => {
            guesses.push(guess("ignore", "#e0e0c0 marks pixels without a class in masks of PASCAL VOC"));
            order.retain(|(c, _)| *c != [224, 224, 192]);
            vec![colour_label([224, 224, 192])]
        }
        _ => Vec::new(),
    };
    let labels = order.iter().map(|(colour, _)| colour_label(*colour)).collect();
    Ok(GuessedLabels { labels, ignore, rule: MaskRule::Colour, guesses })
}
