//! The workbench: what every front stands on.

mod workbench;
