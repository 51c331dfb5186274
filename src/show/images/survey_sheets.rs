//! Draws the likely faults of a data set: near-duplicates side by side, and doubtful masks over their images.

use super::contact_sheet::{CaptionedPicture, contact_sheet, in_columns};
use super::overlay::{class_legend, overlay};
use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use crate::data::png::write_png_atomic;
use crate::data::survey::{CaseFacts, Survey, SurveyTopic};
use crate::data::{Dataset, SplitRole, resize};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Side of one picture on a sheet in pixels.
const SQUARE_SIDE: usize = 192;
const SQUARE: [usize; 2] = [SQUARE_SIDE; 2];
/// The most pictures on a sheet.
const MAX_PICTURES: usize = 24;

/// Names of the sheets.
const DUPLICATES: &str = "duplicates";
const MASKS: &str = "masks";

/// Returns the paths of all files that [`write`] may write into a folder.
pub(crate) fn files_in(dir: &Path) -> impl Iterator<Item = PathBuf> {
    [DUPLICATES, MASKS].into_iter().flat_map(move |name| files_of(dir, name))
}

/// Returns the picture of a sheet and the list of its pictures.
fn files_of(dir: &Path, name: &str) -> [PathBuf; 2] {
    ["png", "txt"].map(|ending| dir.join(format!("{name}.{ending}")))
}

/// Writes `duplicates.png` and `masks.png` into `dir`, each with a text file that lists the pictures. Sheets that would be
/// empty are not written. Returns the paths of the written files.
pub(crate) fn write(survey: &Survey, dir: &Path) -> Result<Vec<PathBuf>> {
    let Some(data) = &survey.data else { return Ok(Vec::new()) };
    std::fs::create_dir_all(dir).map_err(|e| RunError::create_dir(dir, e))?;
    let mut written = Vec::new();
    let (mut rows, mut names) = (Vec::new(), String::new());
    for pair in survey.near.iter().take(MAX_PICTURES / 2) {
        let (a, b) = (&survey.facts[pair.a], &survey.facts[pair.b]);
        let (Some(left), Some(right)) = (case_square(data, a, false), case_square(data, b, false)) else { continue };
        let (number, of_a, of_b) = (rows.len() / 2 + 1, a.role.name(), b.role.name());
        let side = if rows.len() % 2 == 0 { "left" } else { "right" };
        let _ = writeln!(
            names,
            "row {number} {side}: {} ({of_a}), {} ({of_b}), correlation {:.4}",
            a.stem, b.stem, pair.alike
        );
        let tile = |rgb, facts: &CaseFacts| CaptionedPicture {
            name: facts.stem.clone(),
            caption: format!("{}, correlation {:.3}", facts.role.name(), pair.alike),
            rgb,
            size: SQUARE,
        };
        rows.push([tile(left, a), tile(right, b)]);
    }
    let title = format!("{}: near-duplicates, in pairs", data.spec().name);
    write_sheet(dir, DUPLICATES, (&title, &[]), in_columns(rows.into_iter().flatten(), 4), &names, &mut written)?;
    let (mut tiles, mut names) = (Vec::new(), String::new());
    for (facts, why) in doubtful_masks(survey) {
        let Some(rgb) = case_square(data, facts, true) else { continue };
        let (row, column) = (tiles.len() / 6 + 1, tiles.len() % 6 + 1);
        let _ = writeln!(names, "row {row} column {column}: {} ({}), {why}", facts.stem, facts.role.name());
        let caption = format!("{}, {}", facts.role.name(), short_reason(&why));
        tiles.push(CaptionedPicture { name: facts.stem.clone(), caption, rgb, size: SQUARE });
    }
    let title = format!("{}: masks to look at", data.spec().name);
    let legend = class_legend(&data.spec().classes);
    write_sheet(dir, MASKS, (&title, &legend), in_columns(tiles, 6), &names, &mut written)?;
    Ok(written)
}

/// Returns a reason without the path in front, which the name of the case stands for; the list has it in full.
fn short_reason(why: &str) -> &str {
    why.rsplit_once(": ").map_or(why, |(_, reason)| reason)
}

/// A title, and names in their colours.
type SheetHead<'a> = (&'a str, &'a [(&'a str, [u8; 3])]);

