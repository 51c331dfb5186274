//! Guesses about a data block.

/// A setting of a data block that follows from the files without being certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataGuess {
    /// The key of the data block that changes it.
    pub key: &'static str,
    pub why: String,
}
