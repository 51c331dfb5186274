//! References between items: models and data that are named, blocks that use each other in a cycle, and items that are broken
//! because they use a broken one.

use super::program::{MAX_VARIANT_DEPTH, ResolvedProgram};
use super::uses::uses;
use crate::base::problem::problem;
use crate::text::diag::{Diagnostic, Problems, quoted_list};
use crate::text::source::Span;
use crate::text::syntax::ast::{self, ItemKind};
use std::collections::BTreeMap;

/// Reports blocks that use themselves, directly or through others, and marks them as broken.
pub(super) fn check_recursion<'a>(program: &mut ResolvedProgram<'a>, problems: &mut Problems) {
    let mut search = CycleSearch { program, states: BTreeMap::new(), stack: Vec::new(), broken: Vec::new() };
    for &root in program.blocks.keys() {
        search.visit_from(root, problems);
    }
    let broken = search.broken;
    program.broken.extend(broken);
}

/// Whether a depth-first search has come to a block.
#[derive(Clone, Copy, PartialEq)]
enum VisitState {
    OnStack,
    Done,
}

/// A block on the stack of the search.
struct VisitedBlock<'a> {
    name: &'a str,
    uses: Vec<(&'a str, Span)>,
    /// Index of the use to follow next.
    next: usize,
}

/// A depth-first search for cycles of block uses. It keeps its own stack, since a hostile file may chain thousands of
/// blocks.
struct CycleSearch<'p, 'a> {
    program: &'p ResolvedProgram<'a>,
    states: BTreeMap<&'a str, VisitState>,
    /// Blocks from the root of the search to the current one.
    stack: Vec<VisitedBlock<'a>>,
    broken: Vec<&'a str>,
}

impl<'a> CycleSearch<'_, 'a> {
    fn visit_from(&mut self, root: &'a str, problems: &mut Problems) {
        if self.states.contains_key(root) {
            return;
        }
        self.push(root, self.program.blocks[root]);
        while let Some(VisitedBlock { name, uses, next }) = self.stack.last_mut() {
            let Some(&(callee, span)) = uses.get(*next) else {
                self.states.insert(name, VisitState::Done);
                self.stack.pop();
                continue;
            };
            *next += 1;
            let Some(block) = self.program.blocks.get(callee).copied() else { continue };
            match self.states.get(callee) {
                Some(VisitState::OnStack) => {
                    problems.push(self.cycle(callee, block, span));
                    self.broken.push(callee);
                }
                Some(VisitState::Done) => {}
                None => self.push(callee, block),
            }
        }
    }

    fn push(&mut self, name: &'a str, block: &'a ast::Block) {
        self.states.insert(name, VisitState::OnStack);
        self.stack.push(VisitedBlock { name, uses: uses(block), next: 0 });
    }

    /// An error for a use at `span` that closes a cycle through `callee`.
    fn cycle(&self, callee: &str, block: &ast::Block, span: Span) -> Diagnostic {
        let from = self.stack.iter().position(|visited| visited.name == callee).unwrap_or(0);
        let chain: Vec<_> = self.stack[from..].iter().map(|visited| format!("`{}`", visited.name)).collect();
        let message = match chain.len() {
            1 => format!("block `{callee}` uses itself"),
            _ => format!("blocks use each other in a cycle: {} -> `{callee}`", chain.join(" -> ")),
        };
        problem!(E0203, span, "{message}";
            label: "`{callee}` again";
            other[block.name.span]: "the cycle starts here";
            help: "unroll it: `repeat(n, stage)` or a `for` over indexed nodes")
    }
}

/// Checks the models that variants, sweeps, expectations and runs name, and the data that runs and expectations name.
pub(super) fn check_references(program: &mut ResolvedProgram<'_>, problems: &mut Problems) {
    let mut broken = Vec::new();
    for item in program.items.clone() {
        let (name, bases, data) = match &item.kind {
            ItemKind::Variant(v) => (Some(&v.name), vec![&v.base], None),
            ItemKind::Sweep(s) => (Some(&s.name), s.models.grids.iter().map(|g| &g.base).collect(), None),
            ItemKind::Train(t) => (Some(&t.name), vec![&t.model], Some(&t.data)),
            ItemKind::Expect(e) => (None, vec![&e.model], e.on.as_ref()),
            ItemKind::Import(_)
            | ItemKind::Enum(_)
            | ItemKind::Block(_)
            | ItemKind::Model(_)
            | ItemKind::Data(_)
            | ItemKind::Allow(_) => continue,
        };
        let mut fail = |d: Diagnostic| {
            problems.push(d);
            broken.extend(name.map(|n| n.node.as_str()));
        };
        let known = || program.models.keys().chain(program.variants.keys()).copied();
        for base in bases {
            let base_name = base.node.as_str();
            if !program.models.contains_key(base_name)
                && !program.variants.contains_key(base_name)
                && !program.is_broken(&base.node)
            {
                if !program.incomplete {
                    fail(unknown_reference(base, "model or variant", known(), program));
                }
            } else if let Some(name) = name
                && program
                    .entry(if program.variants.contains_key(name.node.as_str()) { &name.node } else { &base.node })
                    .is_none()
                && !program.is_broken(&base.node)
            {
                let d = problem!(E0208, base.span, "`{base}` is not based on a model";
                    label: "the variants form a cycle, or there are more than {MAX_VARIANT_DEPTH} of them";
                    help: "base one of these variants on a model");
                fail(d);
            }
        }
        let known = |d: &&ast::Ident| program.data.contains_key(d.node.as_str()) || program.is_broken(&d.node);
        if let Some(data) = data.filter(|d| !known(d) && !program.incomplete) {
            fail(unknown_reference(data, "data block", program.data.keys().copied(), program));
        }
    }
    program.broken.extend(broken);
}

/// An error such as "unknown model or variant `X`", with the nearest known name or a list of them.
fn unknown_reference<'n>(
    name: &ast::Ident,
    what: &str,
    known: impl Iterator<Item = &'n str> + Clone,
    program: &ResolvedProgram<'_>,
) -> Diagnostic {
    let mut d = problem!(E0201, name.span, "unknown {what} `{name}`");
    if program.is_item(&name.node) {
        d = d.label(format!("this names something else, not a {what}"));
    }
    let there = match quoted_list(known.clone()) {
        list if list.is_empty() => format!("this file has no {what}"),
        list => format!("there is {list}"),
    };
    d.nearest(name.span, &name.node, known, || Some(there))
}

/// Marks everything that uses a broken block as broken, so that it is skipped without a second message.
pub(super) fn propagate_broken(program: &mut ResolvedProgram<'_>) {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (&name, block) in program.blocks.iter().chain(&program.models) {
        for (callee, _) in uses(block) {
            users.entry(callee).or_default().push(name);
        }
    }
    for (&name, variant) in &program.variants {
        users.entry(&variant.base.node).or_default().push(name);
    }
    let mut todo: Vec<&str> = program.broken.iter().copied().collect();
    while let Some(name) = todo.pop() {
        for &user in users.get(name).into_iter().flatten() {
            if program.broken.insert(user) {
                todo.push(user);
            }
        }
    }
}
