//! The sources and the documentation keep their own rules.

mod docs;
mod tree;
