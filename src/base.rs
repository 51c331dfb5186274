//! What is no part of the subject.

pub mod atomic;
#[cfg(feature = "data")]
pub mod error;
pub mod hash;
#[cfg(feature = "data")]
pub mod lock;
#[cfg(feature = "run")]
pub mod machine;
