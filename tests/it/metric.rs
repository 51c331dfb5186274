//! Class maps to scores, and their statistics.

mod reference;
mod scores;
mod statistics;
mod volumes;
