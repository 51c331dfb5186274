//! What files say: texts and places, problems and their codes, the syntax tree, imports, and settings, which are what `data`
//! and `train` blocks say.

pub mod config;
pub mod diag;
pub mod files;
pub mod fix;
pub mod import;
pub mod source;
pub mod syntax;
