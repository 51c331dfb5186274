//! Warnings that follow from names alone: unused parameters, nodes and imports. Also the names that silence warnings.
//!
//! A name that begins with `_` is unused on purpose and gets no warning.

use super::program::ResolvedProgram;
use super::uses::uses;
use crate::base::problem::problem;
use crate::text::diag::{AllowDirective, Applicability, Code, Problems, lints};
use crate::text::source::Span;
use crate::text::syntax::ast::*;
use std::collections::BTreeSet;

/// The largest number of unknown lint names that get a "did you mean" suggestion; a hostile file may hold a hundred thousand.
const MAX_SUGGESTIONS: usize = 100;

/// Returns the lint names of `@allow` and `allow` in the file and its imports, with the text that each covers.
pub fn allows(program: &ResolvedProgram<'_>) -> Vec<AllowDirective> {
    let mut all = Vec::new();
    for item in &program.items {
        if let ItemKind::Allow(lints) = &item.kind {
            all.extend(lints.iter().map(|l| AllowDirective::file_wide(l.node.clone(), l.span)));
        }
        let lints = item.attributes.iter().flat_map(|a| &a.lints);
        all.extend(lints.map(|l| AllowDirective { lint: l.node.clone(), at: l.span, over: item.span }));
    }
    all
}

/// Reports lint names that do not exist.
pub(super) fn check_lint_names(program: &ResolvedProgram<'_>, problems: &mut Problems) {
    for (i, allow) in allows(program).into_iter().enumerate() {
        if !lints().any(|l| l == allow.lint) {
            let d = problem!(E0201, allow.at, "unknown lint `{}`", allow.lint);
            let there = || Some(format!("there is {}", lints().collect::<Vec<_>>().join(", ")));
            problems.push(if i < MAX_SUGGESTIONS { d.nearest(allow.at, &allow.lint, lints(), there) } else { d });
        }
    }
}

/// Warns about the allows of the root file that silenced nothing; `used` are indices into [`allows`]. An allow above a
/// block that no model of the file uses, or in a file without models, may be meant for files that import it.
pub fn unused_allows(program: &ResolvedProgram<'_>, used: &BTreeSet<usize>) -> Problems {
    let mut problems = Problems::new();
    let Some(root) = program.file.items.first().map(|i| i.span.source).filter(|_| !program.entries().is_empty()) else {
        return problems;
    };
    let reached = reachable_blocks(program);
    let unused = |item: &&FileItem| match &item.kind {
        ItemKind::Block(block) => !reached.contains(block.name.node.as_str()),
        _ => false,
    };
    let unused: BTreeSet<Span> = program.file.items.iter().filter(unused).map(|i| i.span).collect();
    for (i, allow) in allows(program).iter().enumerate() {
        let reportable = allow.at.source == root && !unused.contains(&allow.over) && !used.contains(&i);
        // An allow of this very lint would be contradicted by the warning that it silences nothing.
        if reportable && Some(allow.lint.as_str()) != Code::W0417.lint() {
            problems.push(problem!(W0417, allow.at, "`{}` silences nothing here", allow.lint;
                label: "this warning does not occur here";
                help: "remove the name"));
        }
    }
    problems
}

/// Returns the blocks that the models of the root use, directly or through others.
fn reachable_blocks<'a>(program: &ResolvedProgram<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut todo: Vec<&Block> = program.models.values().copied().collect();
    while let Some(block) = todo.pop() {
        for (name, span) in uses(block) {
            if let Some(callee) = program.block(name, span.source).filter(|_| reached.insert(name)) {
                todo.push(callee);
            }
        }
    }
    reached
}

/// Returns warnings about unused names of the root file. The file must have no errors: a body with an error may be meant to
/// use more names.
pub fn lint(program: &ResolvedProgram<'_>) -> Problems {
    let mut problems = Problems::new();
    for item in &program.file.items {
        match &item.kind {
            ItemKind::Block(block) | ItemKind::Model(block) => warn_unused_names(block, &mut problems),
            ItemKind::Import(_)
            | ItemKind::Enum(_)
            | ItemKind::Variant(_)
            | ItemKind::Sweep(_)
            | ItemKind::Data(_)
            | ItemKind::Train(_)
            | ItemKind::Expect(_)
            | ItemKind::Allow(_) => {}
        }
    }
    warn_unused_imports(program, &mut problems);
    problems
}

