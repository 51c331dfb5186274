//! Texts and what they say.

pub mod config;
pub mod diag;
pub mod files;
pub mod fix;
pub mod import;
pub mod source;
pub mod syntax;
