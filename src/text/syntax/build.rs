//! Tree construction: runs the parser generated from `grammar/npc.pest` and converts its pairs to [`ast`](super::ast) nodes.
//!
//! Only this module and its children use pest. The nesting of the text must have been checked by
//! [`scan::too_deep`](super::scan::too_deep). The grammar determines the shapes of the pairs; every `expect` here relies on
//! that.

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

/// A part of an item that can be parsed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemPart {
    Stmt,
    Entry,
    Claim,
}

/// Parses all of `range` as one item.
pub(super) fn item(source: SourceId, text: &str, range: Range<usize>) -> Result<(FileItem, Problems), ParseFailure> {
    let pair = run(Rule::lone_item, text, range.clone())?;
    let mut tree = TreeBuilder::new(source, range.start);
    let item = tree.item(pair);
    Ok((item, tree.problems))
}

/// Parses all of `range` as attributes.
pub(super) fn attributes(source: SourceId, text: &str, range: Range<usize>) -> Result<Vec<Attribute>, ParseFailure> {
    let pair = run(Rule::lone_attributes, text, range.clone())?;
    let tree = TreeBuilder::new(source, range.start);
    Ok(PairParts::of(pair).map(|p| tree.attribute(p)).collect())
}

/// Parses all of `range` as one expression.
pub(super) fn expr(source: SourceId, text: &str, range: Range<usize>) -> Result<(Expr, Problems), ParseFailure> {
    let pair = run(Rule::lone_expr, text, range.clone())?;
    let mut tree = TreeBuilder::new(source, range.start);
    let expr = tree.expr(pair);
    Ok((expr, tree.problems))
}

/// Parses all of `range` as the models after the `=` of a sweep.
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

/// Parses all of `range` as the bounds after `keep where`.
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

/// Parses one part at the start of `range` and returns its end.
pub(super) fn end_of_part(part: ItemPart, text: &str, range: Range<usize>) -> Result<usize, ParseFailure> {
    let rule = match part {
        ItemPart::Stmt => Rule::lone_stmt,
        ItemPart::Entry => Rule::lone_entry,
        ItemPart::Claim => Rule::lone_claim,
    };
    let start = range.start;
    Ok(start + run(rule, text, range)?.as_span().end())
}
