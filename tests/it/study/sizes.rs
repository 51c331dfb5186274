//! The size contract and the formulas against brute force: an elaboration at every size.

use crate::support::header::size_of;
use crate::support::random_model;
use crate::support::repository::{model_files, repository};
use crate::support::tape::Tape;
use npc::graph::check::{CheckedGraph, SizeVerdict, check};
use npc::graph::elaborate::elaborate;
use npc::graph::resolve::{ResolvedProgram, resolve_bundle};
use npc::study::cost::{Convention, cost_formulas, count};
use npc::text::diag::Problems;
use npc::text::files::Disk;
use npc::text::import::{Bundle, load};
use npc::text::source::SourceMap;
use npc::text::syntax;
use npc::text::syntax::ast::Ident;
use std::path::Path;

/// Runs `work` on a program with as much stack as npc uses.
fn with_program(read: impl FnOnce(&mut SourceMap) -> Bundle + Send, work: impl FnOnce(&ResolvedProgram<'_>) + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, || {
            let mut sources = SourceMap::new();
            let bundle = read(&mut sources);
            let (program, problems) = resolve_bundle(&bundle);
            assert!(!problems.has_errors(), "{:?}", problems.iter().map(|d| &d.message).collect::<Vec<_>>());
            work(&program);
        });
        thread.unwrap().join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn with_file(path: &Path, work: impl FnOnce(&ResolvedProgram<'_>) + Send) {
    with_program(|sources| load(&Disk, sources, path).unwrap_or_else(|d| panic!("{}", d.message)).0, work)
}

fn with_text(text: &str, work: impl FnOnce(&ResolvedProgram<'_>) + Send) {
    let read = |sources: &mut SourceMap| {
        let id = sources.add("test.model", text);
        Bundle { root: syntax::parse(sources, id).0, ..Bundle::default() }
    };
    with_program(read, work)
}

fn at(program: &ResolvedProgram<'_>, entry: &Ident, size: [usize; 2]) -> Result<CheckedGraph, Problems> {
    elaborate(program, entry, &[], Some(size)).and_then(check)
}

/// Asserts that the contract of `seen` predicts the elaboration at `size`, and that its formulas give the numbers
/// there.
fn assert_contract_holds(program: &ResolvedProgram<'_>, entry: &Ident, seen: &CheckedGraph, size: [usize; 2]) {
    let place = format!("{entry} at {size:?}");
    let contract = seen.contract();
    let there = at(program, entry, size);
    match contract.verdict(size) {
        SizeVerdict::Accepted => {
            let there =
                there.unwrap_or_else(|p| panic!("{place}: accepted, and {:?}", p.iter().next().map(|d| &d.message)));
            assert_same_numbers(seen, &there, size, &place);
        }
        SizeVerdict::Refused(demand) => assert!(there.is_err(), "{place}: refused ({}), and elaborates", demand.what),
        SizeVerdict::Unknown(_) => {}
    }
    // The patterns of the two axes agree wherever they describe the whole contract.
    if let ([Some(h), Some(w)], true, true) =
        (&contract.axes, contract.joint.is_empty(), contract.path_conditions.is_empty())
    {
        let pattern = h.pattern.contains(size[0]) && w.pattern.contains(size[1]);
        assert_eq!(pattern, contract.accepts(size), "{place}: {contract}");
    }
}

fn assert_same_numbers(seen: &CheckedGraph, there: &CheckedGraph, size: [usize; 2], place: &str) {
    let (a, b) = (seen.graph(), there.graph());
    assert_eq!(a.len(), b.len(), "{place}");
    for id in a.order() {
        assert_eq!(a.node(id).path, b.node(id).path, "{place}");
        for (slot, ty) in b.node(id).outputs.iter().enumerate() {
            let formula = a.formula(npc::graph::ir::Outlet { node: id, slot });
            assert_eq!(formula.at(size).as_ref(), Some(ty), "{place}, {}: {formula}", a.node(id).path);
        }
    }
    for convention in Convention::ALL {
        let (formulas, counted) = (cost_formulas(seen, convention), count(there, convention));
        for (f, n) in formulas.nodes.iter().zip(&counted.nodes) {
            let value = f.macs.as_ref().and_then(|d| d.eval(size));
            assert_eq!(value, Some(n.macs.into()), "{place}, {}, {convention}: {:?}", n.path, f.macs);
            assert_eq!(f.params.as_ref().and_then(|d| d.eval(size)), Some(n.params.into()), "{place}, {}", n.path);
        }
        let total = formulas.macs.as_ref().and_then(|d| d.eval(size));
        assert_eq!(total, Some(counted.macs.into()), "{place}, {convention}");
    }
}

/// Tested are sizes 1 to 96 on one axis with an accepted size on the other, on both, and crosswise; all pairs with
/// `NPC_LONG`.
#[test]
fn contracts_hold_at_every_size_from_1_to_96() {
    // Every fifth size is enough by default: the periods and thresholds that occur are 8, 16 and 32.
    let long = std::env::var_os("NPC_LONG").is_some();
    let sizes: Vec<usize> = (1..=96).filter(|n| long || n % 5 == 1 || n % 16 < 2 || *n < 18).collect();
    let mut entries = 0;
    for path in model_files("models") {
        // A file has a limited number of evaluation steps, so it is read anew for every few rows.
        for rows in sizes.chunks(if long { 2 } else { 96 }) {
            with_file(&path, |program| {
                let has_holes = |e: &&Ident| !npc::study::explore::open_holes(program, &e.node, &[]).is_empty();
                for entry in program.entries().into_iter().filter(|e| !has_holes(e)) {
                    entries += usize::from(rows[0] == 1);
                    // The contract is derived at one accepted size and predicts all others.
                    let seen = at(program, entry, [64, 96]).unwrap_or_else(|_| panic!("{entry} takes 64x96"));
                    for &n in rows {
                        for size in [[n, 64], [64, n], [n, n], [n, 97 - n]] {
                            assert_contract_holds(program, entry, &seen, size);
                        }
                        (1..=if long { 96 } else { 0 })
                            .for_each(|m| assert_contract_holds(program, entry, &seen, [n, m]));
                    }
                }
            });
        }
    }
    assert!(entries >= 9, "{entries}");
}

/// Returns the contract of a one-line body at a size that it accepts, as text.
fn contract_of(body: &str, size: [usize; 2]) -> String {
    let text = format!("npc 1\nmodel M(x: [3, H, W]) -> {body}\n");
    let mut contract = String::new();
    with_text(&text, |program| {
        let entry = program.entries()[0];
        let seen = at(program, entry, size).unwrap_or_else(|p| panic!("{:?}", p.iter().next().map(|d| &d.message)));
        for n in 1..=40 {
            for size in [[n, size[1]], [size[0], n], [n, n], [n, n + 1]] {
                assert_contract_holds(program, entry, &seen, size);
            }
        }
        contract = seen.contract().to_string();
    });
    contract
}

#[test]
fn contracts_are_printed_in_short_form() {
    assert_eq!(contract_of("[3, H, W] = x |> relu", [8, 8]), "H and W: any size");
    assert_eq!(contract_of("[3, H / 4, W / 2] = x |> avgpool([4, 2])", [8, 8]), "H: multiples of 4; W: multiples of 2");
    assert_eq!(contract_of("[3, H - 6, W - 6] = x |> conv(3, k = 7, pad = 0)", [9, 9]), "H and W: any size from 7 up");
    // A skip fits odd sizes only: (n - 1) / 2 pooled, doubled and one more.
    let body = "[3, H, W] = x + (x |> maxpool(2) |> conv_transpose(3, k = 3, stride = 2))";
    assert_eq!(contract_of(body, [9, 9]), "H and W: 2 n + 1 from 3 up");
    assert_eq!(contract_of("[6, H, W] = x ++ (x |> crop(to = [H, H]))", [9, 9]), "H and W: any size; -H + W = 0");
    assert_eq!(contract_of("[3, 5, 7] = x |> avgpool_to([5, 7])", [9, 9]), "H and W: any size");
    assert_eq!(contract_of("[3, 2 * H, W] = x |> resize(to = [2 * H, W])", [4, 9]), "H and W: any size");
    assert_eq!(contract_of("[3, H, W] = x |> instance_norm", [4, 9]), "H and W: any size; H * W - 2 >= 0");
    let body = "[3, H, W] { require H % 3 == 1 and W > 4, \"no\"\n return x }";
    assert_eq!(contract_of(body, [4, 9]), "H: 3 n + 1; W: any size from 5 up");
    // Ceil mode drops a window that starts in the padding.
    let body = "[3, ceil(H / 3), ceil(W / 3)] = x |> maxpool(2, stride = 3, ceil = true)";
    assert_eq!(contract_of(body, [7, 7]), "H and W: any size from 2 up");
    let body = "[2, ceil(H / 2), ceil(W / 2)] = x |> conv(2, k = 3, stride = 2)";
    assert_eq!(contract_of(body, [7, 7]), "H and W: any size");
    let body = "[2, 1, 1] = x |> flatten |> linear(2) |> unflatten";
    assert_eq!(contract_of(body, [7, 7]), "H and W: any size");
    assert_eq!(
        contract_of("[3, H, W] = x |> pad(4, mode = reflect) |> crop(to = x)", [7, 7]),
        "H and W: any size from 5 up"
    );
}

/// A loop as long as the image is high is another graph at another height.
#[test]
fn values_that_depend_on_the_size_are_pinned() {
    let text = "npc 1\nmodel M(x: [3, H, W]) -> [3, H, W] = x |> repeat(H / 4, relu)\n";
    with_text(text, |program| {
        let entry = program.entries()[0];
        let contract = at(program, entry, [8, 8]).unwrap().contract();
        assert!(contract.accepts([8, 5]));
        assert!(matches!(contract.verdict([12, 8]), SizeVerdict::Unknown(_)), "{contract}");
        assert!(!contract.accepts([9, 8]));
    });
    let text = "npc 1\nmodel M(x: [3, H, W]) -> [3, H, W] = if H > 10 { x |> relu } else { x }\n";
    with_text(text, |program| {
        let entry = program.entries()[0];
        let contract = at(program, entry, [8, 8]).unwrap().contract();
        assert!(contract.accepts([10, 8]) && !contract.accepts([11, 8]), "{contract}");
    });
}

/// An offset that follows the image's size is fixed by a path condition, wherever it is written. At 16x16 the crop reads inside
/// the map, though the offset of the 64x64 graph would not.
#[test]
fn an_offset_that_follows_the_size_is_no_constraint_on_other_sizes() {
    for settings in ["to = [H / 2, W / 2], at = [H / 4, W / 4]", "at = [H / 4, W / 4], to = [H / 2, W / 2]"] {
        let text = format!("npc 1\nmodel M(x: [3, H, W]) -> [3, H / 2, W / 2] = x |> crop({settings})\n");
        with_text(&text, |program| {
            let entry = program.entries()[0];
            let contract = at(program, entry, [64, 64]).unwrap().contract();
            assert!(contract.accepts([64, 64]), "{settings}");
            assert!(matches!(contract.verdict([16, 16]), SizeVerdict::Unknown(_)), "{settings}: {contract}");
            assert!(at(program, entry, [16, 16]).is_ok(), "{settings}");
        });
    }
}

#[test]
fn near_sizes_are_nearest_first() {
    with_file(&repository("models/unet.model"), |program| {
        let entry = program.entries()[0];
        let contract = at(program, entry, [64, 64]).unwrap().contract();
        assert_eq!(contract.nearest([300, 384]), [[304, 384], [288, 384]]);
        assert_eq!(contract.nearest([5, 17]), [[16, 16], [16, 32]]);
    });
}

/// Over random models: the contract derived at one size agrees with elaboration at others, formulas included.
#[test]
fn contracts_and_formulas_of_random_models_hold_at_other_sizes() {
    let cases = if std::env::var_os("NPC_LONG").is_some() { 3000 } else { 150 };
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..cases {
        let text = random_model::model(&mut Tape::seeded(seed));
        let Some(base) = size_of(&text) else { continue };
        with_text(&text, |program| {
            let entry = program.entries()[0];
            let Ok(seen) = at(program, entry, base) else { return };
            let mut tape = Tape::seeded(seed ^ 0xabcd);
            let mut sizes = vec![base, [1, 1], [base[0] + 1, base[1]], [base[0], base[1] * 2]];
            sizes.extend((0..8).map(|_| [1 + tape.below(48), 1 + tape.below(48)]));
            for size in sizes {
                assert_contract_holds(program, entry, &seen, size);
                match seen.contract().verdict(size) {
                    SizeVerdict::Accepted => accepted += 1,
                    SizeVerdict::Refused(_) => refused += 1,
                    SizeVerdict::Unknown(_) => {}
                }
            }
        });
    }
    assert!(accepted > cases && refused > cases / 10, "{accepted} accepted, {refused} refused of {cases} models");
}
