//! Faults planted in small sources are found: a rule that nothing breaks checks nothing.

use super::names::type_names;
use super::nesting::nestings;
use super::prose::words_to_avoid;
use super::rooms::Drawing;
use super::uses::{Sources, circles};
use super::words::{uses_print_macro, wildcards_over_operators, words};

fn sources(files: &[(&str, &str)]) -> Sources {
    Sources::new(files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect())
}

/// Returns `a/b -> c::d` for each use.
fn uses_of(files: &[(&str, &str)]) -> Vec<String> {
    sources(files)
        .uses()
        .iter()
        .map(|u| format!("{} -> {} {}", u.file, u.other, u.what).trim_end().to_string())
        .collect()
}

fn found_circles(files: &[(&str, &str)]) -> Vec<String> {
    circles(&sources(files).uses()).into_iter().map(|files| files.join(" ")).collect()
}

/// Returns the differences from a drawing of the rooms `top`, `middle` and `base`.
fn violations_of(page: &str, files: &[(&str, &str)]) -> Vec<String> {
    let sources = sources(files);
    let names: Vec<&str> = files.iter().map(|(path, _)| path.trim_end_matches(".rs")).collect();
    Drawing::read(page).violations(&names, &sources.uses())
}

const PAGE: &str = "```rooms\ntop    -> middle base\nmiddle ->        base\nbase   ->\n```\n```never\n```\n";
const TOP: (&str, &str) = ("top.rs", "use crate::base::B;\nuse crate::middle::M;");
const MIDDLE: (&str, &str) = ("middle.rs", "use crate::base::B;\npub struct M;");
const BASE: (&str, &str) = ("base.rs", "pub struct B;");

#[test]
fn sources_as_drawn_have_no_violation() {
    assert_eq!(violations_of(PAGE, &[TOP, MIDDLE, BASE]), [""; 0]);
}

#[test]
fn an_arrow_up_is_found() {
    let up = ("base.rs", "pub struct B;\nfn f() { crate::middle::inner::g(); }");
    assert_eq!(
        violations_of(PAGE, &[TOP, MIDDLE, up]),
        ["src/base.rs uses `inner::g` of src/middle.rs: `base -> middle` is not drawn"]
    );
    let drawn = PAGE.replace("base   ->", "base   -> middle");
    assert_eq!(violations_of(&drawn, &[TOP, MIDDLE, up]), ["`base -> middle` does not lead down"]);
}

#[test]
fn arrows_and_rooms_that_do_not_exist_are_found() {
    let idle = ("middle.rs", "pub struct M;");
    assert_eq!(
        violations_of(PAGE, &[TOP, idle, BASE]),
        ["`middle -> base` is drawn, and nothing in src/middle uses src/base"]
    );
    assert_eq!(violations_of(PAGE, &[TOP, MIDDLE, BASE, ("attic.rs", "")]), ["src/attic is not drawn"]);
    let cellar = PAGE.replace("base   ->", "base   ->\ncellar ->");
    assert_eq!(violations_of(&cellar, &[TOP, MIDDLE, BASE]), ["`cellar` is drawn, and src/ has no such room"]);
}

#[test]
fn finer_rules_hold_inside_a_room() {
    let files = [("a.rs", ""), ("a/b.rs", "use super::c::x;"), ("a/c.rs", "pub fn x() {}")];
    let page = |rule: &str| format!("```rooms\na ->\n```\n```never\n{rule}\n```\n");
    assert_eq!(violations_of(&page("a/c -> a/b"), &files), [""; 0]);
    assert_eq!(
        violations_of(&page("a/b -> a/c"), &files),
        ["src/a/b.rs uses `x` of src/a/c.rs: `a/b` may not know it"]
    );
    assert_eq!(violations_of(&page("a/b -> a/d"), &files), ["a rule names `a/d`, which is not there"]);
}

#[test]
fn paths_of_all_kinds_are_found() {
    let target = ("a/b.rs", "pub struct T;\npub fn f() {}");
    let uses = |text: &str| uses_of(&[("lib.rs", ""), ("a.rs", ""), ("a/c.rs", ""), ("a/c/d.rs", text), target]);
    assert_eq!(uses("use crate::{a::{b::{T, f as g}}, x};"), ["a/c/d -> a/b T", "a/c/d -> a/b f", "a/c/d -> lib x"]);
    assert_eq!(uses("fn g() { crate::a::b::f() }"), ["a/c/d -> a/b f"]);
    assert_eq!(uses("use super::super::b::T;"), ["a/c/d -> a/b T"]);
    assert_eq!(uses("use super::super::b;\nfn g(_: b::T) {}"), ["a/c/d -> a/b", "a/c/d -> a/b T"]);
    assert_eq!(uses("fn g() { write!(f, \"{}\", crate::a::b::f()) }"), ["a/c/d -> a/b f"]);
    assert_eq!(uses("mod e { use super::super::super::b::T; }"), ["a/c/d -> a/b T"]);
    assert_eq!(uses("#[serde(with = \"crate::a::b\")] struct S;"), ["a/c/d -> a/b"]);
    assert_eq!(uses("use crate::a::b::*;\nfn g(_: T) {}"), ["a/c/d -> a/b", "a/c/d -> a/b T"]);
    assert_eq!(
        uses("pub(in crate::a) fn g(x: std::a::b::T) {} // crate::a::b\nconst S: &str = \"crate::a::b\";"),
        [""; 0]
    );
    assert_eq!(uses("#[cfg(test)]\nmod tests { use crate::a::b::T; }"), [""; 0]);
    assert_eq!(uses("macro_rules! m { ($n:ident) => { mod $n { use super::*; } } }"), [""; 0]);
}

