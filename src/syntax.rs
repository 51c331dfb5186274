//! Text to tree and back: [`parse`] and [`print`].
//!
//! Knows nothing about operators, names or shapes.

pub mod ast;
