//! The backends that can be benchmarked.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Implementation of the operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backend {
    /// [`crate::compute::engine`], on the processor.
    Engine,
    /// Burn's own operations, on any device.
    Burn,
    /// Kernels of npc's own on a GPU.
    Cuda,
}

impl Backend {
    /// Returns the name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Backend::Engine => "engine",
            Backend::Burn => "burn",
            Backend::Cuda => "cuda",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Backend::Engine, Backend::Burn]
            .into_iter()
            .find(|b| b.name() == text)
            .ok_or_else(|| format!("no backend `{text}`: accepted are `engine` and `burn`"))
    }
}
