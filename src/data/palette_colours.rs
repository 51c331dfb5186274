//! The colours that the palette of a mask gives to the indices in use, to be compared over a set.

use super::notice::NoticeTopic;
use crate::text::config::case_rules::{MaskLabel, colour_label};

/// Returns the colour of each index that occurs. Entries without a pixel say nothing, since programs fill them at will.
pub(super) fn colours_in_use(indices: &[u8], palette: &[[u8; 3]]) -> Vec<(NoticeTopic, String)> {
    let mut used = [false; 256];
    indices.iter().for_each(|&index| used[usize::from(index)] = true);
    let colour = |(index, colour): (u8, &[u8; 3])| {
        used[usize::from(index)]
            .then(|| (NoticeTopic::LabelColour(index), MaskLabel(colour_label(*colour)).to_string()))
    };
    (0..=255u8).zip(palette).filter_map(colour).collect()
}
