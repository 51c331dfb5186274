//! The keys of `data` and `train` blocks: types, defaults and checks.
