//! Commands that read images and scores and train nothing.

mod check;
mod compare;
#[cfg(unix)]
mod damaged_data;
mod show;