fn warn_unused_names(block: &Block, problems: &mut Problems) {
    let mut used_names = UsedNames::default();
    for param in &block.params {
        used_names.add_param_type(&param.ty);
        used_names.add_exprs(param.default.as_slice());
    }
    if let Some(result) = &block.result {
        match &result.kind {
            ResultTypeKind::One(ty) => used_names.add_param_type(ty),
            ResultTypeKind::Tuple(types) => types.iter().for_each(|ty| used_names.add_param_type(ty)),
            ResultTypeKind::Record(fields) => fields.iter().for_each(|(_, ty)| used_names.add_param_type(ty)),
        }
    }
    used_names.add_stmts(&block.body.stmts);
    let unused = |name: &Ident| !name.node.starts_with('_') && !used_names.names.contains(name.node.as_str());
    for param in block.params.iter().filter(|p| unused(&p.name)) {
        problems.push(problem!(W0413, param.name.span, "`{}` does not use its parameter `{}`", block.name, param.name;
            help: "use it, remove it, or begin its name with `_`"));
    }
    let mut reported = BTreeSet::new();
    for name in bound_names(&block.body.stmts) {
        if unused(&name.name) && reported.insert(&name.name.node) {
            let d = problem!(W0414, name.name.span, "`{}` is never used", name.name);
            let edit = format!("_{}", name.name);
            problems.push(d.suggest(
                "if this is intentional, begin its name with `_`",
                name.name.span,
                edit,
                Applicability::MaybeIncorrect,
            ));
        }
    }
}

/// Returns the names that statements bind, in order.
fn bound_names(stmts: &[Stmt]) -> Vec<&NodeName> {
    let mut names = Vec::new();
    for stmt in stmts {
        match &stmt.kind {
            StmtKind::Let { target: LetTarget::One(name), .. } => names.push(name),
            StmtKind::Let { target: LetTarget::Tuple(targets), .. } => names.extend(targets),
            StmtKind::For { body, .. } => names.extend(bound_names(body)),
            StmtKind::Require { .. } | StmtKind::Return(_) => {}
        }
    }
    names
}

/// Warns about imports without a used name. The names that an imported file imports itself count as well.
fn warn_unused_imports(program: &ResolvedProgram<'_>, problems: &mut Problems) {
    // A file without models may import names for the files that import it.
    if program.incomplete || program.entries().is_empty() {
        return;
    }
    let mut used_names = UsedNames::default();
    program.file.items.iter().for_each(|i| used_names.add_item(i));
    let used = |name: &str| used_names.names.contains(name);
    // An imported file that needs the library imports it itself. A block of the file shadows one of the library.
    let std_unused = !program.std.keys().any(|name| used(name) && !program.blocks.contains_key(name));
    let root = program.file.items.first().map(|i| i.span.source);
    let built_in = |item: &FileItem| program.network_blocks.contains_key(&item.span.source);
    let mut others = program.items.iter().filter(|i| Some(i.span.source) != root && !built_in(i));
    let paths = program.file.items.iter().filter(|i| matches!(i.kind, ItemKind::Import(Import::Path(_)))).count();
    // With several files it is not known which of them declares a name. Data, runs and models can be named on the command
    // line.
    let path_unused = paths == 1
        && others.all(|i| match &i.kind {
            ItemKind::Block(_) | ItemKind::Enum(_) => !network_part_name(i).is_some_and(used),
            ItemKind::Import(_) | ItemKind::Allow(_) => true,
            ItemKind::Model(_)
            | ItemKind::Variant(_)
            | ItemKind::Sweep(_)
            | ItemKind::Data(_)
            | ItemKind::Train(_)
            | ItemKind::Expect(_) => false,
        });
    for item in &program.file.items {
        let ItemKind::Import(import) = &item.kind else { continue };
        let (what, unused) = match import {
            Import::Std(_) => ("std".to_string(), std_unused),
            Import::Path(path) => (format!("\"{}\"", path.node), path_unused),
            // Its models can be named on the command line.
            Import::StdModel(_) => continue,
        };
        if unused {
            let d = problem!(W0415, item.span, "unused import: no name from {what} is used");
            problems.push(d.suggest("remove the import", item.span, "", Applicability::MachineApplicable));
        }
    }
}

/// Returns the name of an enum or a block.
fn network_part_name(item: &FileItem) -> Option<&str> {
    match &item.kind {
        ItemKind::Enum(e) => Some(&e.name.node),
        ItemKind::Block(b) => Some(&b.name.node),
        _ => None,
    }
}

/// The names that expressions and types refer to.
#[derive(Default)]
struct UsedNames<'a> {
    names: BTreeSet<&'a str>,
}

