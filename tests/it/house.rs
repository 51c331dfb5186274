//! The sources and the documentation keep their own rules.

mod docs;
mod pages;
mod parse;
mod planted;
mod rooms;
mod tree;
mod uses;
mod words;
