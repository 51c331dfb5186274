//! Chooses how a data block names pairs: by two patterns if they find exactly these, else by a list.

use super::data_guess::DataGuess;
use super::pair_matching::{MatchRule, MatchedPairs, channel, pattern_of};
use super::request::{InspectionRequest, UsedPair};
use super::split_guess::{FolderRoles, groups_of_folders, roles_of_folders};
use crate::base::count::{counted, counted_of};
use crate::base::error::RunError;
use crate::base::path::without_dot;
use crate::base::problem::problem;
use crate::data::case_list::{ListedImage, list_stems};
use crate::data::pairs::pair_files;
use crate::text::config::DataSource;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Name of the list of pairs that no patterns find.
pub(crate) const LIST: &str = "cases.csv";

/// The source of a data block, with its pairs and their stems.
pub(super) struct PairSource {
    pub source: DataSource,
    pub pairs: Vec<UsedPair>,
    pub stems: Vec<String>,
    pub guesses: Vec<DataGuess>,
}

/// Returns the source of these pairs.
pub(super) fn find_source(
    request: &InspectionRequest<'_>,
    pairs: &[[PathBuf; 2]],
    matched: &MatchedPairs,
) -> PairSource {
    let images: Vec<PathBuf> = pairs.iter().map(|[image, _]| image.clone()).collect();
    let (roles, note) = match roles_of_folders(&images) {
        FolderRoles::None => (None, None),
        FolderRoles::Some(named) => (None, Some(few_roles(named, images.len()))),
        FolderRoles::Each(roles) => {
            let without = roles.iter().filter(|role| role.is_none()).count();
            (Some(roles), (without > 0).then(|| unused_roles(without, images.len())))
        }
    };
    let groups = groups_of_folders(&images);
    if roles.is_none()
        && let Some(mut found) = by_patterns(request, pairs, matched)
    {
        found.guesses.extend(channels_guess(matched, "images").into_iter().chain(note));
        return found;
    }
    let used = |(i, [image, mask]): (usize, &[PathBuf; 2])| UsedPair {
        image: image.clone(),
        mask: mask.clone(),
        role: roles.as_ref().and_then(|roles| roles[i]),
        group: groups.as_ref().map(|groups| groups[i].clone()),
    };
    let used: Vec<UsedPair> = pairs.iter().enumerate().map(used).collect();
    let own_masks = pairs.iter().all(|[image, mask]| image == mask);
    let why = match (matched.by, roles.is_some()) {
        _ if own_masks => "each image is its own mask, which a list can say",
        (_, true) => "the parts of the split are folders, which a list can name",
        (Some(MatchRule::Numbers), _) => "images and masks share only the numbers in their names",
        _ => "no two patterns find exactly these pairs",
    };
    let mut guesses = vec![DataGuess { key: "list", why: why.into() }];
    guesses.extend(channels_guess(matched, "list").into_iter().chain(note));
    if let Some(groups) = &groups {
        let distinct: BTreeSet<&String> = groups.iter().collect();
        let why = format!(
            "the folders look like {}, such as `{}`, and are the column `group`",
            counted(distinct.len(), "patient"),
            groups[0]
        );
        guesses.push(DataGuess { key: "list", why });
    }
    let texts: Vec<_> = images.iter().map(|path| path.to_string_lossy()).collect();
    let listed = images.iter().zip(&texts).map(|(path, text)| ListedImage { text, is_folder: path.is_dir() });
    let stems = list_stems(&listed.collect::<Vec<_>>());
    PairSource { source: DataSource::List { list: LIST.into() }, pairs: used, stems, guesses }
}

/// Says that images are in folders of no part, where the others are.
fn unused_roles(without: usize, all: usize) -> DataGuess {
    let why = format!(
        "{} are in folders that are no part of the split, and are not used; write train, val or test into the \
         column `split` of their rows to use them",
        counted_of(without, all, "image")
    );
    DataGuess { key: "split", why }
}

