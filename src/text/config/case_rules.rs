//! What of a data set is a case, which cases belong together, and how class labels are written in a mask.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// How volumes become pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slicing {
    /// The direction across the slices; axial where the block says nothing.
    pub axis: SliceAxis,
    /// Which slices are cases; all where the block says nothing.
    pub slices: SliceSelection,
}

/// The direction across the slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceAxis {
    /// From feet to head.
    #[default]
    Axial,
    /// From back to front.
    Coronal,
    /// From left to right.
    Sagittal,
}

/// Which slices of a volume are cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceSelection {
    /// Every slice of the volume.
    #[default]
    All,
    /// Those whose mask holds more than the first class.
    Labelled,
    /// The first of each so many.
    Every(usize),
}

/// Which cases belong together, and what each split should have its share of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    /// What tells the group of a case. Without it each case is a group of its own, but for the slices of a volume and a
    /// CSV list with a column `group`.
    #[serde(default)]
    pub group: Option<GroupBy>,
    /// What the splits are balanced by; without it groups are dealt by the shuffle alone.
    #[serde(default)]
    pub stratify: Option<StratifyBy>,
}

/// What tells the group of a case, all of whose cases lie in one split: those of one patient or video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// A pattern over stems: `{group}` is the group, `*` any text.
    Pattern(String),
    /// The 29 video sequences of CVC-ClinicDB, by the number that is the stem.
    CvcClinicdb,
}

/// The kinds of cases of which each split gets its share. Every mask is read for it once, at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StratifyBy {
    /// Quartiles of the share of pixels that are not of the first class.
    Foreground,
    /// Which classes the mask holds.
    Classes,
}

/// The bit that tells a colour from a grey value among labels.
const COLOUR: u32 = 1 << 24;

/// The label of a class that masks show in this colour.
pub fn colour_label([r, g, b]: [u8; 3]) -> u32 {
    COLOUR | u32::from(r) << 16 | u32::from(g) << 8 | u32::from(b)
}

/// The colour that a label stands for; `None` for grey values.
pub fn label_colour(label: u32) -> Option<[u8; 3]> {
    (label & COLOUR != 0).then_some([(label >> 16) as u8, (label >> 8) as u8, label as u8])
}

/// `#ff0000` to its red, green and blue.
pub fn parse_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let n = u32::from_str_radix(digits, 16).ok()?;
    Some([(n >> 16) as u8, (n >> 8) as u8, n as u8])
}

/// A label as it is written in a data block.
pub struct MaskLabel(pub u32);

impl fmt::Display for MaskLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match label_colour(self.0) {
            Some([r, g, b]) => write!(f, "#{r:02x}{g:02x}{b:02x}"),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Labels in a settings file: numbers, and colours as text.
pub(super) mod labels {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum WrittenLabel {
        Value(u32),
        Colour(String),
    }

    pub(crate) fn serialize<S: Serializer>(labels: &[u32], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(labels.iter().map(|&label| match label_colour(label) {
            Some(_) => WrittenLabel::Colour(MaskLabel(label).to_string()),
            None => WrittenLabel::Value(label),
        }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
        let label = |written| match written {
            WrittenLabel::Value(value) if value < COLOUR => Ok(value),
            WrittenLabel::Value(value) => Err(serde::de::Error::custom(format!("the label {value} is too large"))),
            WrittenLabel::Colour(text) => parse_colour(&text)
                .map(colour_label)
                .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no colour such as #ff0000"))),
        };
        Vec::<WrittenLabel>::deserialize(from)?.into_iter().map(label).collect()
    }
}
