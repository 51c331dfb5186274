//! Initial weights from a file: a run of npc, safetensors, or PyTorch.
//!
//! Matching tensors are loaded, the others keep their random values. The report lists every tensor.

mod matching;
mod order;
mod outcome;
mod pytorch;
mod weight_file;

use crate::base::count::{counted, counted_of};
pub use order::ExchangeableTensors;
pub use outcome::InitOutcome;

use super::run_folder::RunFolder;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::base::shorten::{shape_text, short_name};
use crate::compute::network::Network;
use crate::compute::weights;
use matching::match_tensors;
use outcome::NamedShape;
use serde::Serialize;
use std::path::{Path, PathBuf};
use weight_file::WeightFile;

/// `init.json`: for every tensor, whether it was loaded.
#[derive(Debug, Clone, Serialize)]
pub struct InitReport {
    #[serde(serialize_with = "crate::base::path::lossy::one")]
    pub file: PathBuf,
    /// Prefix that was removed from the file's names.
    pub prefix: String,
    /// Other prefixes under which the file has as many tensors that fit. Their numbers were not used.
    pub other_prefixes: Vec<String>,
    /// Tensors that were matched by order, and that nothing else tells apart.
    pub exchangeable: Vec<ExchangeableTensors>,
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
            0 if self.prefix.is_empty() => format!("{} loaded by name", counted_of(by_name, all, "tensor")),
            0 => {
                format!(
                    "{} loaded by name, without the prefix `{}`",
                    counted_of(by_name, all, "tensor"),
                    short_name(&self.prefix)
                )
            }
            _ => format!("{} loaded by order, since no name fits", counted_of(by_order, all, "tensor")),
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

/// Largest number of doubts of one kind that are printed. `init.json` has all.
const SHOWN_DOUBTS: usize = 5;

impl InitReport {
    /// Returns a line for each choice that neither a name nor a shape decided.
    pub fn doubts(&self) -> Vec<String> {
        let other_prefixes = self.other_prefixes.iter().take(SHOWN_DOUBTS).map(|other| {
            let taken = match &self.prefix[..] {
                "" => "those without a prefix".to_string(),
                prefix => format!("those under `{}`", short_name(prefix)),
            };
            format!("the file has as many fitting tensors under `{}`; {taken} were loaded", short_name(other))
        });
        let exchangeable = self.exchangeable.iter().take(SHOWN_DOUBTS).map(ExchangeableTensors::text);
        let mut lines: Vec<String> = other_prefixes.chain(exchangeable).collect();
        match self.exchangeable.len() {
            0 => {}
            n => {
                if n > SHOWN_DOUBTS {
                    lines.push(format!(
                        "tensors of {} were matched by order alone",
                        counted(n - SHOWN_DOUBTS, "more shape")
                    ));
                }
                lines.push(
                    "check that the model declares its layers in the order of the file: another order of equal shapes \
                     loads without an error and computes something else"
                        .into(),
                );
            }
        }
        lines
    }
}

/// Loads the matching tensors of a file or a run folder into the network. Errors: no tensor matches, or one that matches holds
/// numbers that are not finite.
pub fn init(network: Network, from: &Path) -> Result<(Network, InitReport)> {
    let path = if from.is_dir() { RunFolder::new(from).checkpoint()? } else { from.to_path_buf() };
    let mut file = WeightFile::declared_by(&path)?;
    let model = weights::layout(&network);
    let found = match match_tensors(&model, file.names(), file.ordered()) {
        Ok(found) => found,
        Err(order) => return Err(nothing_fits(&path, &network, &model, file.names(), &order)),
    };
    let mut tensors = weights::tensors(&network);
    for (own, fate) in tensors.iter_mut().zip(&found.fates) {
        if let Some(from) = fate.source() {
            own.values = file.take(from)?;
        }
    }
    let row = |((name, shape), fate)| InitTensor { name, shape, fate };
    let rows = model.into_iter().zip(found.fates).map(row).collect();
    let unused = found.unused.into_iter().chain(file.into_others()).collect();
    let network = weights::load(network, tensors).map_err(|error| RunError { path: Some(path.clone()), ..error })?;
    let report = InitReport {
        file: path,
        prefix: found.prefix,
        other_prefixes: found.other_prefixes,
        exchangeable: found.exchangeable,
        tensors: rows,
        unused,
    };
    Ok((network, report))
}

/// Maximum number of names in a message.
const SHOWN: usize = 3;

fn nothing_fits(path: &Path, network: &Network, model: &[NamedShape], file: &[NamedShape], order: &str) -> RunError {
    let first = |list: &[NamedShape]| {
        let text = |(name, shape): &NamedShape| format!("`{}` {}", short_name(name), shape_text(shape));
        let names: Vec<_> = list.iter().take(SHOWN).map(text).collect();
        format!(
            "{}: {}{}",
            counted(list.len(), "tensor"),
            names.join(", "),
            if list.len() > SHOWN { ", ..." } else { "" }
        )
    };
    problem!(
        E0720,
        path,
        "no tensor of this file fits the model `{}`, by name or by order",
        network.plan().name;
        help: "the file has {}", first(file);
        help: "the model has {}", first(model);
        help: "nothing is loaded by order, since {order}";
        help: "rename the tensors in Python, or give the model's blocks the names of the file"
    )
}
