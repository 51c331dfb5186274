//! From a syntax tree to a checked graph, its plan and its canonical form.

mod elaborate;
mod equal;
mod properties;
mod std_models;
mod unused_blocks;
