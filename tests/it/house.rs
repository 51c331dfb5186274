//! The sources and the documentation keep their own rules.

mod docs;
mod names;
mod nesting;
mod pages;
mod parse;
mod planted;
#[cfg(feature = "cli")]
mod printed;
mod prose;
mod rooms;
mod tree;
mod uses;
mod words;
