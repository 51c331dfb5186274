//! A hash that stays: seeds of weights, marks of models and canonical forms rest on it.

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a hash that is the same in every version of every compiler.
pub fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
