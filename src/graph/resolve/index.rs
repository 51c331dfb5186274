//! The index of a file's items by name. Duplicate names are reported here.

use super::program::ResolvedProgram;
use crate::base::problem::problem;
use crate::text::diag::Problems;
use crate::text::import::StdModelFile;
use crate::text::source::Span;
use crate::text::syntax::ast::{self, ItemKind};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Indexes the items of `networks`, `imported` and `file` and reports duplicate names. Blocks of `networks` are theirs alone, so that
/// other files may have blocks of the same names.
pub(super) fn index<'a>(
    file: &'a ast::File,
    imported: &[&'a ast::File],
    networks: &'a [StdModelFile],
    problems: &mut Problems,
) -> ResolvedProgram<'a> {
    let files = || networks.iter().map(|network| &network.file).chain(imported.iter().copied()).chain([file]);
    let mut program = ResolvedProgram {
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
        network_blocks: networks.iter().map(|network| (network.source, BTreeMap::new())).collect(),
        broken: files().flat_map(|f| &f.broken).map(|b| b.node.as_str()).collect(),
        incomplete: false,
        fuel_spent: Cell::new(0),
        used_blocks: RefCell::default(),
    };
    let mut first_places: BTreeMap<&str, Span> = BTreeMap::new();
    for item in program.items.clone() {
        let name = match &item.kind {
            ItemKind::Import(_) | ItemKind::Expect(_) | ItemKind::Allow(_) => continue,
            ItemKind::Sweep(s) => &s.name,
            ItemKind::Enum(e) => &e.name,
            ItemKind::Block(b) | ItemKind::Model(b) => &b.name,
            ItemKind::Variant(v) => &v.name,
            ItemKind::Data(d) => &d.name,
            ItemKind::Train(t) => &t.name,
        };
        if let (ItemKind::Block(block), Some(own)) = (&item.kind, program.network_blocks.get_mut(&item.span.source)) {
            own.insert(&block.name.node, block);
            continue;
        }
        if let Some(&first) = first_places.get(name.node.as_str()) {
            let network = networks.iter().find(|network| network.source == first.source);
            problems.push(match network.filter(|_| name.span.source != first.source) {
                Some(network) => problem!(E0202, name.span, "`{name}` is also the name of a network that `import std.{}` brings", network.name;
                    label: "named again here";
                    other[first]: "first named here";
                    help: "rename the one of this file, such as `My{name}`, here and in its `train` blocks; or remove the import"),
                None => problem!(E0202, name.span, "`{name}` is already the name of another item";
                    label: "named again here";
                    other[first]: "first named here"),
            });
            continue;
        }
        first_places.insert(&name.node, name.span);
        match &item.kind {
            ItemKind::Enum(e) => {
                index_cases(&mut program, e, problems);
                program.enums.insert(&e.name.node, e);
            }
            ItemKind::Block(b) => drop(program.blocks.insert(&b.name.node, b)),
            ItemKind::Model(m) => drop(program.models.insert(&m.name.node, m)),
            ItemKind::Variant(v) => drop(program.variants.insert(&v.name.node, v)),
            ItemKind::Sweep(s) => drop(program.sweeps.insert(&s.name.node, s)),
            ItemKind::Data(d) => {
                program.data.insert(&d.name.node, d);
                program.first_data.get_or_insert(d);
            }
            ItemKind::Train(t) => {
                program.trains.insert(&t.name.node, t);
                program.first_train.entry(&t.model.node).or_insert(t);
            }
            ItemKind::Import(_) | ItemKind::Expect(_) | ItemKind::Allow(_) => {}
        }
    }
    program
}

fn index_cases<'a>(program: &mut ResolvedProgram<'a>, e: &'a ast::Enum, problems: &mut Problems) {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    for case in &e.cases {
        if let Some(&before) = first.get(case.node.as_str()) {
            problems.push(problem!(E0202, case.span, "`{}` has the case `{case}` twice", e.name;
                    label: "named again here";
                    other[before]: "first named here"));
        }
        first.insert(&case.node, case.span);
        program.cases.entry(&case.node).or_default().insert(&e.name.node);
    }
}
