//! What the targets share: the functions under test, and a mutator that knows tokens. Each target uses one function.
#![allow(dead_code)]

#[path = "../../tests/it/text/fuzz/mutate.rs"]
pub mod mutate;
#[path = "../../tests/it/support/tape.rs"]
pub mod tape;
#[path = "../../tests/it/text/fuzz/targets.rs"]
pub mod targets;

/// Texts that were mutated before lend their parts to the next one.
static LAST: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());

/// A mutation for libFuzzer: mostly by tokens, at times its own by bytes. Gives the new length.
pub fn mutation(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut tape = tape::Tape::seeded(u64::from(seed));
    if tape.below(6) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let text = String::from_utf8_lossy(&data[..size]).into_owned();
    let mut last = LAST.lock().expect("one thread mutates");
    let new = mutate::mutated(&mut tape, &text, &last);
    if tape.below(4) == 0 {
        *last = text;
    }
    let len = new.len().min(max_size);
    data[..len].copy_from_slice(&new.as_bytes()[..len]);
    len
}

#[macro_export]
macro_rules! target {
    ($function:expr) => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            common::mutation(data, size, max_size, seed)
        });
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            let text = String::from_utf8_lossy(data);
            common::targets::deep(|| $function(&text));
        });
    };
}
