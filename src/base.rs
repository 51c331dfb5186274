//! Utilities that know nothing of networks: a stable hash, atomic writes, file errors, numbers for people, CSV, escaping, shortening,
//! and the free memory and disk space of the machine.

pub(crate) mod applicability;
pub(crate) mod atomic;
pub(crate) mod code;
#[cfg(feature = "cli")]
pub(crate) mod colours;
pub(crate) mod count;
pub(crate) mod csv;
pub(crate) mod error;
pub(crate) mod file;
#[cfg(feature = "data")]
pub(crate) mod foreign_code;
pub(crate) mod hash;
pub(crate) mod input_files;
pub(crate) mod integer;
#[cfg(feature = "data")]
pub(crate) mod lock;
#[cfg(feature = "run")]
pub(crate) mod machine;
pub(crate) mod number;
pub(crate) mod path;
pub(crate) mod printable;
pub(crate) mod problem;
pub(crate) mod rational;
pub(crate) mod severity;
pub(crate) mod shell;
pub(crate) mod shorten;
#[cfg(feature = "cli")]
pub(crate) mod unified;
pub(crate) mod xml;
