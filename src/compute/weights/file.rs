//! safetensors files (huggingface.co/docs/safetensors): eight bytes with the length of a JSON header, the header, the
//! numbers.
//!
//! Files are written here and not by the crate `safetensors`, whose metadata is a hash map, so that equal weights have
//! equal files, in declaration order. The crate reads them and checks every offset.

use super::NamedTensor;
use super::numbers::is_counter;
use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use crate::base::shorten::short_name;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes a file completely, or leaves the old one unchanged.
pub fn write_safetensors(path: &Path, tensors: &[NamedTensor], metadata: &BTreeMap<String, String>) -> Result<()> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".into(), json!(metadata));
    }
    let mut end = 0;
    for tensor in tensors {
        let start = end;
        end += tensor.values.len() * size_of::<f32>();
        let entry = json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end]});
        header.insert(tensor.name.clone(), entry);
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // The format requires numbers to start at a multiple of eight.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = Vec::with_capacity(8 + header.len() + end);
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.append(&mut header);
    for tensor in tensors {
        tensor.values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    }
    write_atomic(path, &bytes)
}

/// Reads a file's tensors, sorted by name, and its metadata. Counters of PyTorch's batch norm are skipped; any other
/// tensor that does not contain 32-bit floats is an error.
pub fn read_safetensors(path: &Path) -> Result<(Vec<NamedTensor>, BTreeMap<String, String>)> {
    let (mut tensors, metadata) = read_safetensors_in_order(path)?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, metadata))
}

/// As [`read_safetensors`], with tensors in the order of their numbers in the file.
pub(crate) fn read_safetensors_in_order(path: &Path) -> Result<(Vec<NamedTensor>, BTreeMap<String, String>)> {
    let bytes = file::read(path, file::WEIGHTS_BYTES).map_err(|error| RunError::read(path, error))?;
    let refused = |error: SafeTensorError| refusal(path, &error);
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(refused)?;
    let read = SafeTensors::deserialize(&bytes).map_err(refused)?;
    let mut tensors = Vec::with_capacity(read.len());
    let mut views: Vec<_> = read.iter().collect();
    // All are slices of `bytes`; empty ones have equal addresses.
    views.sort_by(|(a, x), (b, y)| (x.data().as_ptr(), a).cmp(&(y.data().as_ptr(), b)));
    for (name, view) in views {
        if is_counter(name) {
            continue;
        }
        if view.dtype() != Dtype::F32 {
            let dtype = view.dtype();
            return Err(
                problem!(E0704, path, "tensor `{}` has type {dtype:?}, but only 32-bit floats (F32) are supported", short_name(name);
                help: "convert it with `tensor.float()` in PyTorch"),
            );
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        tensors.push(NamedTensor { name: name.to_string(), shape: view.shape().to_vec(), values });
    }
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    Ok((tensors, metadata))
}

fn refusal(path: &Path, error: &SafeTensorError) -> RunError {
    let error = match error {
        SafeTensorError::MetadataIncompleteBuffer => {
            problem!(E0703, path, "truncated or damaged: the size of the file does not match its header")
        }
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::HeaderTooLarge
        | SafeTensorError::InvalidHeader(_)
        | SafeTensorError::InvalidHeaderDeserialization(_) => problem!(E0703, path, "not a safetensors file"),
        other => return problem!(E0703, path, "damaged safetensors file: {other}"),
    };
    error.help("an interrupted copy or download may cause this: compare the file sizes, or copy the file again")
}
