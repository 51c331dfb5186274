//! The files that a data block names: images, masks and lists.

use super::case_list::{RoleColumn, read_case_list};
use super::pairs::matched_files;
use crate::base::input_files::InputFiles;
use crate::text::config::{DataSource, DataSpec, ListedValidation, Split};
use std::path::Path;

/// What images and masks are called among the files of a data block.
pub(crate) const IMAGE: &str = "an image of a data block";
pub(crate) const MASK: &str = "a mask of a data block";

/// Returns the files that a data block names below `root`, as far as they can be found. Nothing but lists is read, and files without a
/// partner count.
pub(crate) fn named_files(spec: &DataSpec, root: &Path) -> InputFiles {
    let mut files = InputFiles::default();
    match &spec.source {
        DataSource::Files { images, masks } => {
            matched_files(root, images, "images").into_iter().for_each(|path| files.add(IMAGE, path));
            matched_files(root, masks, "masks").into_iter().for_each(|path| files.add(MASK, path));
        }
        DataSource::List { list } => {
            files.add("the list of a data block", root.join(list));
            let (mut problems, mut doubts) = (Vec::new(), Vec::new());
            for case in read_case_list(root, list, RoleColumn::Unused, &mut problems, &mut doubts) {
                files.add(IMAGE, case.image);
                files.add(MASK, case.mask);
            }
        }
        DataSource::Phantoms { .. } => {}
    }
    if let Split::Lists { train, val, test } = &spec.split {
        let val = match val {
            Some(ListedValidation::List(list)) => Some(list),
            Some(_) | None => None,
        };
        [train, test].into_iter().chain(val).for_each(|list| files.add("a list of a data block", root.join(list)));
    }
    files
}
