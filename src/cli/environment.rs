//! Environment variables that change how npc computes. A value without a meaning is refused, since it would change nothing in silence.

use super::error::{CommandError, CommandResult};
use crate::base::problem::problem;
use crate::text::config::check::MAX_THREADS;

/// Variables with the values that they take.
const WORDS: [(&str, &[&str]); 2] = [("NPC_SIMD", &["avx512", "avx2", "portable"]), ("NPC_CPU", &["burn"])];
/// The variable with the number of threads, which rayon reads.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Checks the variables of this process. An empty value counts as none.
pub(super) fn check() -> CommandResult {
    let value = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    for (name, words) in WORDS {
        let Some(value) = value(name) else { continue };
        if !words.iter().any(|word| value == *word) {
            let value = value.to_string_lossy().into_owned();
            return Err(CommandError::usage(
                problem!(E0503, "{name} is `{}`, which is not a value of it", value.escape_debug();
                help: "its values are {}; without {name} npc chooses by the processor", words.join(", ")),
            ));
        }
    }
    let Some(threads) = value(THREADS) else { return Ok(()) };
    let threads = threads.to_string_lossy().into_owned();
    match threads.parse::<usize>() {
        Ok(0..=MAX_THREADS) => Ok(()),
        Ok(_) | Err(_) => Err(CommandError::usage(
            problem!(E0503, "{THREADS} is `{}`, which is not a number of threads from 1 to {MAX_THREADS}", threads.escape_debug();
            help: "unset it to use all cores"),
        )),
    }
}
