//! One of two things that are compared: a model of a file, `FILE`, `FILE:NAME` or `FILE:NAME(key = value)`.

use super::load::{self, Choice, Size};
use super::{Stop, report};
use crate::check::Checked;
use crate::ir::{Chains, NodeId};
use crate::resolve::resolve_bundle;
use crate::source::SourceMap;
use std::path::Path;

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
    model: Option<&'a str>,
    args: &'a str,
}

/// A file that has a colon in its name is taken whole.
fn split(text: &str) -> Named<'_> {
    if Path::new(text).exists() {
        return Named { file: text, model: None, args: "" };
    }
    // A drive letter is no file.
    let cut = text.match_indices(':').map(|(at, _)| at).find(|&at| at > 1);
    let Some(at) = cut else { return Named { file: text, model: None, args: "" } };
    let (file, model) = (&text[..at], &text[at + 1..]);
    match model.strip_suffix(')').and_then(|m| m.split_once('(')) {
        Some((model, args)) => Named { file, model: Some(model.trim()), args },
        None => Named { file, model: Some(model.trim()), args: "" },
    }
}

/// Both sides; the second may be the name of a model alone, which is looked for in the first one's file.
pub fn sides(a: &str, b: &str, both: &Both<'_>) -> Result<[Side; 2], Stop> {
    let first = split(a);
    let second = split(b);
    let alone = second.model.is_none() && !Path::new(b).exists() && !b.contains(['/', '.']);
    let joined = format!("{}:{b}", first.file);
    let second = if alone { split(&joined) } else { second };
    Ok([side(&first, both)?, side(&second, both)?])
}

fn side(named: &Named<'_>, both: &Both<'_>) -> Result<Side, Stop> {
    let load::Source { mut sources, bundle, mut problems } = load::read(Path::new(named.file))?;
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
    let stop = |sources: &SourceMap, problems: crate::diag::Problems| {
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
            let label = format!("{}{args}", plan.name);
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
