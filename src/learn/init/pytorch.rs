//! Reads the tensors of a PyTorch file (`torch.save` of a state dict, of a checkpoint that contains one, or of a module).
//!
//! The crate `pytorch-reader` reads the pickle without executing it. It returns tensors without order; the order of declaration is
//! the order of their names in the pickle, which is searched for them.

use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use crate::compute::weights::NamedTensor;
use pytorch_reader::{DType, PytorchReader};
use std::collections::HashMap;
use std::path::Path;

/// The tensors of a file of weights, in any format.
pub(super) struct WeightFile {
    /// Tensors in the order of declaration if `ordered`, else by name.
    pub tensors: Vec<NamedTensor>,
    pub ordered: bool,
    /// Names of integer and boolean tensors, such as batch norm's counters, which are not weights.
    pub others: Vec<String>,
}

pub(super) fn read(path: &Path) -> Result<WeightFile> {
    // The reader opens the file itself, and would wait for a pipe.
    file::open(path).map_err(|e| RunError::read(path, e))?;
    let reader = PytorchReader::new(path).map_err(|e| {
        problem!(
            E0704,
            path,
            "not a readable PyTorch file: {e}";
            help: "`torch.save(model.state_dict(), \"weights.pt\")` writes one"
        )
    })?;
    let mut names: Vec<(String, Option<usize>)> = reader.keys().into_iter().map(|name| (name, None)).collect();
    names.sort();
    let ordered = find_declaration_order(path, &mut names)?;
    if ordered {
        names.sort_by_key(|(_, at)| *at);
    }
    let mut given = WeightFile { tensors: Vec::new(), ordered, others: Vec::new() };
    for (name, _) in names {
        let tensor = reader.get(&name).expect("the name is one of its keys");
        let bytes = || tensor.read().map_err(|e| problem!(E0703, path, "the file is truncated or damaged: {e}"));
        match floats(tensor.dtype(), bytes)? {
            Some(values) => given.tensors.push(NamedTensor { name, shape: tensor.shape().to_vec(), values }),
            None => given.others.push(name),
        }
    }
    Ok(given)
}

/// Converts a tensor of floats of any width to 32 bits; `None` for other types.
fn floats(dtype: DType, bytes: impl FnOnce() -> Result<Vec<u8>>) -> Result<Option<Vec<f32>>> {
    // A bfloat16 is the upper half of the 32-bit float with the same value.
    let bf16 = |b: &[u8]| f32::from_bits(u32::from(u16::from_ne_bytes([b[0], b[1]])) << 16);
    let f16 = |b: &[u8]| half(u16::from_ne_bytes([b[0], b[1]]));
    let f32 = |b: &[u8]| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
    let f64 = |b: &[u8]| f64::from_ne_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32;
    Ok(Some(match dtype {
        DType::F32 => bytes()?.chunks_exact(4).map(f32).collect(),
        DType::F64 => bytes()?.chunks_exact(8).map(f64).collect(),
        DType::F16 => bytes()?.chunks_exact(2).map(f16).collect(),
        DType::BF16 => bytes()?.chunks_exact(2).map(bf16).collect(),
        DType::I64
        | DType::I32
        | DType::I16
        | DType::I8
        | DType::U64
        | DType::U32
        | DType::U16
        | DType::U8
        | DType::Bool => return Ok(None),
    }))
}

/// Converts an IEEE 754 binary16 number: 5 bits of exponent, 10 of fraction.
pub(super) fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// Number of bytes that are searched for names. `torch.save` writes the pickle uncompressed, before the numbers.
const SEARCHED: u64 = 64 << 20;

/// Fills in the offset of each name in the file. Returns false if a name is not found or two names have the same offset.
fn find_declaration_order(path: &Path, names: &mut [(String, Option<usize>)]) -> Result<bool> {
    let failed = |e| RunError::read(path, e);
    let head = file::read_head(path, SEARCHED).map_err(failed)?;
    // A key is a length, in four bytes or one, and a text: BINUNICODE or SHORT_BINUNICODE.
    let mut found: HashMap<&[u8], usize> = HashMap::new();
    for at in 0..head.len() {
        let (start, length) = match head[at..] {
            [b'X', a, b, c, d, ..] => (at + 5, u32::from_le_bytes([a, b, c, d]) as usize),
            [0x8c, n, ..] => (at + 2, usize::from(n)),
            _ => continue,
        };
        if let Some(text) = start.checked_add(length).and_then(|end| head.get(start..end)).filter(|t| t.len() < 512) {
            found.entry(text).or_insert(at);
        }
    }
    for (name, at) in names.iter_mut() {
        // `state_dict.conv.weight` is `conv.weight` in a dictionary of that name.
        let suffixes = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
        *at = suffixes.filter_map(|start| found.get(&name.as_bytes()[start..]).copied()).next();
    }
    let mut places: Vec<_> = names.iter().map(|(_, at)| *at).collect();
    places.sort_unstable();
    Ok(places.iter().all(Option::is_some) && places.windows(2).all(|w| w[0] != w[1]))
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_floats_are_those_of_the_standard() {
        // numpy.array(x, dtype="float16").view("uint16")
        let known =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x0001, 5.960_464_5e-8), (0x7bff, 65504.0), (0x2e66, 0.099_975_586)];
        for (bits, value) in known {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0xfc00), f32::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
    }
}
