//! Texts and what they say.

pub mod diag;
pub mod import;
pub mod recipe;
pub mod source;
pub mod syntax;
