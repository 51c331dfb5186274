//! The content of files: source texts and spans, diagnostics and their codes, the syntax tree, imports, and configurations
//! (the content of `data` and `train` blocks).

pub mod config;
pub mod diag;
pub mod files;
pub mod fix;
pub mod import;
pub mod source;
pub mod syntax;
