//! Tests that are found at run time, and the report of a failed one.

use libtest_mimic::{Failed, Trial};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    /// Place and message of the last panic of this thread.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the messages of panics for the list of failures, instead of printing each when it happens.
pub fn keep_panics() {
    panic::set_hook(Box::new(|info| PANIC.with(|kept| *kept.borrow_mut() = info.to_string())));
}

/// A test that fails if `check` panics.
pub fn test(name: String, check: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        panic::catch_unwind(AssertUnwindSafe(check)).map_err(|_| PANIC.with(|kept| Failed::from(kept.borrow().clone())))
    })
}
