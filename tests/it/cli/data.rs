//! Commands that read images and scores and train nothing.

#[cfg(unix)]
mod broken;
mod check;
mod compare;
mod show;
