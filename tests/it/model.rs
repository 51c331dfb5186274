//! Text to a checked model, for tests that start from one.

use npc::check::{Checked, check};
use npc::diag::Problems;
use npc::elaborate::elaborate;
use npc::resolve::resolve;
use npc::source::SourceMap;
use npc::syntax::parse;

/// One model or variant of a file, at an input size. The error holds every problem's message.
pub fn try_checked(text: &str, entry: &str, size: [usize; 2]) -> Result<Checked, String> {
    let told = |p: Problems| p.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("\n");
    let mut sources = SourceMap::new();
    let id = sources.add("test.model", text);
    let (file, mut problems) = parse(&sources, id);
    let (program, found) = resolve(&file);
    problems.extend(found);
    if problems.has_errors() {
        return Err(told(problems));
    }
    let name = program.entries().into_iter().find(|e| e.node == entry).ok_or(format!("no model `{entry}`"))?;
    let graph = elaborate(&program, name, &[], Some(size)).map_err(told)?;
    check(graph).map_err(told)
}

pub fn checked(text: &str, entry: &str, size: [usize; 2]) -> Checked {
    try_checked(text, entry, size).unwrap_or_else(|problems| panic!("{entry} at {size:?}: {problems}"))
}

/// Models and variants of a file that parses.
pub fn entries(text: &str) -> Vec<String> {
    let mut sources = SourceMap::new();
    let id = sources.add("test.model", text);
    let (file, _) = parse(&sources, id);
    resolve(&file).0.entries().into_iter().map(|e| e.node.clone()).collect()
}
