//! Folders of small images and masks, and `npc new` on them.

use crate::support::data_sets::grey;
use crate::support::program::{ProgramOutput, npc};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

pub const SIDE: usize = 48;
pub const SIZE: [usize; 2] = [SIDE, SIDE];

/// A bright disc and, as class 2, a smaller one beside it; both move with `i`.
pub fn classes(i: usize) -> Vec<u8> {
    let [cy, cx] = [14 + 5 * i % 19, 14 + 7 * i % 13];
    let inside =
        |p: usize, [y, x]: [usize; 2], r: usize| (p / SIDE).abs_diff(y).pow(2) + (p % SIDE).abs_diff(x).pow(2) < r * r;
    let class = |p| match inside(p, [cy, cx], 9) {
        true => 1,
        false => 2 * u8::from(inside(p, [cy, cx + 15], 5)),
    };
    (0..SIDE * SIDE).map(class).collect()
}

/// The disc alone.
pub fn disc(i: usize) -> Vec<u8> {
    classes(i).into_iter().map(|class| class % 2).collect()
}

/// The image of classes: brighter than the surroundings, with a pattern of its own.
pub fn picture(mask: &[u8], i: usize) -> Vec<u8> {
    let texture = |p: usize| ((p * 37 + p / SIDE * 91 + i * 53) % 29) as u8;
    mask.iter().enumerate().map(|(p, class)| 40 + 70 * class + texture(p)).collect()
}

pub fn scaled(mask: &[u8], by: u8) -> Vec<u8> {
    mask.iter().map(|v| v * by).collect()
}

/// Runs `npc new p` with these arguments, which must succeed.
#[track_caller]
pub fn made(folder: &TempDir, args: &[&str]) -> ProgramOutput {
    let output = npc(folder.path(), &[&["new", "p"], args].concat());
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    output
}

/// Checks the project: `npc data check`, `npc check` and `npc fmt --check` in its folder find nothing. Returns the model file.
#[track_caller]
pub fn checked(folder: &TempDir, warnings: &str) -> String {
    let project = folder.path().join("p");
    let output = npc(&project, &["data", "check", "p.model"]);
    assert!(output.code == 0 && output.stdout.contains(warnings), "{}{}", output.stdout, output.stderr);
    let output = npc(&project, &["check", "p.model"]);
    assert!(output.code == 0 && output.stderr.is_empty(), "{}", output.stderr);
    assert_eq!(npc(&project, &["fmt", "--check", "p.model"]).code, 0);
    fs::read_to_string(project.join("p.model")).unwrap()
}

/// Makes a project and checks it; the file must have these lines.
#[track_caller]
pub fn assert_made(folder: &TempDir, args: &[&str], lines: &[&str]) -> ProgramOutput {
    let output = made(folder, args);
    let text = checked(folder, "0 errors, 0 warnings");
    for line in lines {
        assert!(text.lines().any(|l| l.trim() == *line), "`{line}` is not in {text}");
    }
    output
}

/// Runs `npc new p` with these arguments, which must fail with this message and write nothing.
#[track_caller]
pub fn refused(folder: &TempDir, args: &[&str], words: &[&str]) {
    let output = npc(folder.path(), &[&["new", "p"], args].concat());
    assert_eq!(output.code, 1, "{}", output.stdout);
    words.iter().for_each(|w| assert!(output.stderr.contains(w), "`{w}` is not in {}", output.stderr));
    assert!(!folder.path().join("p").exists());
}

/// Writes `count` pairs of 8-bit pictures and masks of 0 and 255 under these names.
pub fn pairs(folder: &Path, count: usize, name: impl Fn(usize) -> [String; 2]) {
    for i in 0..count {
        let [image, mask] = name(i);
        grey(&folder.join(image), SIZE, &picture(&disc(i), i));
        grey(&folder.join(mask), SIZE, &scaled(&disc(i), 255));
    }
}
