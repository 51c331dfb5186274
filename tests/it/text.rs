//! From text to a syntax tree: the forms that are read, the mistakes that are refused, and their messages.

mod fuzz;
mod schema;
mod syntax;
