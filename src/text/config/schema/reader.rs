//! The reader of a block: entries are read key by key, and problems are collected.

use super::value::{ReadResult, with_key_name};
use crate::base::problem::problem;
use crate::text::diag::{Applicability, Diagnostic, Problems, did_you_mean};
use crate::text::source::Span;
use crate::text::syntax::ast::{Entry, Expr, Ident};
use std::collections::BTreeMap;

/// Reads the entries of one block and collects their problems.
pub(super) struct BlockReader<'a> {
    pub(super) entries: Vec<&'a Entry>,
    /// Span of the name of the block, at which missing keys are reported.
    pub(super) at: Span,
    pub(super) block_kind: &'static str,
    /// Keys that an unknown key was probably meant to be; they are not also reported as missing.
    pub(super) misspelt: Vec<&'static str>,
    pub(super) problems: Problems,
}

impl<'a> BlockReader<'a> {
    pub(super) fn new(block_kind: &'static str, at: Span, keys: &[&'static str], entries: &'a [Entry]) -> Self {
        let mut reader =
            BlockReader { entries: Vec::new(), at, block_kind, misspelt: Vec::new(), problems: Problems::new() };
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in entries {
            match seen.insert(&entry.key.node, entry.key.span) {
                Some(first) => reader.problems.push(problem!(E0202, entry.key.span, "`{}` is given twice", entry.key;
                    label: "given again here";
                    other[first]: "first given here")),
                None => reader.entries.push(entry),
            }
        }
        for entry in &reader.entries {
            if !keys.contains(&entry.key.node.as_str()) {
                let known_alias = known_alias(&entry.key.node).filter(|f| keys.contains(f));
                reader.misspelt.extend(known_alias.or_else(|| did_you_mean(&entry.key.node, keys.iter().copied())));
                reader.problems.push(unknown_key(block_kind, &entry.key, known_alias, keys));
            }
        }
        reader
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|e| e.key.node == key)
    }

    pub(super) fn get<T>(&mut self, key: &str, read: impl FnOnce(&'a Expr) -> ReadResult<T>) -> Option<T> {
        let entry = *self.entries.iter().find(|e| e.key.node == key)?;
        match read(&entry.value) {
            Ok(value) => Some(value),
            Err(d) => {
                self.problems.push(with_key_name(d, key));
                None
            }
        }
    }

    /// Reads the value of a key, or returns `default`, or reports that the key is missing, with an example.
    pub(super) fn required<T>(
        &mut self,
        key: &str,
        example: &str,
        default: Option<T>,
        read: impl FnOnce(&'a Expr) -> ReadResult<T>,
    ) -> Option<T> {
        if !self.has(key) {
            if default.is_some() || self.misspelt.contains(&key) {
                return default;
            }
            let missing = problem!(E0207, self.at, "this `{}` block has no `{key}`", self.block_kind);
            self.problems.push(self.suggest_entry(missing, example));
            return None;
        }
        self.get(key, read)
    }

    /// Suggests a new entry after the last one, with an example value.
    pub(super) fn suggest_entry(&self, d: Diagnostic, example: &str) -> Diagnostic {
        let help = format!("add `{example}`");
        match self.entries.iter().map(|e| e.value.span).max_by_key(|s| s.end) {
            Some(last) => d.suggest(help, last.after(), format!("  {example}"), Applicability::HasPlaceholders),
            None => d.help(help),
        }
    }

    /// Returns the span of the value of a key, or of the name of the block if the key is absent.
    pub(super) fn value_span(&self, key: &str) -> Span {
        self.entries.iter().find(|e| e.key.node == key).map_or(self.at, |e| e.value.span)
    }

    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if !self.problems.has_errors() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

/// Returns the problem of a key that a block does not have. `alias` is npc's name for it, if other libraries use this one.
fn unknown_key(block_kind: &str, key: &Ident, alias: Option<&str>, keys: &[&str]) -> Diagnostic {
    let d = problem!(E0205, key.span, "`{block_kind}` has no key `{key}`");
    match (alias, why_unsupported(&key.node)) {
        (Some(ours), _) => d.renamed(key.span, ours, Applicability::MachineApplicable),
        (None, Some(why)) => d.help(why),
        (None, None) => {
            if let Some(whole) = abbreviated(&key.node, keys.iter().copied()) {
                return d.renamed(key.span, whole, Applicability::MaybeIncorrect);
            }
            let listed = || Some(format!("its keys are {}", keys.join(", ")));
            d.nearest(key.span, &key.node, keys.iter().copied(), listed)
        }
    }
}

/// Returns the only key that begins with `key`, such as `optimizer` for `optim`.
fn abbreviated<'a>(key: &str, mut keys: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    const LEAST_LETTERS: usize = 3;
    let begins = |whole: &&str| key.len() >= LEAST_LETTERS && whole.starts_with(key);
    let only = keys.clone().filter(begins).count() == 1;
    keys.find(begins).filter(|_| only)
}

/// Returns npc's name for a key that other libraries call differently.
pub(super) fn known_alias(key: &str) -> Option<&'static str> {
    Some(match key {
        "learning_rate" => "lr",
        "batch_size" => "batch",
        "num_epochs" | "max_epochs" | "n_epochs" => "epochs",
        "criterion" => "loss",
        "random_seed" => "seed",
        "image_size" | "img_size" => "size",
        _ => return None,
    })
}

/// Returns why a key that users may expect does not exist.
fn why_unsupported(key: &str) -> Option<&'static str> {
    match key {
        "mixed_precision" | "amp" | "fp16" | "bf16" => Some(
            "on a GPU there is `precision = tf32` or `f32`; docs/optimisation.md explains why there is no half precision",
        ),
        _ => None,
    }
}
