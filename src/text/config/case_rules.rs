//! Cases of a data set: slices of volumes, groups of cases, and the labels of classes in masks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// How volumes are cut into 2-D slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slicing {
    /// Axis across the slices; axial by default.
    pub axis: SliceAxis,
    /// Which slices are cases; all by default.
    pub slices: SliceSelection,
}

/// The axis across the slices.
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

impl SliceAxis {
    /// Returns the word of the data block.
    pub fn name(self) -> &'static str {
        match self {
            SliceAxis::Axial => "axial",
            SliceAxis::Coronal => "coronal",
            SliceAxis::Sagittal => "sagittal",
        }
    }
}

/// Which slices of a volume are cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceSelection {
    /// Every slice of the volume.
    #[default]
    All,
    /// Slices whose mask contains a class other than the first.
    Labelled,
    /// Every n-th slice, from the first.
    Every(usize),
}

/// Which cases must stay in one split, and by which property the splits are balanced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    /// How the group of a case is found. Without it, each case is its own group, except for slices of a volume and for CSV
    /// lists with a column `group`.
    #[serde(default)]
    pub group: Option<GroupBy>,
    /// Property by which the splits are stratified; without it, only the shuffle assigns groups to splits.
    #[serde(default)]
    pub stratify: Option<StratifyBy>,
}

/// How the group of a case is found. All cases of a group (a patient, a video) are in one split, which avoids data leakage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// A pattern over stems, in which `{group}` matches the group and `*` any text.
    Pattern(String),
    /// The 29 video sequences of CVC-ClinicDB, found from the number that is the stem.
    CvcClinicdb,
}

/// The property by which splits are stratified. Every mask is read once at the start to compute it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StratifyBy {
    /// Quartiles of the fraction of pixels outside the first class.
    Foreground,
    /// The set of classes in the mask.
    Classes,
}

/// The index of pixels without a class in a class map; see [`super::DataSpec::ignore`]. A data set has at most 255 classes, so
/// no class has this index.
pub const IGNORED_CLASS: u8 = 255;

/// The bit that marks a label as a colour rather than a grey value.
const COLOUR: u32 = 1 << 24;

/// Returns the label for a class that masks show in this colour.
pub fn colour_label([r, g, b]: [u8; 3]) -> u32 {
    COLOUR | u32::from(r) << 16 | u32::from(g) << 8 | u32::from(b)
}

/// Returns the colour of a label; `None` for grey values.
pub fn label_colour(label: u32) -> Option<[u8; 3]> {
    (label & COLOUR != 0).then_some([(label >> 16) as u8, (label >> 8) as u8, label as u8])
}

/// Parses `#ff0000` into red, green and blue.
pub fn parse_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let n = u32::from_str_radix(digits, 16).ok()?;
    Some([(n >> 16) as u8, (n >> 8) as u8, n as u8])
}

/// A label as messages show it: a number, or a colour such as `#ff0000`.
pub struct MaskLabel(pub u32);

#[cfg(feature = "data")]
impl MaskLabel {
    /// Returns the label as a data block writes it: colours are texts in quotation marks.
    pub(crate) fn written(&self) -> String {
        match label_colour(self.0) {
            Some(_) => format!("\"{self}\""),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for MaskLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match label_colour(self.0) {
            Some([r, g, b]) => write!(f, "#{r:02x}{g:02x}{b:02x}"),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Labels in settings files: numbers, and colours as text.
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
