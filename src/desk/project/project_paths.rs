//! Names and paths of a project: its identifier, and paths relative to its folder.

use super::network_text::{BLOCK, RUN};
use crate::base::error::{Result, RunError};
use crate::base::path::with_slashes;
use crate::text::files::normalized;
use crate::text::syntax;
use std::path::{Component, Path, PathBuf};
use unicode_normalization::UnicodeNormalization;

/// Returns a name of the language for a folder: lower case, without accents, with `_` for other characters. It is none of the names
/// that the model file of a project has for other things.
pub(super) fn identifier(dir: &Path) -> String {
    let whole = dir.canonicalize().ok().or_else(|| std::path::absolute(dir).ok()).unwrap_or_else(|| dir.to_path_buf());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut id = String::new();
    for c in name.replace('ß', "ss").nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)) {
        match c {
            c if c.is_ascii_alphanumeric() => id.push(c.to_ascii_lowercase()),
            _ if id.ends_with('_') => {}
            _ => id.push('_'),
        }
    }
    let id = id.trim_matches('_');
    match id.chars().next() {
        None => "project".into(),
        Some(c) if c.is_ascii_digit() => format!("project_{id}"),
        Some(_) if syntax::is_reserved(id) || [BLOCK, RUN].contains(&id) => format!("{id}_project"),
        Some(_) => id.to_string(),
    }
}

/// The folder of a project and the working folder, without links.
pub(super) struct ProjectFolder {
    dir: PathBuf,
    working: PathBuf,
}

impl ProjectFolder {
    /// Resolves the links of the folder as far as it exists. Error: the working folder cannot be read.
    pub(super) fn new(dir: &Path) -> Result<ProjectFolder> {
        let here = Path::new(".");
        let working = here.canonicalize().map_err(|e| RunError::read(here, e))?;
        let whole = normalized(&working.join(dir));
        let resolved = whole.ancestors().find_map(|above| {
            let real = above.canonicalize().ok()?;
            Some(real.join(whole.strip_prefix(above).ok()?))
        });
        Ok(ProjectFolder { dir: resolved.unwrap_or(whole), working })
    }

    /// Returns a path of the working folder as a path of the project's folder, with `/`. It stays absolute if it is so, or if the two
    /// folders have nothing in common.
    pub(super) fn path(&self, written: &str) -> Result<String> {
        if Path::new(written).is_absolute() {
            return Ok(written.to_string());
        }
        let whole = normalized(&self.working.join(written));
        let text = |path: &Path| with_slashes(&path.to_string_lossy());
        let shared = whole.components().zip(self.dir.components()).take_while(|(a, b)| a == b).count();
        let roots = self.dir.components().filter(|part| !matches!(part, Component::Normal(_))).count();
        if shared <= roots {
            return Ok(text(&whole));
        }
        let up = self.dir.components().skip(shared).map(|_| Component::ParentDir);
        let path: PathBuf = up.chain(whole.components().skip(shared)).collect();
        Ok(text(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_names() {
        let rows = [
            ("a/My Project", "my_project"),
            ("Lungs-2024", "lungs_2024"),
            ("Größe (1)", "grosse_1"),
            ("3d", "project_3d"),
            ("for", "for_project"),
            ("first", "first_project"),
            ("Double", "double_project"),
            ("日本", "project"),
        ];
        for (dir, wanted) in rows {
            assert_eq!(identifier(&Path::new("/nowhere").join(dir)), wanted);
        }
    }

    #[test]
    fn paths_lead_from_the_project_to_the_images() {
        let folder = |dir: &str| ProjectFolder { dir: dir.into(), working: "/home/me".into() };
        let rows = [
            ("/home/me/p", "scans/*.png", "../scans/*.png"),
            ("/home/me/p", "p/images/*.png", "images/*.png"),
            ("/home/me", "./scans/a b/*.png", "scans/a b/*.png"),
            ("/home/me/x/p", "../you/*.png", "../../../you/*.png"),
            ("/data/p", "scans/*.png", "/home/me/scans/*.png"),
            ("/home/me/p", "/mnt/scans/*.png", "/mnt/scans/*.png"),
        ];
        for (dir, written, wanted) in rows {
            assert_eq!(folder(dir).path(written).unwrap(), wanted, "{dir} {written}");
        }
    }
}
