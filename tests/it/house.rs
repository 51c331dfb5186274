//! The sources and the documentation keep their own rules.

#[cfg(feature = "cli")]
mod command_lines;
#[cfg(feature = "cli")]
mod console;
mod counts;
mod docs;
#[cfg(feature = "cli")]
mod fences;
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
