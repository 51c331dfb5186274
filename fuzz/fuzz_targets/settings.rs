#![no_main]

mod common;

target!(common::targets::settings_file);
