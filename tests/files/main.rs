//! One test for each model file: a file that is dropped into a folder is a test, without a recompile.
//!
//! | test | folder | holds |
//! |---|---|---|
//! | `diagnostics::FILE::message` | `tests/diagnostics` | the problem that the file is named after, and its message |
//! | `mistakes::FILE::message` | `tests/mistakes` | the same for mistakes that researchers make; the message fits on a screen |
//! | `poor_messages::FILE::message` | `tests/poor_messages` | messages that should be better |
//! | `graphs::FILE::...`, `models::FILE::...` | `tests/graphs`, `models` | graph, problems, costs, plan and pictures of networks |
//! | `foreign::FILE::claims` | `tests/graphs/foreign` | networks of other people compile, and their claims hold |
//! | `...::FILE::formatted`, `...::FILE::fixed` | all of them | `npc fmt` and `npc fix` leave the file as they should |
//!
//! `cargo test --test files -- E0301` runs the tests whose names contain `E0301`. tests/README.md explains how to add a file.

#[allow(dead_code, unused_macros, unused_imports, reason = "tests/it uses the rest")]
#[macro_use]
#[path = "../it/support/mod.rs"]
mod support;

mod fixtures;
mod networks;
mod runner;
mod texts;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    runner::keep_panics();
    let tests = [fixtures::tests(), networks::tests(), texts::tests()].into_iter().flatten().collect();
    libtest_mimic::run(&arguments, tests).exit();
}
