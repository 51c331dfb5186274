//! Class maps to scores, and their statistics.

mod intervals;
mod reference;
mod scores;
mod statistics;
mod volumes;
