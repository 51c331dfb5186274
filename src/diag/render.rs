//! Diagnostics as text and JSON: the only module that names the rendering crate.
