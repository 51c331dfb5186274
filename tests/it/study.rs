//! Analyses of a checked graph: counts, fields, memory, sizes, lints.

mod counting;
mod field;
mod foreign_networks;
mod lint;
mod memory;
mod sizes;
