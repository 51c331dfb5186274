//! Grammar to tree: runs the parser made from `grammar/npc.pest` and turns its pairs into [`ast`](super::ast) nodes.
//!
//! With its children the only module that names pest. Must be given text whose nesting was found harmless by
//! [`scan::too_deep`](super::scan::too_deep). Shapes of pairs follow from the grammar, which is what every `expect` here
//! relies on.

mod expr;
mod grammar;
mod item;
mod parts;
mod statement;
mod sweep;
mod tree;

pub(super) use grammar::ParseFailure;

use super::ast::{Attribute, Claim, Expr, FileItem, SweepModels};
use crate::text::diag::Problems;
use crate::text::source::SourceId;
use grammar::{Rule, run};
use parts::PairParts;
use std::ops::Range;
use tree::TreeBuilder;

/// What to read from a stretch of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemPart {
    Stmt,
    Entry,
    Claim,
}

/// Reads all of `range` as one item.
pub(super) fn item(source: SourceId, text: &str, range: Range<usize>) -> Result<(FileItem, Problems), ParseFailure> {
    let pair = run(Rule::lone_item, text, range.clone())?;
    let mut tree = TreeBuilder::new(source, range.start);
    let item = tree.item(pair);
    Ok((item, tree.problems))
}

/// Reads all of `range` as attributes.
pub(super) fn attributes(source: SourceId, text: &str, range: Range<usize>) -> Result<Vec<Attribute>, ParseFailure> {
    let pair = run(Rule::lone_attributes, text, range.clone())?;
    let tree = TreeBuilder::new(source, range.start);
    Ok(PairParts::of(pair).map(|p| tree.attribute(p)).collect())
}

/// Reads all of `range` as one expression.
pub(super) fn expr(source: SourceId, text: &str, range: Range<usize>) -> Result<(Expr, Problems), ParseFailure> {
    let pair = run(Rule::lone_expr, text, range.clone())?;
    let mut tree = TreeBuilder::new(source, range.start);
    let expr = tree.expr(pair);
    Ok((expr, tree.problems))
}

/// Reads all of `range` as what stands behind the `=` of a sweep.
pub(super) fn models(
    source: SourceId,
    text: &str,
    range: Range<usize>,
) -> Result<(SweepModels, Problems), ParseFailure> {
    let pair = run(Rule::lone_models, text, range.clone())?;
    let mut tree = TreeBuilder::new(source, range.start);
    let models = tree.models(pair);
    Ok((models, tree.problems))
}

/// Reads all of `range` as what stands behind `keep where`.
pub(super) fn bounds(
    source: SourceId,
    text: &str,
    range: Range<usize>,
) -> Result<(Vec<Claim>, Problems), ParseFailure> {
    let pair = run(Rule::lone_bounds, text, range.clone())?;
    let mut tree = TreeBuilder::new(source, range.start);
    let bounds = tree.bounds(pair);
    Ok((bounds, tree.problems))
}

/// Reads one part at the start of `range` and says where it ends.
pub(super) fn end_of_part(part: ItemPart, text: &str, range: Range<usize>) -> Result<usize, ParseFailure> {
    let rule = match part {
        ItemPart::Stmt => Rule::lone_stmt,
        ItemPart::Entry => Rule::lone_entry,
        ItemPart::Claim => Rule::lone_claim,
    };
    let start = range.start;
    Ok(start + run(rule, text, range)?.as_span().end())
}
