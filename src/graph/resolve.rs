//! Names to declarations: [`resolve`] indexes a file's items and reports every name that means nothing.
//!
//! Knows the names of operators and builtin functions, and no shapes. Invariants of a [`Program`]: item names are
//! unique; a block that is not [`broken`](Program::is_broken) uses only names that exist; no block uses itself; every
//! variant leads to a model.

mod lint;
mod names;

use crate::text::diag::{Code, Diagnostic, Problems, listed};
use crate::text::import::Bundle;
use crate::text::source::{SourceId, Span};
use crate::text::syntax::ast::{self, ItemKind};
pub use lint::{allows, lint, unused_allows};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// How many variants may lie between a variant and its model.
const VARIANTS: usize = 64;

/// Functions on integers and lists that any expression may call.
pub const FUNCTIONS: &[&str] = &["len", "ceil", "floor", "min", "max", "sum"];
/// Stages that are not operators.
pub const STAGES: &[&str] = &["repeat", "identity"];

/// A file, with what it imports, whose names are known.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// The root: its models are the ones to look at when none is named.
    pub file: &'a ast::File,
    /// Items of imported files, then those of the root.
    pub items: Vec<&'a ast::Item>,
    pub enums: BTreeMap<&'a str, &'a ast::Enum>,
    pub blocks: BTreeMap<&'a str, &'a ast::Block>,
    pub models: BTreeMap<&'a str, &'a ast::Block>,
    pub variants: BTreeMap<&'a str, &'a ast::Variant>,
    pub sweeps: BTreeMap<&'a str, &'a ast::Sweep>,
    pub data: BTreeMap<&'a str, &'a ast::Data>,
    pub trains: BTreeMap<&'a str, &'a ast::Train>,
    /// The first data block.
    pub first_data: Option<&'a ast::Data>,
    /// The first run of each model or variant.
    pub first_train: BTreeMap<&'a str, &'a ast::Train>,
    /// The enums that have a case of this name.
    pub cases: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Blocks of the built-in library. They know each other and nothing of the file, whose blocks may have the same names.
    std: BTreeMap<&'a str, &'a ast::Block>,
    std_source: Option<SourceId>,
    broken: BTreeSet<&'a str>,
    /// An import failed, so an unknown name may be the fault of that.
    incomplete: bool,
    /// Evaluation steps of everything that was elaborated so far.
    spent: Cell<usize>,
    /// Where the blocks that were used in it are named.
    used: RefCell<BTreeSet<Span>>,
}

impl<'a> Program<'a> {
    /// Counts evaluation steps against what a file may take in all; the sum so far.
    pub(crate) fn spend(&self, steps: usize) -> usize {
        let spent = self.spent.get().saturating_add(steps);
        self.spent.set(spent);
        spent
    }

    pub(crate) fn note_use(&self, block: &ast::Block) {
        self.used.borrow_mut().insert(block.name.span);
    }

    /// Whether something that was elaborated so far used the block.
    pub(crate) fn is_used(&self, block: &ast::Block) -> bool {
        self.used.borrow().contains(&block.name.span)
    }

    /// The item has an error that was reported, or uses one that has.
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// The root's models and variants in the order of the file.
    pub fn entries(&self) -> Vec<&'a ast::Ident> {
        self.names_in(self.file.items.iter())
    }

    /// Every model and variant, those of imported files first.
    pub fn names(&self) -> Vec<&'a ast::Ident> {
        self.names_in(self.items.iter().copied())
    }

    /// The name of a model or variant, where it is declared.
    pub fn find(&self, name: &str) -> Option<&'a ast::Ident> {
        let model = self.models.get(name).map(|m| &m.name);
        model.or_else(|| self.variants.get(name).map(|v| &v.name))
    }

    fn names_in(&self, items: impl Iterator<Item = &'a ast::Item>) -> Vec<&'a ast::Ident> {
        let entry = |item: &'a ast::Item| match &item.kind {
            ItemKind::Model(m) => Some(&m.name),
            ItemKind::Variant(v) => Some(&v.name),
            ItemKind::Import(_)
            | ItemKind::Enum(_)
            | ItemKind::Block(_)
            | ItemKind::Sweep(_)
            | ItemKind::Data(_)
            | ItemKind::Train(_)
            | ItemKind::Expect(_)
            | ItemKind::Allow(_) => None,
        };
        items.filter_map(entry).collect()
    }

    /// The model behind a model's or variant's name, and the arguments given on the way, the innermost first.
    pub fn entry(&self, name: &str) -> Option<(&'a ast::Block, Vec<&'a ast::Arg>)> {
        let mut args = Vec::new();
        let mut name = name;
        for _ in 0..=VARIANTS {
            if let Some(model) = self.models.get(name) {
                return Some((model, args));
            }
            let variant = self.variants.get(name)?;
            args.splice(0..0, variant.args.iter());
            name = &variant.base.node;
        }
        None
    }

    /// The block that `name` means in the text `from`.
    pub fn block(&self, name: &str, from: SourceId) -> Option<&'a ast::Block> {
        let own = if self.std_source == Some(from) { None } else { self.blocks.get(name) };
        own.or_else(|| self.std.get(name)).copied()
    }

    /// Whether some enum has a case of this name.
    pub fn is_case(&self, name: &str) -> bool {
        self.cases.contains_key(name)
    }

    /// Whether the enum `of` has a case of this name.
    pub fn has_case(&self, of: &str, name: &str) -> bool {
        self.cases.get(name).is_some_and(|owners| owners.contains(of))
    }

    fn is_item(&self, name: &str) -> bool {
        self.enums.contains_key(name)
            || self.blocks.contains_key(name)
            || self.models.contains_key(name)
            || self.variants.contains_key(name)
            || self.sweeps.contains_key(name)
            || self.data.contains_key(name)
            || self.trains.contains_key(name)
            || self.broken.contains(name)
    }
}

