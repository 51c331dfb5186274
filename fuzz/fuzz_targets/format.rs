#![no_main]

mod common;

target!(common::targets::format);
