//! Positions of items, statements, entries and bodies, which the formatter takes from the tree.

use crate::text::syntax::ast::{self, ItemKind, Stmt, StmtKind};
use std::collections::HashSet;

/// Positions that only the tree knows, as byte offsets.
#[derive(Default)]
pub(super) struct TreeMarks {
    /// Starts of items, statements, entries and claims, each of which gets its own line.
    pub(super) lines: HashSet<usize>,
    /// Starts of short bodies, at their `=`.
    pub(super) short_bodies: HashSet<usize>,
    /// Starts of the models of a sweep with several models.
    pub(super) grids: HashSet<usize>,
    /// Starts of the `keep` of sweeps.
    pub(super) keeps: HashSet<usize>,
}

impl TreeMarks {
    /// Collects the positions of a file.
    pub(super) fn new(file: &ast::File) -> Self {
        let mut marks = TreeMarks::default();
        for item in &file.items {
            marks.lines.extend(item.attributes.iter().map(|a| a.span.start as usize));
            marks.lines.insert(item.span.start as usize);
            marks.item(item);
        }
        marks
    }

    fn item(&mut self, item: &ast::FileItem) {
        match &item.kind {
            ItemKind::Block(block) | ItemKind::Model(block) => {
                if block.body.short {
                    self.short_bodies.insert(block.body.span.start as usize);
                } else {
                    self.stmts(&block.body.stmts);
                }
            }
            ItemKind::Data(data) => self.entries(&data.entries),
            ItemKind::Train(train) => self.entries(&train.entries),
            ItemKind::Expect(expect) => self.lines.extend(expect.claims.iter().map(|c| c.span.start as usize)),
            ItemKind::Sweep(ast::Sweep { models, .. }) => {
                if models.grids.len() > 1 {
                    self.grids.extend(models.grids.iter().map(|g| g.base.span.start as usize));
                }
                self.keeps.extend(models.keep_at.map(|at| at.start as usize));
            }
            ItemKind::Import(_) | ItemKind::Enum(_) | ItemKind::Variant(_) | ItemKind::Allow(_) => {}
        }
    }

    fn entries(&mut self, entries: &[ast::Entry]) {
        self.lines.extend(entries.iter().map(|e| e.key.span.start as usize));
    }

    fn stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            self.lines.insert(stmt.span.start as usize);
            if let StmtKind::For { body, .. } = &stmt.kind {
                self.stmts(body);
            }
        }
    }
}
