//! The workbench, on which every front is built.

mod workbench;
