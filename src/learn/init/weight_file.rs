//! A file of weights in any format: names and shapes first, numbers of the tensors that are taken.

use super::outcome::NamedShape;
use super::pytorch::PytorchFile;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::weights::{NamedTensor, check_numbers};
use crate::learn::checkpoint;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The tensors of a file of weights.
pub(super) struct WeightFile {
    path: PathBuf,
    content: WeightContent,
}

enum WeightContent {
    /// Tensors of a safetensors file, and whether they are in the order of declaration.
    Safetensors {
        names: Vec<NamedShape>,
        values: HashMap<String, Vec<f32>>,
        ordered: bool,
    },
    Pytorch(PytorchFile),
}

impl WeightFile {
    /// Reads the names and shapes of a file.
    pub(super) fn declared_by(path: &Path) -> Result<WeightFile> {
        if !path.exists() {
            return Err(problem!(
                E0701,
                path,
                "no such file or run folder with initial weights";
                help: "`init` accepts safetensors, a PyTorch file or a folder that `npc train` wrote"
            ));
        }
        let is = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
        let content = if ["pt", "pth", "bin", "ckpt"].into_iter().any(is) {
            WeightContent::Pytorch(PytorchFile::declared_by(path)?)
        } else {
            let (tensors, ordered) = checkpoint::read_weights(path)?;
            let names = tensors.iter().map(|t| (t.name.clone(), t.shape.clone())).collect();
            let values = tensors.into_iter().map(|t| (t.name, t.values)).collect();
            WeightContent::Safetensors { names, values, ordered }
        };
        Ok(WeightFile { path: path.to_path_buf(), content })
    }

    /// Names and shapes of the tensors of floats.
    pub(super) fn names(&self) -> &[NamedShape] {
        match &self.content {
            WeightContent::Safetensors { names, .. } => names,
            WeightContent::Pytorch(file) => &file.names,
        }
    }

    /// Whether the tensors are in the order of declaration.
    pub(super) fn ordered(&self) -> bool {
        match &self.content {
            WeightContent::Safetensors { ordered, .. } => *ordered,
            WeightContent::Pytorch(file) => file.ordered,
        }
    }

    /// Returns the numbers of one of the names, each at most once. Errors: the file is cut off, or a number is not finite.
    pub(super) fn take(&mut self, name: &str) -> Result<Vec<f32>> {
        let values = match &mut self.content {
            WeightContent::Safetensors { values, .. } => values.remove(name).unwrap_or_default(),
            WeightContent::Pytorch(file) => file.values(name)?,
        };
        let tensor = NamedTensor { name: name.to_string(), shape: vec![values.len()], values };
        check_numbers(&tensor).map_err(|error| RunError { path: Some(self.path.clone()), ..error })?;
        Ok(tensor.values)
    }

    /// Returns the names of tensors that are not weights.
    pub(super) fn into_others(self) -> Vec<String> {
        match self.content {
            WeightContent::Safetensors { .. } => Vec::new(),
            WeightContent::Pytorch(file) => file.others,
        }
    }
}
