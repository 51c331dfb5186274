//! What a block is given when it is tried alone: values for its hyper-parameters, sizes for the names among its dims.

use crate::graph::elaborate::EvalValue;
use crate::graph::resolve::ResolvedProgram;
use crate::graph::ty::Dim;
use crate::text::syntax::ast::*;

/// Heights and widths of the image behind `h` and `w`: powers of two, one with a factor of 3, a small one.
const IMAGES: [usize; 3] = [64, 192, 16];
/// Given to every integer alike once different ones were refused.
const INTS: [i64; 7] = [16, 1, 2, 3, 4, 8, 32];
const LISTS: [&[i64]; 2] = [&[1, 3, 5], &[16, 32, 64, 128]];
/// Choices of enum cases and booleans that are tried at most.
const MAX_CHOICES: usize = 32;

pub(super) type ParamChoice<'a> = Vec<(&'a Param, EvalValue)>;

/// Every choice of enum cases and booleans. `None` where a parameter has no samples.
pub(super) fn enumerate_choices<'a>(program: &ResolvedProgram<'a>, block: &'a Block) -> Option<Vec<ParamChoice<'a>>> {
    let mut all: Vec<ParamChoice<'a>> = vec![Vec::new()];
    for param in &block.params {
        let cases: Vec<EvalValue> = match &param.ty.kind {
            ParamTypeKind::Index(_) => return None,
            ParamTypeKind::Scalar(of) => match of.node.as_str() {
                "bool" => vec![EvalValue::Bool(true), EvalValue::Bool(false)],
                "string" if param.default.is_none() => return None,
                "int" | "float" | "string" => continue,
                name => {
                    let cases = &program.enums.get(name)?.cases;
                    let case = |c: &Ident| EvalValue::Case { of: name.to_string(), case: c.node.clone() };
                    cases.iter().map(case).collect()
                }
            },
            ParamTypeKind::List(of) if of.node == "string" && param.default.is_none() => return None,
            ParamTypeKind::List(_) | ParamTypeKind::Tensor(_) => continue,
        };
        let with = |chosen: &ParamChoice<'a>, case: &EvalValue| {
            let mut chosen = chosen.clone();
            chosen.push((param, case.clone()));
            chosen
        };
        all =
            all.iter().flat_map(|chosen| cases.iter().map(move |case| with(chosen, case))).take(MAX_CHOICES).collect();
    }
    Some(all)
}

/// What stands for the numbers that a block leaves open.
#[derive(Clone, Copy)]
pub(super) struct BlockSample {
    pub image: usize,
    /// For every integer; `None` for 16, 32, 48 and so on.
    int: Option<i64>,
    /// Of the first name of channels, and what each further one has more.
    channels: (usize, usize),
    list: usize,
}

impl BlockSample {
    /// Those that tell most apart first.
    pub(super) fn all() -> impl Iterator<Item = BlockSample> {
        IMAGES.into_iter().flat_map(|image| {
            let distinct = [(None, (24, 16), 0), (None, (24, 16), 1)];
            let alike = INTS.into_iter().flat_map(|n| [(Some(n), (24, 16), 0), (Some(n), (32, 0), 1)]);
            let of = move |(int, channels, list)| BlockSample { image, int, channels, list };
            distinct.into_iter().chain(alike).map(of)
        })
    }

    /// For a parameter without a default, the `nth` integer among them.
    pub(super) fn value(self, program: &ResolvedProgram<'_>, ty: &ParamType, nth: &mut i64) -> Option<EvalValue> {
        match &ty.kind {
            ParamTypeKind::Scalar(of) => match of.node.as_str() {
                "int" => {
                    *nth += 1;
                    Some(EvalValue::Int(self.int.unwrap_or(16 * *nth)))
                }
                "float" => Some(EvalValue::Float(0.5)),
                _ => None,
            },
            ParamTypeKind::List(of) => {
                let numbers = LISTS[self.list].iter();
                Some(EvalValue::List(match of.node.as_str() {
                    "int" => numbers.map(|&n| EvalValue::Int(n)).collect(),
                    "float" => numbers.map(|&n| EvalValue::Float(0.5 / n as f64)).collect(),
                    "bool" => numbers.enumerate().map(|(i, _)| EvalValue::Bool(i % 2 == 0)).collect(),
                    name => {
                        let case = |c: &Ident| EvalValue::Case { of: name.to_string(), case: c.node.clone() };
                        program.enums.get(name)?.cases.iter().map(case).collect()
                    }
                }))
            }
            ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_) => None,
        }
    }
}

/// Deals out sizes to names, another one each time.
pub(super) struct SampleSizes {
    channels: (usize, usize),
    /// Names drawn for heights and for widths.
    drawn: [i64; 2],
}

impl SampleSizes {
    pub(super) fn of(sample: BlockSample) -> Self {
        Self { channels: sample.channels, drawn: [0; 2] }
    }

    pub(super) fn draw(&mut self, axis: usize, image: usize) -> Option<EvalValue> {
        if axis == 0 {
            let n = self.channels.0;
            self.channels.0 += self.channels.1;
            return Some(EvalValue::Int(n as i64));
        }
        let drawn = self.drawn.get_mut(axis - 1)?;
        *drawn += 1;
        let side = if axis == 1 { Dim::height() } else { Dim::width() };
        Some(EvalValue::Dim(image as i64 * *drawn, side.times_n((*drawn).into())?))
    }
}
