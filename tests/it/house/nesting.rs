//! How deep the functions of a source file nest.

use super::tree::{SOURCES, assert_none};
use syn::visit::{self, Visit};

/// The most levels of a function.
const MOST_LEVELS: usize = 5;

#[test]
fn functions_nest_at_most_five_levels() {
    let mut deep = Vec::new();
    for (name, text) in &SOURCES.files {
        let functions = nestings(text).into_iter().filter(|nesting| nesting.levels > MOST_LEVELS);
        deep.extend(functions.map(|nesting| format!("src/{name} {}: {} levels", nesting.function, nesting.levels)));
    }
    assert_none(deep, "functions that nest too deep");
}

/// A function and its deepest level: the body of the function is level 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nesting {
    pub function: String,
    pub levels: usize,
}

/// The nesting of every function of a text.
///
/// These open a level: `if` and each `else`, loops, `match`, a match arm whose body is a block, a closure whose body is a
/// block, and the block of `let ... else`. `else if` stays on the level of its `if`. Struct literals, plain blocks and
/// `unsafe` blocks open none, and neither does what is inside a macro. A function inside a function counts for itself.
pub fn nestings(text: &str) -> Vec<Nesting> {
    let file = syn::parse_file(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let mut reader = Reader { level: 0, open: Vec::new(), found: Vec::new() };
    reader.visit_file(&file);
    reader.found
}

struct Reader {
    /// Level of the visited place; 0 outside of functions.
    level: usize,
    /// Deepest levels of the functions around this place.
    open: Vec<usize>,
    found: Vec<Nesting>,
}

impl Reader {
    /// Visits a place one level deeper.
    fn visit_deeper(&mut self, visit: impl FnOnce(&mut Self)) {
        self.level += 1;
        if let Some(deepest) = self.open.last_mut() {
            *deepest = self.level.max(*deepest);
        }
        visit(self);
        self.level -= 1;
    }

    fn function(&mut self, name: &syn::Ident, body: &syn::Block) {
        let outer = std::mem::take(&mut self.level);
        self.open.push(0);
        self.visit_deeper(|reader| reader.visit_block(body));
        let levels = self.open.pop().unwrap_or_default();
        self.level = outer;
        self.found.push(Nesting { function: name.to_string(), levels });
    }

    /// Visits the branch of an `if` and the code after its `else`.
    fn branches(&mut self, found: &syn::ExprIf) {
        self.visit_expr(&found.cond);
        self.visit_deeper(|reader| reader.visit_block(&found.then_branch));
        match found.else_branch.as_ref().map(|(_, other)| &**other) {
            Some(syn::Expr::If(other)) => self.branches(other),
            Some(syn::Expr::Block(other)) => self.visit_deeper(|reader| reader.visit_block(&other.block)),
            Some(_) | None => {}
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig.ident, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig.ident, body);
        }
    }

    fn visit_expr_if(&mut self, found: &'ast syn::ExprIf) {
        self.branches(found);
    }

    fn visit_expr_for_loop(&mut self, found: &'ast syn::ExprForLoop) {
        self.visit_expr(&found.expr);
        self.visit_deeper(|reader| reader.visit_block(&found.body));
    }

    fn visit_expr_while(&mut self, found: &'ast syn::ExprWhile) {
        self.visit_expr(&found.cond);
        self.visit_deeper(|reader| reader.visit_block(&found.body));
    }

    fn visit_expr_loop(&mut self, found: &'ast syn::ExprLoop) {
        self.visit_deeper(|reader| reader.visit_block(&found.body));
    }

    fn visit_expr_match(&mut self, found: &'ast syn::ExprMatch) {
        self.visit_expr(&found.expr);
        self.visit_deeper(|reader| visit_all(reader, &found.arms));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        match &*arm.body {
            syn::Expr::Block(_) => self.visit_deeper(|reader| visit::visit_arm(reader, arm)),
            _ => visit::visit_arm(self, arm),
        }
    }

    fn visit_expr_closure(&mut self, found: &'ast syn::ExprClosure) {
        match &*found.body {
            syn::Expr::Block(_) => self.visit_deeper(|reader| visit::visit_expr_closure(reader, found)),
            _ => visit::visit_expr_closure(self, found),
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(init) = &local.init else { return };
        self.visit_expr(&init.expr);
        if let Some((_, diverge)) = &init.diverge {
            self.visit_deeper(|reader| reader.visit_expr(diverge));
        }
    }
}

fn visit_all(reader: &mut Reader, arms: &[syn::Arm]) {
    arms.iter().for_each(|arm| reader.visit_arm(arm));
}
