//! A file with its imports after name resolution.

use crate::text::source::{SourceId, Span};
use crate::text::syntax::ast::{self, ItemKind};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The largest number of variants between a variant and its model.
pub(super) const MAX_VARIANT_DEPTH: usize = 64;

/// Functions on integers and lists that any expression may call.
pub const BUILTIN_FUNCTIONS: &[&str] = &["len", "ceil", "floor", "min", "max", "sum"];

/// Builtin stages that are not operators.
pub const BUILTIN_STAGES: &[&str] = &["repeat", "identity"];

/// A file and everything that it imports, with every declaration by name.
#[derive(Debug, Clone)]
pub struct ResolvedProgram<'a> {
    /// The root file. Commands use its models where none is named.
    pub file: &'a ast::File,
    /// Items of the imported files, followed by the items of the root.
    pub items: Vec<&'a ast::FileItem>,
    /// Enums by name. This map and the following ones hold the items of imported files and of the root.
    pub enums: BTreeMap<&'a str, &'a ast::Enum>,
    /// Blocks by name, without the blocks of the built-in library.
    pub blocks: BTreeMap<&'a str, &'a ast::Block>,
    /// Models by name.
    pub models: BTreeMap<&'a str, &'a ast::Block>,
    /// Variants of models by name.
    pub variants: BTreeMap<&'a str, &'a ast::Variant>,
    /// Sweeps by name.
    pub sweeps: BTreeMap<&'a str, &'a ast::Sweep>,
    /// Data blocks by name.
    pub data: BTreeMap<&'a str, &'a ast::Data>,
    /// Training runs by name.
    pub trains: BTreeMap<&'a str, &'a ast::Train>,
    /// The first data block.
    pub first_data: Option<&'a ast::Data>,
    /// The first run of each model or variant.
    pub first_train: BTreeMap<&'a str, &'a ast::Train>,
    /// The enums that have a case of this name.
    pub cases: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Blocks of the built-in library. They use each other, but no block of the file, whose blocks may have the same names.
    pub(super) std: BTreeMap<&'a str, &'a ast::Block>,
    pub(super) std_source: Option<SourceId>,
    /// Blocks of each built-in network, by the source of its file. They use each other and the library.
    pub(super) network_blocks: BTreeMap<SourceId, BTreeMap<&'a str, &'a ast::Block>>,
    pub(super) broken: BTreeSet<&'a str>,
    /// Whether an import failed. Unknown names are not reported then, since the import may declare them.
    pub(super) incomplete: bool,
    /// Number of evaluation steps of all elaborations of this program.
    pub(super) fuel_spent: Cell<usize>,
    /// The name spans of the blocks that an elaboration has used.
    pub(super) used_blocks: RefCell<BTreeSet<Span>>,
}

impl<'a> ResolvedProgram<'a> {
    /// Adds evaluation steps to those of the program and returns the total.
    pub(crate) fn spend_fuel(&self, steps: usize) -> usize {
        let spent = self.fuel_spent.get().saturating_add(steps);
        self.fuel_spent.set(spent);
        spent
    }

    /// Records that an elaboration uses the block.
    pub(crate) fn mark_used(&self, block: &ast::Block) {
        self.used_blocks.borrow_mut().insert(block.name.span);
    }

    /// Returns whether an elaboration has used the block.
    pub(crate) fn is_used(&self, block: &ast::Block) -> bool {
        self.used_blocks.borrow().contains(&block.name.span)
    }

    /// Returns whether the item has a reported error, or uses an item that has one.
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// Returns the names of the root's models and variants in the order of the file.
    pub fn entries(&self) -> Vec<&'a ast::Ident> {
        self.names_in(self.file.items.iter())
    }

    /// Returns the names of all models and variants, those of imported files first.
    pub fn names(&self) -> Vec<&'a ast::Ident> {
        self.names_in(self.items.iter().copied())
    }

    /// Returns the name of a model or variant with the place of its declaration.
    pub fn find(&self, name: &str) -> Option<&'a ast::Ident> {
        let model = self.models.get(name).map(|m| &m.name);
        model.or_else(|| self.variants.get(name).map(|v| &v.name))
    }

    fn names_in(&self, items: impl Iterator<Item = &'a ast::FileItem>) -> Vec<&'a ast::Ident> {
        let entry = |item: &'a ast::FileItem| match &item.kind {
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

    /// Returns the model that a model's or variant's name leads to, and the arguments of the variants in between, those of
    /// the variant nearest to the model first.
    pub fn entry(&self, name: &str) -> Option<(&'a ast::Block, Vec<&'a ast::Arg>)> {
        let mut args = Vec::new();
        let mut name = name;
        for _ in 0..=MAX_VARIANT_DEPTH {
            if let Some(model) = self.models.get(name) {
                return Some((model, args));
            }
            let variant = self.variants.get(name)?;
            args.splice(0..0, variant.args.iter());
            name = &variant.base.node;
        }
        None
    }

    /// Returns the block that `name` refers to in the source `from`.
    pub fn block(&self, name: &str, from: SourceId) -> Option<&'a ast::Block> {
        let own = match self.network_blocks.get(&from) {
            Some(of_network) => of_network.get(name),
            None if self.std_source == Some(from) => None,
            None => self.blocks.get(name),
        };
        own.or_else(|| self.std.get(name)).copied()
    }

    /// Returns whether any enum has a case of this name.
    pub fn is_case(&self, name: &str) -> bool {
        self.cases.contains_key(name)
    }

    /// Returns whether the enum `of` has a case of this name.
    pub fn has_case(&self, of: &str, name: &str) -> bool {
        self.cases.get(name).is_some_and(|owners| owners.contains(of))
    }

    pub(super) fn is_item(&self, name: &str) -> bool {
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
