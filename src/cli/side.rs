//! One of two things that are compared: a model of a file, `FILE`, `FILE:NAME` or `FILE:NAME(key = value)`.

use super::load::{self, Choice, Size};
use super::{Stop, report};
use crate::cli::revision::Checkout;
use crate::graph::check::Checked;
use crate::graph::ir::{Chains, NodeId};
use crate::graph::resolve::resolve_bundle;
use crate::text::source::SourceMap;
use std::path::{Path, PathBuf};

/// A model, checked, with the texts it came from.
pub struct Side {
    pub checked: Checked,
    pub sources: SourceMap,
    /// As the command line names it.
    pub label: String,
}

/// What the command line says of both.
pub struct Both<'a> {
    pub on: Option<&'a str>,
    pub size: Option<Size>,
}

/// A file, a name in it, and arguments of the model.
struct Named<'a> {
    file: &'a str,
    /// Of the git repository that the file is in.
    revision: Option<&'a str>,
    model: Option<&'a str>,
    args: &'a str,
}

/// A file that has a colon or an at sign in its name is taken whole.
fn split(text: &str) -> Named<'_> {
    let whole = |file| Named { file, revision: None, model: None, args: "" };
    if Path::new(text).exists() {
        return whole(text);
    }
    // A drive letter is no file.
    let cut = text.match_indices(':').map(|(at, _)| at).find(|&at| at > 1);
    let (file, model) = cut.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
    let (file, revision) = match file.split_once('@') {
        Some((name, revision)) if !Path::new(file).exists() => (name, Some(revision)),
        _ => (file, None),
    };
    let (model, args) = match model.and_then(|m| m.strip_suffix(')')).and_then(|m| m.split_once('(')) {
        Some((model, args)) => (Some(model), args),
        None => (model, ""),
    };
    Named { file, revision, model: model.map(str::trim).filter(|m| !m.is_empty()), args }
}

/// Both sides; the second may be the name of a model alone, which is looked for in the first one's file.
pub fn sides(a: &str, b: &str, both: &Both<'_>) -> Result<[Side; 2], Stop> {
    let first = split(a);
    let second = split(b);
    let alone = second.model.is_none() && !Path::new(b).exists() && !b.contains(['/', '.', '@']);
    let joined = format!("{}:{b}", first.file);
    let second = if alone { split(&joined) } else { second };
    Ok([side(&first, both)?, side(&second, both)?])
}

fn side(named: &Named<'_>, both: &Both<'_>) -> Result<Side, Stop> {
    let earlier = named.revision.map(|revision| Checkout::new(Path::new(named.file), revision)).transpose()?;
    let file = earlier.as_ref().map_or_else(|| PathBuf::from(named.file), |c| c.file.clone());
    let load::Source { mut sources, bundle, mut problems } = load::read(&file)?;
    let choice = Choice {
        model: named.model.map(str::to_string),
        with: Some(named.args.to_string()).filter(|a| !a.trim().is_empty()).into_iter().collect(),
        on: both.on.map(str::to_string).into_iter().collect(),
        size: both.size.into_iter().collect(),
    };
    let args = load::with_arguments(&mut sources, &choice)?;
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    let plans = match load::plan(&program, &choice) {
        Ok(plans) => plans,
        Err(p) => {
            problems.extend(p);
            Vec::new()
        }
    };
    let stop = |sources: &SourceMap, problems: crate::text::diag::Problems| {
        report(sources, &problems.sorted());
        Err(Stop::Problems)
    };
    if problems.has_errors() {
        return stop(&sources, problems);
    }
    // A file's first model stands for it; its variants are asked for by name.
    let Some(plan) = plans.into_iter().next() else {
        return Err(Stop::Message(format!("{}: the file holds no model", named.file)));
    };
    match load::compile(&program, &plan, &args) {
        Ok(entry) => {
            let args = if named.args.is_empty() { String::new() } else { format!("({})", named.args) };
            let at = named.revision.map_or(String::new(), |r| format!("@{r}"));
            let label = format!("{}{args}{at}", plan.name);
            Ok(Side { checked: entry.checked, sources, label })
        }
        Err(p) => stop(&sources, p),
    }
}

impl Side {
    pub fn path(&self, id: NodeId) -> &str {
        &self.checked.graph().node(id).path
    }

    /// Where the call that made a node is written, and where the outermost block around it is called.
    pub fn place(&self, id: NodeId) -> String {
        let graph = self.checked.graph();
        let own = self.sources.place(graph.node(id).span);
        match Chains::new(graph).of(id).first() {
            Some(outer) => format!("{}, by way of {own}", self.sources.place(*outer)),
            None => own,
        }
    }
}
