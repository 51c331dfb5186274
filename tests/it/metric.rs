//! Class maps to scores, and their statistics.

mod box_summary;
mod intervals;
mod pixel_figures;
mod reference;
mod scores;
mod statistics;
mod volumes;