#[test]
fn re_exports_lead_to_the_file_that_defines() {
    let files = |line: &'static str, text: &'static str| {
        uses_of(&[("a.rs", line), ("a/b.rs", "pub struct T;"), ("c.rs", text)])
    };
    assert_eq!(files("pub use b::T;", "use crate::a::T;"), ["a -> a/b T", "c -> a/b T"]);
    assert_eq!(files("pub(crate) use b::T as U;", "use crate::a::U;"), ["a -> a/b T", "c -> a/b T"]);
    assert_eq!(files("pub use b::*;", "fn f(_: crate::a::T) {}"), ["a -> a/b", "c -> a/b T"]);
    assert_eq!(files("use b::T;", "use crate::a::T;"), ["a -> a/b T", "c -> a T"]);
}

#[test]
fn circles_are_found() {
    let ring = [("a.rs", "use crate::b::f;"), ("b.rs", "pub fn f() { crate::c::f() }"), ("c.rs", "use super::a;")];
    assert_eq!(found_circles(&ring), ["a b c"]);
    let child = ("a/b.rs", "pub struct T;\nfn f(_: super::S) {}");
    assert_eq!(found_circles(&[("a.rs", "use b::T;\npub struct S;"), child]), ["a a/b"]);
    // A re-export is no use until the file itself uses the name.
    assert_eq!(found_circles(&[("a.rs", "mod b;\npub use b::T;\npub struct S;"), child]), [""; 0]);
    assert_eq!(found_circles(&[("a.rs", "pub use b::T;\npub struct S(T);"), child]), ["a a/b"]);
    // A re-export from another folder is a use.
    assert_eq!(
        found_circles(&[("a.rs", "pub use crate::b::T;"), ("b.rs", "pub struct T;\nuse crate::a::f;")]),
        ["a b"]
    );
}

#[test]
fn words_in_code_are_distinguished_from_strings() {
    let holds = |text: &str| words(text).iter().any(|word| word == "unsafe");
    assert!(holds("fn g() { let x = unsafe { f() }; }") && holds("unsafe impl Sync for Place {}"));
    assert!(!holds("const T: &str = \"unsafe\"; // unsafe") && !holds("#[allow(unsafe_code)] fn f() {}"));
    assert!(
        uses_print_macro("fn f() { println!(\"x\") }")
            && uses_print_macro("macro_rules! m { () => { eprint!(\"x\") } }")
    );
    assert!(!uses_print_macro("fn println() {} // println!()") && !uses_print_macro("const T: &str = \"println!()\";"));
}

#[test]
fn arms_that_hide_an_operator_are_found() {
    let hidden = |arms: &str| wildcards_over_operators(&format!("fn f() {{ match op {{ {arms} }} }}"));
    assert_eq!(hidden("Op::Conv(c) => 1, _ => 2"), 1);
    assert_eq!(hidden("(Op::Conv(_) | Op::Linear(_), 1) => 1, other => 2"), 1);
    assert_eq!(hidden("Op::Conv(c) => 1, Op::Linear(_) => match c { Pad::Same => 1, _ => 2 }"), 0);
    assert_eq!(hidden("Some(1) => 1, _ => 2"), 0);
}

#[test]
fn levels_of_functions_are_counted() {
    let levels = |body: &str| nestings(&format!("fn f() {{ {body} }}"))[0].levels;
    assert_eq!(levels("g()"), 1);
    assert_eq!(levels("for i in x { if y { g() } else if z { h() } else { j() } }"), 3);
    assert_eq!(levels("match x { A => { while y { g() } } B => 1 }"), 4);
    assert_eq!(levels("x.map(|y| { loop { g() } })"), 3);
    assert_eq!(levels("x.map(|y| S { a: T { b: 1 } }); unsafe { g() }; { h() }"), 1);
    assert_eq!(levels("let Some(x) = y else { if z { return } return };"), 3);
    assert_eq!(levels("html! { p { @if x { (y) } } }"), 1);
    let inner = nestings("impl S { fn a() { if x { fn b() { if y { g() } } } } }");
    assert!(inner.iter().all(|nesting| nesting.levels == 2) && inner.len() == 2);
}

#[test]
fn names_of_types_are_found() {
    let text = "struct A; enum B { C } trait D { type E; } type F = A; impl D for A { type E = B; }\n\
                mod m { union G { a: u8 } } #[cfg(test)] mod tests { struct H; }\nfn f() { struct I; }";
    assert_eq!(type_names(text), ["A", "B", "D", "F", "G", "I"]);
}

#[test]
fn words_to_avoid_are_found_only_in_comments() {
    assert_eq!(words_to_avoid("/// Told once.\nfn f() {}"), ["told"]);
    assert_eq!(words_to_avoid("    // found out, as it lies"), ["found out", "as it lies"]);
    assert!(words_to_avoid("fn told() { say(\"told\") }\n/// An amendment of `told`.").is_empty());
}
