//! The CPU engine's parts against plain loops in 64 bits.

mod conv;
mod operators;
mod team;
