//! From text to a syntax tree: what is read, what is refused and how that is said.

mod fuzz;
mod schema;
mod syntax;
