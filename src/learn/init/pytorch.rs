//! Reads the tensors of a PyTorch file (`torch.save` of a state dict, of a checkpoint that contains one, or of a module).
//!
//! The crate `pytorch-reader` reads the pickle without executing it. It returns tensors without order; the order of declaration is
//! the order of their names in the pickle, which is searched for them.

use super::outcome::NamedShape;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use crate::compute::weights::is_counter;
use pytorch_reader::{DType, PytorchReader};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The names and shapes of a file. Numbers are read when a tensor is taken: a view of one number can have any shape.
pub(super) struct PytorchFile {
    reader: PytorchReader,
    path: PathBuf,
    /// Tensors of floats, in the order of declaration if `ordered`, else by name.
    pub names: Vec<NamedShape>,
    pub ordered: bool,
    /// Names of integer and boolean tensors and of batch norm's counters, which are not weights.
    pub others: Vec<String>,
}

impl PytorchFile {
    /// Reads what the file declares.
    pub(super) fn declared_by(path: &Path) -> Result<PytorchFile> {
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
        let mut found =
            PytorchFile { reader, path: path.to_path_buf(), names: Vec::new(), ordered, others: Vec::new() };
        for (name, _) in names {
            let tensor = found.reader.get(&name).expect("the name is one of its keys");
            let shape = tensor.shape().to_vec();
            match float_reader(tensor.dtype()).is_some() && !is_counter(&name) {
                true => found.names.push((name, shape)),
                false => found.others.push(name),
            }
        }
        Ok(found)
    }

    /// Reads the numbers of one of `names`.
    pub(super) fn values(&self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.reader.get(name).expect("the name is one of its keys");
        let bytes = tensor.read().map_err(|e| problem!(E0703, &self.path, "the file is truncated or damaged: {e}"))?;
        Ok(floats(tensor.dtype(), &bytes))
    }
}

/// Converts the bytes of one float.
type FloatReader = fn(&[u8]) -> f32;

/// Returns the number of bytes of a float type and its conversion to 32 bits; `None` for other types.
fn float_reader(dtype: DType) -> Option<(usize, FloatReader)> {
    match dtype {
        DType::F32 => Some((4, |b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]))),
        DType::F64 => Some((8, |b| f64::from_ne_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32)),
        DType::F16 => Some((2, |b| half(u16::from_ne_bytes([b[0], b[1]])))),
        // A bfloat16 is the upper half of the 32-bit float with the same value.
        DType::BF16 => Some((2, |b| f32::from_bits(u32::from(u16::from_ne_bytes([b[0], b[1]])) << 16))),
        DType::I64
        | DType::I32
        | DType::I16
        | DType::I8
        | DType::U64
        | DType::U32
        | DType::U16
        | DType::U8
        | DType::Bool => None,
    }
}

/// Converts floats of any width to 32 bits; a tensor of another type has none.
fn floats(dtype: DType, bytes: &[u8]) -> Vec<f32> {
    let Some((width, read)) = float_reader(dtype) else { return Vec::new() };
    bytes.chunks_exact(width).map(read).collect()
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
/// Length in bytes below which a key is searched for.
const MAX_KEY: usize = 512;

/// Returns the ends of a name that may be a key: `state_dict.conv.weight` is `conv.weight` in a dictionary of that name.
/// The longest is first. Ends that are too long to be searched for are left out, since a name may be of any length.
fn possible_keys(name: &str) -> impl Iterator<Item = &str> {
    let first = name.len().saturating_sub(MAX_KEY - 1);
    let dots = name.as_bytes()[first.saturating_sub(1)..].iter().enumerate().filter(|(_, b)| **b == b'.');
    let starts = dots.map(move |(i, _)| first.saturating_sub(1) + i + 1);
    let whole = (first == 0).then_some(0);
    whole.into_iter().chain(starts).map(|start| &name[start..])
}

/// Fills in the offset of each name in the file. Returns false if a name is not found or two names have the same offset.
fn find_declaration_order(path: &Path, names: &mut [(String, Option<usize>)]) -> Result<bool> {
    let failed = |e| RunError::read(path, e);
    let head = file::read_head(path, SEARCHED).map_err(failed)?;
    let mut found: HashMap<&[u8], Option<usize>> =
        names.iter().flat_map(|(name, _)| possible_keys(name)).map(|key| (key.as_bytes(), None)).collect();
    // The hash of a whole key at every byte of the file would take too long, so its length and its end are compared first.
    let ending = |text: &[u8]| (text.len(), text.iter().rev().take(4).fold(0u32, |all, b| all << 8 | u32::from(*b)));
    let endings: HashSet<(usize, u32)> = found.keys().map(|key| ending(key)).collect();
    // A key is a length, in four bytes or one, and a text: BINUNICODE or SHORT_BINUNICODE.
    for at in 0..head.len() {
        let (start, length) = match head[at..] {
            [b'X', a, b, c, d, ..] => (at + 5, u32::from_le_bytes([a, b, c, d]) as usize),
            [0x8c, n, ..] => (at + 2, usize::from(n)),
            _ => continue,
        };
        let text = start.checked_add(length).and_then(|end| head.get(start..end));
        let Some(text) = text.filter(|text| text.len() < MAX_KEY && endings.contains(&ending(text))) else { continue };
        if let Some(place) = found.get_mut(text) {
            place.get_or_insert(at);
        }
    }
    let place = |name: &str| possible_keys(name).find_map(|key| found.get(key.as_bytes()).copied().flatten());
    let mut places: Vec<Option<usize>> = names.iter().map(|(name, _)| place(name)).collect();
    names.iter_mut().zip(&places).for_each(|((_, at), place)| *at = *place);
    places.sort_unstable();
    Ok(places.iter().all(Option::is_some) && places.windows(2).all(|w| w[0] != w[1]))
}

#[cfg(test)]
mod tests {
    use super::{half, possible_keys};

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

    #[test]
    fn only_the_ends_of_a_name_that_may_be_keys_are_searched_for() {
        let keys = |name: &'static str| possible_keys(name).collect::<Vec<_>>();
        assert_eq!(keys("a.b.weight"), ["a.b.weight", "b.weight", "weight"]);
        let long = format!("{}conv.weight", "a.".repeat(500_000));
        let keys: Vec<_> = possible_keys(&long).collect();
        assert!(keys.len() < 300 && keys.iter().all(|key| key.len() < 512), "{}", keys.len());
        assert_eq!(keys.last(), Some(&"weight"));
        let umlaut = format!("{}.weight", "ä".repeat(400));
        assert_eq!(possible_keys(&umlaut).collect::<Vec<_>>(), ["weight"]);
    }
}
