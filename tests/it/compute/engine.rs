//! The CPU engine's parts against plain loops in 64 bits.

mod conv;
mod team;
mod unit;
