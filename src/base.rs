//! What is no part of the subject: a stable hash, files replaced whole, errors of files, numbers for people, CSV, escaping,
//! and what the machine has.

pub mod atomic;
pub mod csv;
pub mod error;
pub mod hash;
pub mod integer;
#[cfg(feature = "data")]
pub mod lock;
#[cfg(feature = "run")]
pub mod machine;
pub mod number;
pub mod path;
pub mod shell;
pub mod xml;
