//! Finds out which mask belongs to which image, by their names.

use super::name_words::{common_folder, folders, mask_affix, role_of_folder, stem, words};
use crate::base::path::with_slashes;
use crate::data::order::natural;
use crate::data::stem::{composed, stem_key};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// End of the stem of the first channel of an image in the format of nnU-Net.
const FIRST_CHANNEL: &str = "_0000";

/// Files that belong together, and those that have no partner.
#[derive(Default)]
pub(super) struct MatchedPairs {
    /// Image and mask, in the natural order of the images' paths.
    pub pairs: Vec<[PathBuf; 2]>,
    pub lone_images: Vec<PathBuf>,
    pub lone_masks: Vec<PathBuf>,
    /// Files of further channels of the images that are paired, as `p1_0001` beside `p1_0000` in the format of nnU-Net.
    pub channels: Vec<PathBuf>,
    /// Beginning and end of the stems of images that are not shared with the masks.
    pub image_affix: [String; 2],
    /// The same of masks.
    pub mask_affix: [String; 2],
    /// What image and mask share.
    pub by: Option<MatchRule>,
}

/// What the names of an image and of its mask share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatchRule {
    /// The stem, whatever the folders are.
    Stem,
    /// The stem, and the folders without those that have a role.
    FoldersAndStem,
    /// The stem, and the words of folders that have no role.
    WordsAndStem,
    /// The numbers in the stem.
    Numbers,
}

impl MatchRule {
    const ALL: [MatchRule; 4] =
        [MatchRule::Stem, MatchRule::FoldersAndStem, MatchRule::WordsAndStem, MatchRule::Numbers];
}

/// The pairs of one rule and two affixes, as indices.
struct RuleMatch {
    pairs: Vec<(usize, usize)>,
    rule: MatchRule,
    affixes: [usize; 2],
}

/// One side of the match: a file with its folders and its stem.
struct NamedFile<'a> {
    path: &'a PathBuf,
    folders: Vec<String>,
    stem: String,
}

/// Matches images with the set of masks that gives most pairs.
pub(super) fn match_files(images: &[PathBuf], sets: &[Vec<PathBuf>]) -> MatchedPairs {
    let mut best = MatchedPairs { lone_images: images.to_vec(), ..MatchedPairs::default() };
    for masks in sets {
        let found = match_set(images, masks);
        if found.pairs.len() > best.pairs.len() {
            best = found;
        }
    }
    best
}

fn match_set(images: &[PathBuf], masks: &[PathBuf]) -> MatchedPairs {
    let (image_files, mask_files) = (named(images), named(masks));
    let (of_images, of_masks) = (affixes(&image_files), affixes(&mask_files));
    let mut best: Option<RuleMatch> = None;
    for rule in MatchRule::ALL {
        let mask_keys: Vec<_> = of_masks.iter().map(|affix| keys(&mask_files, rule, affix)).collect();
        for (i, image_affix) in of_images.iter().enumerate() {
            let image_keys = keys(&image_files, rule, image_affix);
            for (m, mask_keys) in mask_keys.iter().enumerate() {
                let pairs = unique_matches(&image_keys, mask_keys);
                if pairs.len() > best.as_ref().map_or(0, |best| best.pairs.len()) {
                    best = Some(RuleMatch { pairs, rule, affixes: [i, m] });
                }
            }
        }
    }
    let Some(RuleMatch { pairs: indices, rule, affixes: [i, m] }) = best else {
        return MatchedPairs { lone_images: images.to_vec(), lone_masks: masks.to_vec(), ..MatchedPairs::default() };
    };
    let (mut has_mask, mut has_image) = (vec![false; images.len()], vec![false; masks.len()]);
    indices.iter().for_each(|&(i, m)| (has_mask[i], has_image[m]) = (true, true));
    let rest = |files: &[PathBuf], used: &[bool]| -> Vec<PathBuf> {
        files.iter().zip(used).filter(|(_, used)| !**used).map(|(path, _)| path.clone()).collect()
    };
    let mut pairs: Vec<[PathBuf; 2]> =
        indices.iter().map(|&(i, m)| [image_files[i].path.clone(), mask_files[m].path.clone()]).collect();
    pairs.sort_by(|a, b| natural(&a[0].to_string_lossy(), &b[0].to_string_lossy()));
    let of_pairs: BTreeSet<PathBuf> = match of_images[i][1].as_str() {
        FIRST_CHANNEL => pairs.iter().filter_map(|[image, _]| Some(channel(image)?.0)).collect(),
        _ => BTreeSet::new(),
    };
    let further = |path: &PathBuf| channel(path).is_some_and(|(of, _)| of_pairs.contains(&of));
    let (channels, lone_images) = rest(images, &has_mask).into_iter().partition(further);
    MatchedPairs {
        pairs,
        lone_images,
        lone_masks: rest(masks, &has_image),
        channels,
        image_affix: of_images[i].clone(),
        mask_affix: of_masks[m].clone(),
        by: Some(rule),
    }
}