/// Writes a sheet and the list of its pictures, unless it is empty.
fn write_sheet(
    dir: &Path,
    name: &str,
    (title, legend): SheetHead<'_>,
    rows: Vec<Vec<CaptionedPicture>>,
    names: &str,
    written: &mut Vec<PathBuf>,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let (rgb, size) = contact_sheet(title, legend, rows);
    let [picture, list] = files_of(dir, name);
    write_png_atomic(&picture, &rgb, size)?;
    write_atomic(&list, names.as_bytes())?;
    written.extend([picture, list]);
    Ok(())
}

/// Returns doubtful masks with the reason: those with a finding, empty ones, and those with the least and the most
/// foreground.
fn doubtful_masks(survey: &Survey) -> Vec<(&CaseFacts, String)> {
    let share = |f: &CaseFacts| {
        let counts = f.classes.as_ref()?;
        let all: u64 = counts.iter().sum();
        Some((all - counts.first().copied().unwrap_or(0)) as f64 / all.max(1) as f64)
    };
    let mut chosen: Vec<(usize, String)> = Vec::new();
    let mut add = |facts: usize, why: String| {
        if chosen.len() < MAX_PICTURES && !chosen.iter().any(|(f, _)| *f == facts) {
            chosen.push((facts, why));
        }
    };
    for (i, facts) in survey.facts.iter().enumerate().filter(|(_, f)| f.classes.is_some()) {
        if let Some(finding) = facts.findings.iter().find(|f| f.kind == SurveyTopic::Mask) {
            add(i, finding.message.clone());
        }
    }
    let mut by_share: Vec<(f64, usize)> =
        survey.facts.iter().enumerate().filter_map(|(i, f)| Some((share(f)?, i))).collect();
    by_share.sort_by(|a, b| a.0.total_cmp(&b.0));
    let shown = |share: f64| format!("{:.2} % foreground", 100.0 * share);
    by_share.iter().filter(|(s, _)| *s == 0.0).take(MAX_PICTURES / 4).for_each(|(_, f)| add(*f, "empty".into()));
    by_share.iter().filter(|(s, _)| *s > 0.0).take(MAX_PICTURES / 4).for_each(|(s, f)| add(*f, shown(*s)));
    by_share.iter().rev().take(MAX_PICTURES / 4).for_each(|(s, f)| add(*f, shown(*s)));
    chosen.into_iter().map(|(i, why)| (&survey.facts[i], why)).collect()
}

/// Draws the image of a case into a square, with its mask over it where `masked` is set. `None` where a file cannot be
/// read.
fn case_square(data: &Dataset, facts: &CaseFacts, masked: bool) -> Option<Vec<u8>> {
    let index = data.cases(facts.role).iter().position(|case| case.stem == facts.stem)?;
    square(data, facts.role, index, masked).ok()
}

/// Scales the image of a case to fit a square of [`SQUARE_SIDE`] pixels.
fn square(data: &Dataset, role: SplitRole, index: usize, masked: bool) -> Result<Vec<u8>> {
    let image = data.picture(role, index, 1)?;
    let [h, w] = image.original;
    let scale = SQUARE_SIDE as f64 / h.max(w) as f64;
    let size = [h, w].map(|n| ((n as f64 * scale).round() as usize).clamp(1, SQUARE_SIDE));
    let scaled = resize::planes(3, [h, w], size, |y, row| {
        for x in 0..w {
            (0..3).for_each(|c| row[c * w + x] = f32::from(image.rgb[(y * w + x) * 3 + c]));
        }
    });
    let area = size[0] * size[1];
    let mut rgb: Vec<u8> =
        (0..area * 3).map(|i| scaled[i % 3 * area + i / 3].round().clamp(0.0, 255.0) as u8).collect();
    if masked {
        let (truth, of, _) = data.truth(role, index)?;
        rgb = overlay(&rgb, size, &resize::nearest(&truth, of, size), None)?;
    }
    let mut square = vec![40; SQUARE_SIDE * SQUARE_SIDE * 3];
    let (top, left) = ((SQUARE_SIDE - size[0]) / 2, (SQUARE_SIDE - size[1]) / 2);
    for y in 0..size[0] {
        let to = ((top + y) * SQUARE_SIDE + left) * 3;
        square[to..to + size[1] * 3].copy_from_slice(&rgb[y * size[1] * 3..(y + 1) * size[1] * 3]);
    }
    Ok(square)
}