/// Indexes a file without imports and reports duplicates, unknown names, circles.
pub fn resolve(file: &ast::File) -> (Program<'_>, Problems) {
    resolve_all(file, &[], None, false)
}

/// The same for a file with everything that it imports.
pub fn resolve_bundle(bundle: &Bundle) -> (Program<'_>, Problems) {
    let imported: Vec<&ast::File> = bundle.imported.iter().map(|i| &i.file).collect();
    resolve_all(&bundle.root, &imported, bundle.std.as_ref(), bundle.incomplete)
}

fn resolve_all<'a>(
    root: &'a ast::File,
    imported: &[&'a ast::File],
    std: Option<&'a ast::File>,
    incomplete: bool,
) -> (Program<'a>, Problems) {
    let mut problems = Problems::new();
    let mut program = index(root, imported, &mut problems);
    program.incomplete = incomplete;
    for item in std.iter().flat_map(|file| &file.items) {
        if let ItemKind::Block(block) = &item.kind {
            program.std_source = Some(item.span.source);
            program.std.insert(&block.name.node, block);
        }
    }
    lint::check_names(&program, &mut problems);
    names::check(&mut program, &mut problems);
    check_recursion(&mut program, &mut problems);
    check_references(&mut program, &mut problems);
    spread_breakage(&mut program);
    (program, problems)
}

fn index<'a>(file: &'a ast::File, imported: &[&'a ast::File], problems: &mut Problems) -> Program<'a> {
    let files = || imported.iter().copied().chain([file]);
    let mut p = Program {
        file,
        items: files().flat_map(|f| &f.items).collect(),
        enums: BTreeMap::new(),
        blocks: BTreeMap::new(),
        models: BTreeMap::new(),
        variants: BTreeMap::new(),
        sweeps: BTreeMap::new(),
        data: BTreeMap::new(),
        trains: BTreeMap::new(),
        first_data: None,
        first_train: BTreeMap::new(),
        cases: BTreeMap::new(),
        std: BTreeMap::new(),
        std_source: None,
        broken: files().flat_map(|f| &f.broken).map(|b| b.node.as_str()).collect(),
        incomplete: false,
        spent: Cell::new(0),
        used: RefCell::default(),
    };
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for item in p.items.clone() {
        let name = match &item.kind {
            ItemKind::Import(_) | ItemKind::Expect(_) | ItemKind::Allow(_) => continue,
            ItemKind::Sweep(s) => &s.name,
            ItemKind::Enum(e) => &e.name,
            ItemKind::Block(b) | ItemKind::Model(b) => &b.name,
            ItemKind::Variant(v) => &v.name,
            ItemKind::Data(d) => &d.name,
            ItemKind::Train(t) => &t.name,
        };
        if let Some(&first) = seen.get(name.node.as_str()) {
            let message = format!("`{name}` is already the name of another item");
            problems.push(
                Diagnostic::new(Code::E0202, name.span, message)
                    .label("named again here")
                    .other(first, "first named here"),
            );
            continue;
        }
        seen.insert(&name.node, name.span);
        match &item.kind {
            ItemKind::Enum(e) => {
                index_cases(&mut p, e, problems);
                p.enums.insert(&e.name.node, e);
            }
            ItemKind::Block(b) => drop(p.blocks.insert(&b.name.node, b)),
            ItemKind::Model(m) => drop(p.models.insert(&m.name.node, m)),
            ItemKind::Variant(v) => drop(p.variants.insert(&v.name.node, v)),
            ItemKind::Sweep(s) => drop(p.sweeps.insert(&s.name.node, s)),
            ItemKind::Data(d) => {
                p.data.insert(&d.name.node, d);
                p.first_data.get_or_insert(d);
            }
            ItemKind::Train(t) => {
                p.trains.insert(&t.name.node, t);
                p.first_train.entry(&t.model.node).or_insert(t);
            }
            ItemKind::Import(_) | ItemKind::Expect(_) | ItemKind::Allow(_) => {}
        }
    }
    p
}

fn index_cases<'a>(p: &mut Program<'a>, e: &'a ast::Enum, problems: &mut Problems) {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    for case in &e.cases {
        if let Some(&before) = first.get(case.node.as_str()) {
            let message = format!("`{}` has the case `{case}` twice", e.name);
            problems.push(
                Diagnostic::new(Code::E0202, case.span, message)
                    .label("named again here")
                    .other(before, "first named here"),
            );
        }
        first.insert(&case.node, case.span);
        p.cases.entry(&case.node).or_default().insert(&e.name.node);
    }
}

