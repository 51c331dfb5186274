//! The one integration-test binary.

mod syntax;
#[cfg(feature = "run")]
mod exec;
#[cfg(feature = "run")]
mod lower;