/// Says that folders name training and test for some images alone.
fn few_roles(named: usize, all: usize) -> DataGuess {
    let why = format!(
        "the folders name training and test for {} alone, so they are not taken for the split, and images of both are \
         mixed; give the folders of the split with `--images` if they are one",
        counted_of(named, all, "image")
    );
    DataGuess { key: "split", why }
}

/// Says which of several channels of a case is used, and how to use another. `key` is the entry that names the images.
fn channels_guess(matched: &MatchedPairs, key: &'static str) -> Option<DataGuess> {
    let numbers: BTreeSet<String> = matched.channels.iter().filter_map(|path| Some(channel(path)?.1)).collect();
    let (first, last) = (numbers.first()?, numbers.last()?);
    let why = format!(
        "a case has several files, as in nnU-Net's format of several channels (`_0000` to `_{last}`), and npc reads one image a case: \
         `_0000` is used; for another one write `_{first}` in its place, and to use all, store them as red, green and blue of one picture"
    );
    Some(DataGuess { key, why })
}

/// Tries pairs of patterns, those that were given first.
fn by_patterns(request: &InspectionRequest<'_>, pairs: &[[PathBuf; 2]], matched: &MatchedPairs) -> Option<PairSource> {
    let given = |paths: &[PathBuf]| match paths {
        [one] => {
            one.to_str().map(str::to_string).filter(|text| text.matches('*').count() == 1 && !text.contains(['?', '[']))
        }
        _ => None,
    };
    let candidates = |given: Option<String>, side: usize, affix: &[String; 2]| -> Vec<String> {
        let files: Vec<&PathBuf> = pairs.iter().map(|pair| &pair[side]).collect();
        given.into_iter().chain(pattern_of(&files, affix)).collect()
    };
    let images = candidates(given(request.images), 0, &matched.image_affix);
    let masks = candidates(given(request.masks), 1, &matched.mask_affix);
    let wanted: BTreeSet<[&Path; 2]> = pairs.iter().map(|[image, mask]| [image.as_path(), mask.as_path()]).collect();
    for (images, masks) in images.iter().flat_map(|images| masks.iter().map(move |masks| (images, masks))) {
        let mut problems = Vec::new();
        let cases = pair_files(Path::new("."), images, masks, &mut problems, &mut Vec::new());
        let found: BTreeSet<[&Path; 2]> =
            cases.iter().map(|case| [without_dot(&case.image), without_dot(&case.mask)]).collect();
        if problems.is_empty() && found == wanted {
            let used = cases.iter().map(|case| UsedPair {
                image: without_dot(&case.image).to_path_buf(),
                mask: without_dot(&case.mask).to_path_buf(),
                role: None,
                group: None,
            });
            return Some(PairSource {
                source: DataSource::Files { images: images.clone(), masks: masks.clone() },
                pairs: used.collect(),
                stems: cases.iter().map(|case| case.stem.clone()).collect(),
                guesses: Vec::new(),
            });
        }
    }
    None
}

/// Returns the error of images and masks that share no name.
pub(super) fn nothing_pairs(matched: &MatchedPairs, masks: &[PathBuf]) -> RunError {
    let example = |paths: &[PathBuf]| -> String {
        let names: Vec<String> = paths.iter().take(3).map(|path| format!("`{}`", path.display())).collect();
        names.join(", ")
    };
    let mut endings: BTreeMap<&str, usize> = BTreeMap::new();
    matched
        .lone_images
        .iter()
        .filter_map(|path| path.extension()?.to_str())
        .for_each(|e| *endings.entry(e).or_default() += 1);
    problem!(
        E0710,
        "no image has a mask by its name: {} such as {}; {} such as {}",
        counted(matched.lone_images.len(), "image"),
        example(&matched.lone_images),
        counted(masks.len(), "mask"),
        example(masks);
        help: "an image and its mask share a part of their names, such as `p1.png` and `p1_mask.png`; rename the files";
        help: "or write the pairs to a CSV file with the columns image and mask, for `list = \"cases.csv\"` in a data block"
    )
}
