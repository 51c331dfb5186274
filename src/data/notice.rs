//! Notices: facts about single files that are reported once for a whole set.
//!
//! Every place that reads a file collects its notices. `npc data check`, `train`, `eval` and `predict` print one line for each
//! topic, so that a set of a thousand pictures with alpha gives one line instead of a thousand.

use super::order::natural;
use crate::base::count::counted;
use crate::base::number::thousands;
use crate::base::printable::printable_line;
use serde::{Serialize, Serializer};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Largest number of files that are remembered for one topic.
const MAX_FILES: usize = 100_000;
/// Largest number of colours that are remembered for one index of palettes.
const MAX_COLOURS: usize = 64;

/// What a file is in its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileRole {
    Image,
    Mask,
}

impl FileRole {
    /// Returns the word for one such file, or for several.
    pub fn word(self, several: bool) -> &'static str {
        match (self, several) {
            (FileRole::Image, false) => "image",
            (FileRole::Image, true) => "images",
            (FileRole::Mask, false) => "mask",
            (FileRole::Mask, true) => "masks",
        }
    }
}

/// The topic of a notice. Notices of one topic are reported together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeTopic {
    /// A file holds more pictures than the one that is read.
    Pages,
    /// The alpha channel of an image is not used.
    Alpha,
    /// A colour profile or gamma is not applied.
    ColourProfile,
    /// A block of metadata is damaged, and what it says is unknown.
    Metadata,
    /// The file gives another pixel spacing than the data block.
    Spacing,
    /// How the stored numbers are interpreted.
    SampleType,
    /// Values that use a small part of their range.
    Range,
    /// Images of several sample types in one set.
    MixedDepths,
    /// Every pixel is equal.
    Constant,
    /// Colours of a mask where grey is expected.
    MaskColours,
    /// Values of a mask between the labels.
    MaskValues,
    /// Values of a mask that look like class numbers.
    ClassNumbers,
    /// The header of a volume leaves its orientation open, or gives two.
    Orientation,
    /// The header of a volume gives two sizes of a voxel.
    VoxelSize,
    /// The header of a volume gives distances in another unit than mm.
    Units,
    /// The axes of a volume are not perpendicular.
    Shear,
    /// A mask is stored in another order of voxels than its image.
    VoxelOrder,
    /// Stored values are inverted, so that large ones are bright.
    Inverted,
    /// Some values stand for no measurement.
    Padding,
    /// Files in the folder of a series that are no slices.
    LeftOut,
    /// A mask has a pixel more or less than its image.
    MaskSize,
    /// The colour of an index in the palette of a mask. No notice by itself: colours are compared over the set.
    LabelColour(u8),
    /// Masks of one set whose palettes give an index different colours.
    MixedPalettes,
    /// The file says which values the stored ones stand for, and that is not applied.
    ValueScale,
}

/// A fact about one file that its user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNotice {
    pub topic: NoticeTopic,
    pub role: FileRole,
    pub path: PathBuf,
    /// A sentence without the path and without a full stop.
    pub text: String,
}

impl FileNotice {
    pub fn new(topic: NoticeTopic, role: FileRole, path: &Path, text: impl Into<String>) -> FileNotice {
        FileNotice { topic, role, path: path.to_path_buf(), text: text.into() }
    }
}

impl fmt::Display for FileNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.text)
    }
}

/// A notice is one text in JSON.
impl Serialize for FileNotice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// The notices of many files.
#[derive(Debug, Clone, Default)]
pub struct NoticeSet {
    found: BTreeMap<(FileRole, NoticeTopic), BTreeMap<PathBuf, String>>,
    /// An image of each sample type that was read without a window.
    unscaled: BTreeMap<&'static str, PathBuf>,
    /// A mask for each colour of each index in palettes.
    colours: BTreeMap<u8, BTreeMap<String, PathBuf>>,
}

/// All notices of one topic in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedNotice {
    pub role: FileRole,
    pub topic: NoticeTopic,
    /// The line, such as `12 of 80 images: alpha is ignored; the first is images/p1.png`.
    pub text: String,
}

impl NoticeSet {
    /// Adds notices. A file that was read before counts once.
    pub fn extend(&mut self, notices: impl IntoIterator<Item = FileNotice>) {
        for FileNotice { topic, role, path, text } in notices {
            if let NoticeTopic::LabelColour(index) = topic {
                self.add_colour(index, text, path);
                continue;
            }
            let files = self.found.entry((role, topic)).or_default();
            if files.len() < MAX_FILES {
                files.entry(path).or_insert(text);
            }
        }
    }