/// Returns the path of a file without the number of its channel and its ending, and that number: `p1` and `0001` for `p1_0001.nii.gz`.
pub(super) fn channel(path: &Path) -> Option<(PathBuf, String)> {
    let stem = stem(path);
    let (of, number) = stem.rsplit_once('_')?;
    let is_number = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| (path.with_file_name(of), number.to_string()))
}

fn named(paths: &[PathBuf]) -> Vec<NamedFile<'_>> {
    let root = common_folder(paths);
    let file = |path| NamedFile { path, folders: folders(path, &root), stem: stem(path) };
    paths.iter().map(file).collect()
}

/// Returns the beginnings and ends that may be taken off the stems: none, those that all stems share, and those of masks and of
/// the first channel of nnU-Net.
fn affixes(files: &[NamedFile<'_>]) -> Vec<[String; 2]> {
    let mut all = vec![[String::new(), String::new()]];
    let mut add = |affix: [String; 2]| {
        if !all.contains(&affix) {
            all.push(affix);
        }
    };
    let mut of_masks: BTreeMap<[String; 2], usize> = BTreeMap::new();
    for affix in files.iter().filter_map(|file| mask_affix(&file.stem)) {
        *of_masks.entry(affix).or_default() += 1;
    }
    if let Some((affix, _)) = of_masks.into_iter().max_by_key(|(_, count)| *count) {
        add(affix);
    }
    if files.iter().any(|file| file.stem.ends_with(FIRST_CHANNEL)) {
        add([String::new(), FIRST_CHANNEL.into()]);
    }
    if files.len() > 1 {
        let stems: Vec<Vec<char>> = files.iter().map(|file| file.stem.chars().collect()).collect();
        let before = shared_beginning(&stems);
        let reversed: Vec<Vec<char>> = stems.iter().map(|stem| stem.iter().rev().copied().collect()).collect();
        let after: String = shared_beginning(&reversed).chars().rev().collect();
        if files.iter().all(|file| file.stem == files[0].stem) {
            // `p1/image.png`, `p2/image.png`: the folder is the case.
            add([files[0].stem.clone(), String::new()]);
        }
        add([before.clone(), String::new()]);
        add([String::new(), after.clone()]);
        if stems.iter().all(|stem| stem.len() > before.chars().count() + after.chars().count()) {
            add([before, after]);
        }
    }
    all
}

/// Returns what all texts begin with, up to the last end of a word or a number.
fn shared_beginning(texts: &[Vec<char>]) -> String {
    let first = &texts[0];
    let same = |at: usize| texts.iter().all(|text| text.get(at) == Some(&first[at]));
    let length = (0..first.len()).find(|&at| !same(at)).unwrap_or(first.len());
    let kind = |c: &char| (c.is_alphabetic(), c.is_numeric());
    // A word must end there in every text.
    let ends = |at: usize| {
        at == 0
            || texts.iter().all(|text| text.get(at).is_some_and(|next| kind(next) != kind(&text[at - 1])))
            || !first[at - 1].is_alphanumeric()
    };
    let cut = (0..=length).rev().find(|&at| ends(at) && texts.iter().all(|text| text.len() > at)).unwrap_or(0);
    first[..cut].iter().collect()
}

/// Returns the key of each file under a rule; `None` if the affix does not fit.
fn keys(files: &[NamedFile<'_>], rule: MatchRule, affix: &[String; 2]) -> Vec<Option<String>> {
    files.iter().map(|file| key(file, rule, affix)).collect()
}

fn key(file: &NamedFile<'_>, rule: MatchRule, [before, after]: &[String; 2]) -> Option<String> {
    let stem = file.stem.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
    let stem = stem_key(stem);
    let plain = |name: &&String| role_of_folder(name).is_none();
    match rule {
        MatchRule::Stem => (!stem.is_empty()).then_some(stem),
        MatchRule::FoldersAndStem => {
            let kept: Vec<String> = file.folders.iter().filter(plain).map(|name| stem_key(name)).collect();
            Some(format!("{}/{stem}", kept.join("/")))
        }
        MatchRule::WordsAndStem => {
            let kept = |name: &String| -> String {
                let words: Vec<String> =
                    words(name).into_iter().filter(|word| role_of_folder(word).is_none() && word != "ground").collect();
                words.join(" ")
            };
            let kept: Vec<String> = file.folders.iter().map(kept).filter(|name| !name.is_empty()).collect();
            Some(format!("{}/{stem}", kept.join("/")))
        }
        MatchRule::Numbers => {
            let numbers: Vec<String> = words(&stem)
                .into_iter()
                .filter(|word| word.chars().all(|c| c.is_ascii_digit()))
                .map(|digits| digits.trim_start_matches('0').to_string())
                .collect();
            (!numbers.is_empty()).then(|| numbers.join(" "))
        }
    }
}

/// Returns the pairs of indices whose keys are equal and occur once on each side.
fn unique_matches(images: &[Option<String>], masks: &[Option<String>]) -> Vec<(usize, usize)> {
    let index = |keys: &[Option<String>]| {
        let mut at: BTreeMap<String, Option<usize>> = BTreeMap::new();
        for (i, key) in keys.iter().enumerate() {
            let Some(key) = key else { continue };
            at.entry(key.clone()).and_modify(|place| *place = None).or_insert(Some(i));
        }
        at
    };
    let masks = index(masks);
    let pair = |(key, image): (String, Option<usize>)| Some((image?, (*masks.get(&key)?)?));
    index(images).into_iter().filter_map(pair).collect()
}

/// Returns the pattern with one `*` that matches files of this folder and affix; `None` if they lie in several folders.
pub(super) fn pattern_of(files: &[&PathBuf], [before, after]: &[String; 2]) -> Vec<String> {
    let Some(first) = files.first() else { return Vec::new() };
    let text = |path: &Path| path.to_str().map(with_slashes);
    let in_folder = |folder: &str, rest: &str| {
        if folder.is_empty() { rest.to_string() } else { format!("{}/{rest}", folder.trim_end_matches('/')) }
    };
    let mut patterns = Vec::new();
    let folder = first.parent().unwrap_or(Path::new(""));
    let one_folder = files.iter().all(|path| path.parent() == Some(folder));
    let name = |path: &Path| composed(&path.file_name().unwrap_or_default().to_string_lossy());
    if one_folder && let Some(folder) = text(folder) {
        let first_name = name(first);
        let ending = if first.is_dir() { "" } else { &first_name[stem(first).len().min(first_name.len())..] };
        if files.iter().all(|path| name(path).ends_with(ending)) {
            patterns.push(in_folder(&folder, &format!("{before}*{after}{ending}")));
        }
        if after.is_empty() {
            patterns.push(in_folder(&folder, &format!("{before}*")));
        }
    }
    // One folder for each case, with files of one name.
    let above = folder.parent();
    let same_name = files.iter().all(|path| name(path) == name(first) && path.parent().and_then(Path::parent) == above);
    if let (false, true, Some(Some(above))) = (one_folder, same_name, above.map(text)) {
        patterns.push(in_folder(&above, &format!("*/{}", name(first))));
    }
    patterns.retain(|pattern| pattern.matches('*').count() == 1);
    patterns
}
