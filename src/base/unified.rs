//! The unified diff of two texts, line by line.

use std::fmt::Write;
use std::ops::Range;

/// Number of unchanged lines shown around a change.
const CONTEXT: usize = 2;
/// Limit on line comparisons. For texts beyond it, everything between the first and the last difference is one change.
const WORK: usize = 4_000_000;

/// Lines of the old text that become lines of the new one.
struct LineChange {
    old: Range<usize>,
    new: Range<usize>,
}

/// Returns `---`, `+++`, and a hunk for each group of changes; an empty string for equal texts.
pub(crate) fn unified_diff(name: &str, old: &str, new: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let changes = changes(&a, &b);
    if changes.is_empty() {
        return String::new();
    }
    let mut out = format!("--- {name}\n+++ {name}\n");
    let mut at = 0;
    while at < changes.len() {
        let mut end = at + 1;
        while end < changes.len() && changes[end].old.start - changes[end - 1].old.end <= 2 * CONTEXT {
            end += 1;
        }
        hunk(&mut out, &a, &b, &changes[at..end]);
        at = end;
    }
    out
}

fn hunk(out: &mut String, a: &[&str], b: &[&str], changes: &[LineChange]) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return };
    let lead = first.old.start.min(first.new.start).min(CONTEXT);
    let tail = (a.len() - last.old.end).min(b.len() - last.new.end).min(CONTEXT);
    let old = first.old.start - lead..last.old.end + tail;
    let new = first.new.start - lead..last.new.end + tail;
    // An empty range is given by the line before it.
    let place = |r: &Range<usize>| format!("{},{}", if r.is_empty() { r.start } else { r.start + 1 }, r.len());
    let _ = writeln!(out, "@@ -{} +{} @@", place(&old), place(&new));
    let line = |out: &mut String, sign: char, l: &str| {
        let _ = writeln!(out, "{sign}{l}");
    };
    let mut at = old.start;
    for change in changes {
        a[at..change.old.start].iter().for_each(|l| line(out, ' ', l));
        a[change.old.clone()].iter().for_each(|l| line(out, '-', l));
        b[change.new.clone()].iter().for_each(|l| line(out, '+', l));
        at = change.old.end;
    }
    a[at..old.end].iter().for_each(|l| line(out, ' ', l));
}

/// Computes the changes from a longest common subsequence of lines, with the table of all pairs between the first and the
/// last difference.
fn changes(a: &[&str], b: &[&str]) -> Vec<LineChange> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    if x.is_empty() && y.is_empty() {
        return Vec::new();
    }
    let width = y.len() + 1;
    if x.len().saturating_mul(y.len()) > WORK {
        return vec![LineChange { old: head..head + x.len(), new: head..head + y.len() }];
    }
    // `common[i * width + j]`: length of the common subsequence of the lines from i on and from j on.
    let mut common = vec![0_u32; (x.len() + 1) * width];
    for i in (0..x.len()).rev() {
        for j in (0..y.len()).rev() {
            common[i * width + j] = match x[i] == y[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let mut found: Vec<LineChange> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < x.len() || j < y.len() {
        if i < x.len() && j < y.len() && x[i] == y[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let takes_old = j == y.len() || i < x.len() && common[(i + 1) * width + j] >= common[i * width + j + 1];
        let (old, new) = if takes_old { (i..i + 1, j..j) } else { (i..i, j..j + 1) };
        (i, j) = (old.end, new.end);
        match found.last_mut() {
            Some(last) if last.old.end == head + old.start && last.new.end == head + new.start => {
                (last.old.end, last.new.end) = (head + old.end, head + new.end);
            }
            _ => {
                found.push(LineChange { old: head + old.start..head + old.end, new: head + new.start..head + new.end })
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::unified_diff;

    #[test]
    fn a_changed_line_and_an_inserted_one() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let new = "a\nb\nC\nd\ne\nf\ng\nh\ni\nnew\nj\n";
        let wanted = "--- m\n+++ m\n@@ -1,5 +1,5 @@\n a\n b\n-c\n+C\n d\n e\n@@ -8,3 +8,4 @@\n h\n i\n+new\n j\n";
        assert_eq!(unified_diff("m", old, new), wanted);
        assert_eq!(unified_diff("m", old, old), "");
        assert_eq!(unified_diff("m", "", "x\n"), "--- m\n+++ m\n@@ -0,0 +1,1 @@\n+x\n");
    }
}
