//! Stable hashes and random bits. Weight seeds, model fingerprints and canonical forms depend on them.

/// Computes FNV-1a of 64 bits (Fowler, Noll, Vo), which is the same in every version of every compiler.
pub(crate) fn fnv1a(text: &str) -> u64 {
    fnv1a_bytes(text.as_bytes())
}

/// The same of bytes.
pub(crate) fn fnv1a_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The odd number nearest to 2^64 divided by the golden ratio: the step of [`splitmix64`].
pub(crate) const GOLDEN_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the next number of the generator splitmix64 (Steele, Lea, Flood 2014).
pub(crate) fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GOLDEN_STEP);
    splitmix64_finish(*state)
}

/// Applies the finaliser of splitmix64: a bijection in which every output bit depends on every input bit.
pub(crate) fn splitmix64_finish(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expects the first numbers of the authors' code for the state 1234567.
    #[test]
    fn splitmix64_is_the_published_one() {
        let mut state = 1_234_567;
        let first: [u64; 3] = std::array::from_fn(|_| splitmix64(&mut state));
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