impl<'a> UsedNames<'a> {
    fn add_item(&mut self, item: &'a FileItem) {
        match &item.kind {
            ItemKind::Block(block) | ItemKind::Model(block) => {
                for param in &block.params {
                    self.add_param_type(&param.ty);
                    self.add_exprs(param.default.as_slice());
                }
                self.add_stmts(&block.body.stmts);
            }
            ItemKind::Variant(v) => {
                self.names.insert(&v.base.node);
                v.args.iter().for_each(|a| self.add_expr(&a.value));
            }
            ItemKind::Sweep(s) => {
                for grid in &s.models.grids {
                    self.names.insert(&grid.base.node);
                    grid.args.iter().for_each(|(_, values)| self.add_exprs(values));
                }
            }
            ItemKind::Train(t) => {
                self.names.extend([t.model.node.as_str(), t.data.node.as_str()]);
                t.args.iter().for_each(|a| self.add_expr(&a.value));
            }
            ItemKind::Expect(e) => {
                self.names.insert(&e.model.node);
                self.names.extend(e.on.iter().map(|on| on.node.as_str()));
                e.args.iter().for_each(|a| self.add_expr(&a.value));
            }
            ItemKind::Import(_) | ItemKind::Enum(_) | ItemKind::Data(_) | ItemKind::Allow(_) => {}
        }
    }

    fn add_param_type(&mut self, ty: &'a ParamType) {
        match &ty.kind {
            ParamTypeKind::Tensor(dims) | ParamTypeKind::Index(dims) => self.add_exprs(dims),
            ParamTypeKind::Scalar(name) | ParamTypeKind::List(name) => drop(self.names.insert(&name.node)),
        }
    }

    fn add_stmts(&mut self, stmts: &'a [Stmt]) {
        for stmt in stmts {
            match &stmt.kind {
                StmtKind::Let { target, value } => {
                    match target {
                        LetTarget::One(name) => self.add_exprs(&name.indices),
                        LetTarget::Tuple(names) => names.iter().for_each(|n| self.add_exprs(&n.indices)),
                    }
                    self.add_expr(value);
                }
                StmtKind::For { iter, body, .. } => {
                    self.add_expr(iter);
                    self.add_stmts(body);
                }
                StmtKind::Require { cond, message } => {
                    self.add_expr(cond);
                    // A message refers to values by `{name}`.
                    let text = message.as_ref().map_or("", |m| m.node.as_str());
                    self.names.extend(text.split(['{', '}']).skip(1).step_by(2).map(str::trim));
                }
                StmtKind::Return(value) => self.add_expr(value),
            }
        }
    }

    fn add_exprs(&mut self, exprs: &'a [Expr]) {
        exprs.iter().for_each(|e| self.add_expr(e));
    }

    fn add_expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) => {}
            ExprKind::Name(name) => drop(self.names.insert(name)),
            ExprKind::Call(call) => {
                self.names.insert(&call.name.node);
                call.args.iter().for_each(|a| self.add_expr(&a.value));
            }
            ExprKind::Pipe { lhs, rhs } | ExprKind::Binary { lhs, rhs, .. } | ExprKind::Range { lo: lhs, hi: rhs } => {
                self.add_expr(lhs);
                self.add_expr(rhs);
            }
            ExprKind::Member { base, .. } => self.add_expr(base),
            ExprKind::Index { base, indices } => {
                self.add_expr(base);
                self.add_exprs(indices);
            }
            ExprKind::List(items) | ExprKind::Tuple(items) => self.add_exprs(items),
            ExprKind::Comprehension { item, iter, .. } => {
                self.add_expr(item);
                self.add_expr(iter);
            }
            ExprKind::Record(fields) => fields.iter().for_each(|(_, v)| self.add_expr(v)),
            ExprKind::Unary { value, .. } => self.add_expr(value),
            ExprKind::Match { value, arms } => {
                self.add_expr(value);
                arms.iter().for_each(|arm| self.add_arm(arm));
            }
            ExprKind::If { cond, then, otherwise } => {
                self.add_expr(cond);
                self.add_expr(then);
                self.add_expr(otherwise);
            }
            ExprKind::Hole { within } => within.iter().for_each(|within| self.add_expr(within)),
        }
    }

    fn add_arm(&mut self, arm: &'a Arm) {
        match &arm.pattern {
            Pattern::Cases(cases) => self.add_exprs(cases),
            Pattern::Any(_) => {}
        }
        self.add_expr(&arm.value);
    }
}
