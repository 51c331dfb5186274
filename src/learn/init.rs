//! Initial weights from a file: a run of npc, safetensors, or PyTorch.
//!
//! Matching tensors are loaded, the others keep their random values. The report lists every tensor.

mod matching;
mod pytorch;

pub use matching::InitOutcome;
pub(crate) use matching::{NamedShape, match_tensors};

use super::checkpoint;
use super::run_folder::RunFolder;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::network::Network;
use crate::compute::weights::{self, NamedTensor};
use pytorch::WeightFile;
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// `init.json`: for every tensor, whether it was loaded.
#[derive(Debug, Clone, Serialize)]
pub struct InitReport {
    #[serde(serialize_with = "crate::base::path::lossy::one")]
    pub file: PathBuf,
    /// Prefix that was removed from the file's names.
    pub prefix: String,
    /// Tensors of the model in its order.
    pub tensors: Vec<InitTensor>,
    /// Tensors of the file that were not used.
    pub unused: Vec<String>,
}

/// A tensor of the model, and whether it was loaded.
#[derive(Debug, Clone, Serialize)]
pub struct InitTensor {
    pub name: String,
    pub shape: Vec<usize>,
    #[serde(flatten)]
    pub fate: InitOutcome,
}

impl InitReport {
    /// Summarises the report: `weights.pt: 45 of 52 tensors loaded by name, 3 of another shape, 4 not in the file (...)`.
    pub fn summary(&self) -> String {
        let count = |f: fn(&InitOutcome) -> bool| self.tensors.iter().filter(|row| f(&row.fate)).count();
        let by_name = count(|f| matches!(f, InitOutcome::Loaded { .. }));
        let by_order = count(|f| matches!(f, InitOutcome::LoadedByOrder { .. }));
        let shape = count(|f| matches!(f, InitOutcome::ShapeDiffers { .. }));
        let missing = count(|f| matches!(f, InitOutcome::Missing));
        let all = self.tensors.len();
        let mut text = match by_order {
            0 => format!("{by_name} of {all} tensors loaded by name"),
            _ => format!("{by_order} of {all} tensors loaded by order, since no name fits"),
        };
        for (n, what) in [(shape, "of another shape"), (missing, "not in the file")] {
            if n > 0 {
                text += &format!(", {n} {what}");
            }
        }
        if shape + missing > 0 {
            text += " (they keep their initial values)";
        }
        match self.unused.len() {
            0 => format!("{}: {text}", self.file.display()),
            n => format!("{}: {text}; {n} of the file unused", self.file.display()),
        }
    }
}

/// Loads the matching tensors of a file or a run folder into the network. Errors: no tensor matches.
pub fn init(network: Network, from: &Path) -> Result<(Network, InitReport)> {
    let path = if from.is_dir() { RunFolder::new(from).checkpoint()? } else { from.to_path_buf() };
    let WeightFile { tensors: given, ordered, others } = read_weight_file(&path)?;
    let model = weights::layout(&network);
    let entries: Vec<NamedShape> = given.iter().map(|t| (t.name.clone(), t.shape.clone())).collect();
    let Some(found) = match_tensors(&model, &entries, ordered) else {
        return Err(nothing_fits(&path, &network, &model, &entries));
    };
    let mut by_name: HashMap<String, NamedTensor> = given.into_iter().map(|t| (t.name.clone(), t)).collect();
    let tensors = weights::tensors(&network).into_iter().zip(&found.fates).map(|(own, fate)| {
        let new = fate.source().and_then(|from| by_name.remove(from));
        NamedTensor { values: new.map_or(own.values, |t| t.values), ..own }
    });
    let tensors = tensors.collect();
    let row = |((name, shape), fate)| InitTensor { name, shape, fate };
    let rows = model.into_iter().zip(found.fates).map(row).collect();
    let unused = found.unused.into_iter().chain(others).collect();
    let report = InitReport { file: path, prefix: found.prefix, tensors: rows, unused };
    Ok((weights::load(network, tensors)?, report))
}

fn read_weight_file(path: &Path) -> Result<WeightFile> {
    if !path.exists() {
        return Err(problem!(
            E0701,
            path,
            "no such file or run folder with initial weights";
            help: "`init` accepts safetensors, a PyTorch file or a folder that `npc train` wrote"
        ));
    }
    let is = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    if ["pt", "pth", "bin", "ckpt"].into_iter().any(is) {
        return pytorch::read(path);
    }
    let (tensors, ordered) = checkpoint::read_weights(path)?;
    Ok(WeightFile { tensors, ordered, others: Vec::new() })
}

/// Maximum number of names in a message.
const SHOWN: usize = 3;

fn nothing_fits(path: &Path, network: &Network, model: &[NamedShape], file: &[NamedShape]) -> RunError {
    let first = |list: &[NamedShape]| {
        let names: Vec<_> = list.iter().take(SHOWN).map(|(name, shape)| format!("`{name}` {shape:?}")).collect();
        format!("{} tensors: {}{}", list.len(), names.join(", "), if list.len() > SHOWN { ", ..." } else { "" })
    };
    problem!(
        E0720,
        path,
        "no tensor of this file fits the model `{}`, by name or by order",
        network.plan().name;
        help: "the file has {}", first(file);
        help: "the model has {}", first(model);
        help: "rename the tensors in Python, or give the model's blocks the names of the file"
    )
}
