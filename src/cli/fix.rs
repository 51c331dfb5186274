//! `npc fix`: the edits that messages suggest, applied.

use super::check::look;
use super::levels::LevelOpts;
use super::load::Choice;
use super::unified::unified;
use super::{Done, Stop, print, report};
use crate::base::atomic;
use crate::study::cost::Convention;
use crate::text::diag::{Applicability, Diagnostic, Problems, Suggestion};
use crate::text::source::{SourceId, SourceMap, Span};
use crate::text::syntax;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Mend model files with the edits that `npc check` suggests
#[derive(Args)]
#[command(
    after_help = "Edits that are certain are applied, and shown as a diff; --all also applies those that are only
likely, so read the diff. Edits with `...` in them are never applied. Only the files that are named
are written, never what they import. The edits of one round do not overlap; rounds follow until
nothing is left to do.

Examples:
  npc fix net.model --dry-run                 show what would change
  npc fix models/*.model
  npc fix net.model --size 256x256 --all

Exit codes: 0 no errors are left, 1 problems found, 2 wrong usage"
)]
pub struct Opts {
    /// Model files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    levels: LevelOpts,
    /// Also apply edits that may not be what was meant
    #[arg(long)]
    all: bool,
    /// Change nothing, show the diff
    #[arg(long)]
    dry_run: bool,
}

/// One round of edits may uncover problems that the next can mend; more rounds than this would be a circle.
const ROUNDS: usize = 20;

pub fn run(opts: &Opts) -> Done {
    let mut left = false;
    for path in &opts.files {
        left |= mend(path, opts)?;
    }
    if left { Err(Stop::Problems) } else { Ok(()) }
}

/// Mends one file; whether it has errors still.
fn mend(path: &Path, opts: &Opts) -> Result<bool, Stop> {
    let mut sources = SourceMap::new();
    let original = match syntax::read_file(&mut sources, path) {
        Ok(id) => sources.text(id).to_string(),
        Err(d) => {
            report(&sources, &d.into());
            return Ok(true);
        }
    };
    let name = path.display();
    let (mut text, mut mended, mut rounds) = (original.clone(), 0, 0);
    let problems = loop {
        let looked = look(path, Some(text.clone()), &opts.choice, &[], &opts.levels, Convention::Conv)?;
        let (next, edits) = improved(&text, looked.root, &looked.problems, opts.all);
        if edits == 0 || next == text || rounds == ROUNDS {
            break looked.problems;
        }
        (mended, rounds) = (mended + edits, rounds + 1);
        text = next;
    };
    print(&unified(&name.to_string(), &original, &text))?;
    if text != original && !opts.dry_run {
        let written = atomic::write(path, text.as_bytes());
        written.map_err(|e| Stop::Message(format!("{name}: cannot be written: {e}")))?;
    }
    let word = if opts.dry_run { "would mend" } else { "mended" };
    let errors = problems.iter().filter(|d| d.is_error()).count();
    let told = match (mended, errors) {
        (0, 0) => format!("{name}: nothing to mend\n"),
        (0, n) => format!("{name}: nothing here is certain enough to mend, {}\n", left(n)),
        (m, 0) => format!("{name}: {word} {m}\n"),
        (m, n) => format!("{name}: {word} {m}, {}\n", left(n)),
    };
    print(&told)?;
    Ok(errors > 0)
}

fn left(errors: usize) -> String {
    let s = if errors == 1 { "error is" } else { "errors are" };
    format!("{errors} {s} left; `npc check` shows more")
}

/// `text` after one round of edits, and how many problems they mend.
fn improved(text: &str, root: SourceId, problems: &Problems, all: bool) -> (String, usize) {
    let mut chosen: Vec<&Suggestion> = Vec::new();
    let mut taken: BTreeMap<u32, u32> = BTreeMap::new();
    for suggestion in problems.iter().filter_map(|d| usable(d, root, all)) {
        if suggestion.edits.iter().all(|(span, _)| free(&taken, *span)) {
            taken.extend(suggestion.edits.iter().map(|(span, _)| (span.start, span.end)));
            chosen.push(suggestion);
        }
    }
    let kept = harmless(text, &chosen, mistakes(text), &mut { PARSES });
    (applied(text, &kept), kept.len())
}

/// An edit that touches none that is made already: both could be meant to change the same thing.
fn free(taken: &BTreeMap<u32, u32>, span: Span) -> bool {
    let before = taken.range(..=span.end).next_back();
    before.is_none_or(|(_, &end)| end < span.start)
}

/// Tries of parts of a round, before the rest of it is given up.
const PARSES: usize = 64;

/// Those of some suggestions that add no error of syntax to the `before` that there are: all, or of each half what does
/// not.
fn harmless<'s>(text: &str, some: &[&'s Suggestion], before: usize, tries: &mut usize) -> Vec<&'s Suggestion> {
    if some.is_empty() || *tries == 0 {
        return Vec::new();
    }
    *tries -= 1;
    if mistakes(&applied(text, some)) <= before {
        return some.to_vec();
    }
    if some.len() == 1 {
        return Vec::new();
    }
    let (first, second) = some.split_at(some.len() / 2);
    let mut kept = harmless(text, first, before, tries);
    kept.extend(harmless(text, second, before, tries));
    // Each half does no harm by itself; if they do together, the first is enough for this round.
    if mistakes(&applied(text, &kept)) <= before { kept } else { harmless(text, first, before, tries) }
}

/// The first suggestion of a problem that may be applied to the root file.
fn usable(d: &Diagnostic, root: SourceId, all: bool) -> Option<&Suggestion> {
    d.suggestions.iter().find(|s| {
        let trusted = match s.applicability {
            Applicability::MachineApplicable => true,
            Applicability::MaybeIncorrect => all,
            Applicability::HasPlaceholders | Applicability::Unspecified => false,
        };
        trusted && s.edits.iter().all(|(span, _)| span.source == root)
    })
}

/// Errors of syntax.
fn mistakes(text: &str) -> usize {
    let mut sources = SourceMap::new();
    let id = sources.add("", text);
    syntax::parse(&sources, id).1.iter().filter(|d| d.is_error()).count()
}

/// `text` with the edits of some suggestions.
fn applied(text: &str, suggestions: &[&Suggestion]) -> String {
    let mut edits: Vec<&(Span, String)> = suggestions.iter().flat_map(|s| &s.edits).collect();
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (span, new) in edits {
        let mut range = span.range();
        if new.is_empty() {
            range = whole_line(text, range);
        }
        out.push_str(text.get(at..range.start).unwrap_or(""));
        out.push_str(new);
        at = range.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// A deletion that leaves nothing but blanks on its line takes the line end as well.
fn whole_line(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    let blank = text[start..range.start].trim().is_empty() && text[range.end..end].trim().is_empty();
    if blank { start..end } else { range }
}
