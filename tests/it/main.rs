//! The integration tests, one folder for each room of `src/`. Tests that start the program itself are in `cli`.
//!
//! `house` checks the sources and the documentation, `support` contains what the tests share. tests/README.md explains how to
//! run, add and accept a test.

#[macro_use]
mod support;

#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "data")]
mod compute;
#[cfg(feature = "data")]
mod data;
mod desk;
mod graph;
mod house;
#[cfg(feature = "run")]
mod learn;
#[cfg(feature = "data")]
mod metric;
#[cfg(feature = "data")]
mod score;
mod show;
mod study;
mod text;