    /// Adds a mask in whose palette an index has this colour.
    fn add_colour(&mut self, index: u8, colour: String, path: PathBuf) {
        let colours = self.colours.entry(index).or_default();
        if colours.len() < MAX_COLOURS || colours.contains_key(&colour) {
            let first = colours.entry(colour).or_insert_with(|| path.clone());
            if by_name(&path, first).is_lt() {
                *first = path;
            }
        }
    }

    /// Adds an image that is scaled by the range of its sample type, because the data block has no window.
    pub fn add_unscaled(&mut self, kind: &'static str, path: &Path) {
        let first = self.unscaled.entry(kind).or_insert_with(|| path.to_path_buf());
        if by_name(path, first).is_lt() {
            *first = path.to_path_buf();
        }
    }

    /// Returns the topics of [`NoticeSet::merged`].
    pub fn topics(&self) -> BTreeSet<(FileRole, NoticeTopic)> {
        // The number of cases is for the words alone.
        self.merged(0).into_iter().map(|notice| (notice.role, notice.topic)).collect()
    }

    /// Adds the notices of another set.
    pub fn merge(&mut self, other: NoticeSet) {
        other.unscaled.iter().for_each(|(kind, path)| self.add_unscaled(kind, path));
        for (index, colours) in other.colours {
            colours.into_iter().for_each(|(colour, path)| self.add_colour(index, colour, path));
        }
        for ((role, topic), files) in other.found {
            self.extend(files.into_iter().map(|(path, text)| FileNotice { topic, role, path, text }));
        }
    }

    /// Returns one line for each topic. `cases` is the number of cases that were read.
    pub fn merged(&self, cases: usize) -> Vec<MergedNotice> {
        let line = |(&(role, topic), files): (&(FileRole, NoticeTopic), &BTreeMap<PathBuf, String>)| {
            let (path, text) = files.iter().min_by(|a, b| by_name(a.0, b.0))?;
            let path = path.display().to_string();
            let path = printable_line(&path);
            let (n, same) = (files.len(), files.values().all(|other| other == text));
            let share = format!("{} of {} {}", thousands(n), thousands(cases), role.word(cases != 1));
            let text = match (n, same) {
                (1, _) => format!("{path}: {text}"),
                (_, true) => format!("{share}: {text}; the first is {path}"),
                (_, false) => format!("{share}, the first {path}: {text}"),
            };
            Some(MergedNotice { role, topic, text })
        };
        self.found.iter().filter_map(line).chain(self.mixed_depths()).chain(self.mixed_palettes()).collect()
    }

    /// Returns a notice if masks give an index different colours: then an index may stand for different classes.
    fn mixed_palettes(&self) -> Option<MergedNotice> {
        let mut differing = self.colours.iter().filter(|(_, colours)| colours.len() > 1);
        let (index, colours) = differing.next()?;
        let mut files: Vec<(&String, &PathBuf)> = colours.iter().collect();
        files.sort_by(|a, b| by_name(a.1, b.1));
        let [(a, first), (b, second)] = [files[0], files[1]];
        let more = match differing.count() {
            0 => String::new(),
            1 => ", and 1 more index differs".to_string(),
            n => format!(", and {} differ", counted(n, "more index")),
        };
        let text = format!(
            "the palettes of masks differ: index {index} is {a} in {} and {b} in {}{more}; the indices count, whatever their colours",
            first.display(),
            second.display()
        );
        Some(MergedNotice { role: FileRole::Mask, topic: NoticeTopic::MixedPalettes, text })
    }

    /// Returns a notice if images of several sample types are scaled by their types: equal numbers are then unequal inputs.
    fn mixed_depths(&self) -> Option<MergedNotice> {
        if self.unscaled.len() < 2 {
            return None;
        }
        let kinds: Vec<String> =
            self.unscaled.iter().map(|(kind, path)| format!("{kind} (the first is {})", path.display())).collect();
        let text = format!(
            "images of several depths are mixed: {}; without a window each is scaled by the range of its type, so equal values \
             become unequal",
            kinds.join(" and ")
        );
        Some(MergedNotice { role: FileRole::Image, topic: NoticeTopic::MixedDepths, text })
    }

    /// Returns the lines of [`NoticeSet::merged`].
    pub fn lines(&self, cases: usize) -> Vec<String> {
        self.merged(cases).into_iter().map(|notice| notice.text).collect()
    }
}

impl FromIterator<FileNotice> for NoticeSet {
    fn from_iter<I: IntoIterator<Item = FileNotice>>(notices: I) -> NoticeSet {
        let mut set = NoticeSet::default();
        set.extend(notices);
        set
    }
}

fn by_name(a: &Path, b: &Path) -> Ordering {
    natural(&a.to_string_lossy(), &b.to_string_lossy())
}
