//! Properties that hold for every model text: over random models, at random sizes.

use crate::support::compile::compile_text;
use crate::support::header::size_of;
use crate::support::random_model::model;
use crate::support::tape::Tape;
use npc::graph::op::SIGNATURES;
use npc::text::source::SourceMap;
use npc::text::syntax::{parse, print};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The properties below have content: all operators occur, and most models pass.
#[test]
fn random_models_hold_every_operator() {
    let (mut names, mut passed) = (BTreeSet::new(), 0);
    for seed in 0..400 {
        let text = model(&mut Tape::seeded(seed));
        let found = compile_text(&text, size_of(&text), &[]);
        passed += usize::from(!found.problems.has_errors());
        if found.problems.has_errors() {
            println!("{text}{}\n", found.messages().join("\n"));
        }
        for checked in &found.checked {
            let graph = checked.graph();
            names.extend(graph.order().into_iter().map(|id| graph.node(id).op.name()));
        }
    }
    let missing: Vec<_> = SIGNATURES.iter().map(|s| s.name).filter(|n| !names.contains(n)).collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
    assert!(passed >= 390, "{passed} of 400 pass");
}

fn formatted(text: &str) -> String {
    let mut sources = SourceMap::new();
    let id = sources.add("test.model", text);
    let (file, problems) = parse(&sources, id);
    assert!(!problems.has_errors(), "{text}");
    print(&sources, id, &file)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Formatting a formatted file changes nothing, and formatting leaves the graph as it is.
    #[test]
    fn formatting_twice_is_formatting_once(seed in any::<u64>()) {
        let text = model(&mut Tape::seeded(seed));
        let once = formatted(&text);
        prop_assert_eq!(&formatted(&once), &once);
        let graph = |text: &str| {
            let found = compile_text(text, size_of(text), &[]);
            let messages = found.messages();
            (found.checked.iter().map(|c| npc::graph::ir::to_text(c.graph())).collect::<Vec<_>>(), messages)
        };
        prop_assert_eq!(graph(&text), graph(&once));
    }
}