/// The blocks that a block's body uses, with the place of each use.
fn uses(block: &ast::Block) -> Vec<(&str, Span)> {
    let mut uses = Vec::new();
    names::each_use(&block.body.stmts, &mut |name, span| uses.push((name, span)));
    uses
}

fn check_recursion<'a>(program: &mut Program<'a>, problems: &mut Problems) {
    // 0 not seen, 1 on the way down, 2 done. An explicit stack: a hostile file may chain thousands of blocks.
    let mut state: BTreeMap<&str, u8> = BTreeMap::new();
    let mut broken = Vec::new();
    for &root in program.blocks.keys() {
        if state.contains_key(root) {
            continue;
        }
        state.insert(root, 1);
        let mut stack = vec![(root, uses(program.blocks[root]), 0)];
        while let Some((name, calls, next)) = stack.last_mut() {
            let Some(&(callee, span)) = calls.get(*next) else {
                state.insert(name, 2);
                stack.pop();
                continue;
            };
            *next += 1;
            let Some(block) = program.blocks.get(callee).copied() else { continue };
            match state.get(callee) {
                Some(1) => {
                    let from = stack.iter().position(|(n, ..)| *n == callee).unwrap_or(0);
                    let chain: Vec<_> = stack[from..].iter().map(|(n, ..)| format!("`{n}`")).collect();
                    let message = match chain.len() {
                        1 => format!("block `{callee}` uses itself"),
                        _ => format!("blocks use each other in a circle: {} -> `{callee}`", chain.join(" -> ")),
                    };
                    let d = Diagnostic::new(Code::E0203, span, message)
                        .label(format!("`{callee}` again"))
                        .other(block.name.span, "the circle starts here")
                        .help("unroll it: `repeat(n, stage)` or a `for` over indexed nodes");
                    problems.push(d);
                    broken.push(callee);
                }
                Some(_) => {}
                None => {
                    state.insert(callee, 1);
                    stack.push((callee, uses(block), 0));
                }
            }
        }
    }
    program.broken.extend(broken);
}

/// Variants, sweeps, expectations and runs name models; runs and expectations name data.
fn check_references(program: &mut Program<'_>, problems: &mut Problems) {
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
                    fail(unknown(base, "model or variant", known(), program));
                }
            } else if let Some(name) = name
                && program
                    .entry(if program.variants.contains_key(name.node.as_str()) { &name.node } else { &base.node })
                    .is_none()
                && !program.is_broken(&base.node)
            {
                let message = format!("`{base}` leads to no model");
                let d = Diagnostic::new(Code::E0208, base.span, message)
                    .label(format!("comes back to itself, or goes through more than {VARIANTS} variants"))
                    .help("base one of these variants on a model");
                fail(d);
            }
        }
        let known = |d: &&ast::Ident| program.data.contains_key(d.node.as_str()) || program.is_broken(&d.node);
        if let Some(data) = data.filter(|d| !known(d) && !program.incomplete) {
            fail(unknown(data, "data block", program.data.keys().copied(), program));
        }
    }
    program.broken.extend(broken);
}

/// "unknown model or variant `X`", with the nearest name and what there is.
fn unknown<'n>(
    name: &ast::Ident,
    what: &str,
    known: impl Iterator<Item = &'n str> + Clone,
    program: &Program<'_>,
) -> Diagnostic {
    let mut d = Diagnostic::new(Code::E0201, name.span, format!("unknown {what} `{name}`"));
    if program.is_item(&name.node) {
        d = d.label(format!("this names something else, not a {what}"));
    }
    let there = match listed(known.clone()) {
        list if list.is_empty() => format!("this file has no {what}"),
        list => format!("there is {list}"),
    };
    d.nearest(name.span, &name.node, known, || Some(there))
}

/// What uses a broken block is broken as well: it is passed over without a second message.
fn spread_breakage(program: &mut Program<'_>) {
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
