//! Graphs as pictures, and results as pictures, pages and events.

pub mod picture;
mod picture_browser;
#[cfg(feature = "data")]
mod results;
mod u_picture;
