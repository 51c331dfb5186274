//! Sample arguments for a block that is checked by itself: values of hyper-parameters, sizes of the names among its dims.

use crate::graph::elaborate::EvalValue;
use crate::graph::resolve::ResolvedProgram;
use crate::graph::ty::Dim;
use crate::text::syntax::ast::*;

/// Heights and widths of the image that `h` and `w` follow from: powers of two, one with a factor of 3, a small one.
const IMAGES: [usize; 3] = [64, 192, 16];
/// Values that all integers get alike, after distinct values were refused.
const INTS: [i64; 7] = [16, 1, 2, 3, 4, 8, 32];
const LISTS: [&[i64]; 2] = [&[1, 3, 5], &[16, 32, 64, 128]];
/// The largest number of choices of enum cases and booleans that are checked.
const MAX_CHOICES: usize = 32;
/// Channels of the first name, and the difference from each name to the next.
type ChannelSequence = (usize, usize);

/// One case for each parameter that is an enum or a boolean.
pub(super) type ParamChoice<'a> = Vec<(&'a Param, EvalValue)>;

/// Returns the choices of enum cases and booleans. `None` where a parameter has no samples.
pub(super) fn enumerate_choices<'a>(program: &ResolvedProgram<'a>, block: &'a Block) -> Option<Vec<ParamChoice<'a>>> {
    let mut all: Vec<ParamChoice<'a>> = vec![Vec::new()];
    for param in &block.params {
        let cases = match &param.ty.kind {
            ParamTypeKind::Index(_) => return None,
            ParamTypeKind::Scalar(of) | ParamTypeKind::List(of) if of.node == "string" && param.default.is_none() => {
                return None;
            }
            ParamTypeKind::Scalar(of) if matches!(of.node.as_str(), "int" | "float" | "string") => continue,
            ParamTypeKind::Scalar(of) if of.node == "bool" => vec![EvalValue::Bool(true), EvalValue::Bool(false)],
            ParamTypeKind::Scalar(of) => enum_cases(program, &of.node)?,
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

/// Returns every case of an enum; `None` where there is no enum of this name.
fn enum_cases(program: &ResolvedProgram<'_>, name: &str) -> Option<Vec<EvalValue>> {
    let case = |c: &Ident| EvalValue::Case { of: name.to_string(), case: c.node.clone() };
    Some(program.enums.get(name)?.cases.iter().map(case).collect())
}

/// Values for the numbers that a block leaves open.
#[derive(Clone, Copy)]
pub(super) struct BlockSample {
    /// Height and width of the image, in pixels.
    pub image: usize,
    /// The value of every integer; `None` for 16, 32, 48 and so on.
    int: Option<i64>,
    channels: ChannelSequence,
    /// Index into [`LISTS`].
    list: usize,
}

impl BlockSample {
    /// Returns all samples; those that distinguish most come first.
    pub(super) fn all() -> impl Iterator<Item = BlockSample> {
        let distinct = [(None, (24, 16), 0), (None, (24, 16), 1)];
        let alike = INTS.into_iter().flat_map(|n| [(Some(n), (24, 16), 0), (Some(n), (32, 0), 1)]);
        let numbers: Vec<_> = distinct.into_iter().chain(alike).collect();
        IMAGES.into_iter().flat_map(move |image| {
            let sample = move |(int, channels, list)| BlockSample { image, int, channels, list };
            numbers.clone().into_iter().map(sample)
        })
    }

    /// Returns a value for a parameter without a default; `None` for a type that has no samples. `ints` counts the
    /// integers.
    pub(super) fn value(self, program: &ResolvedProgram<'_>, ty: &ParamType, ints: &mut i64) -> Option<EvalValue> {
        match &ty.kind {
            ParamTypeKind::Scalar(of) if of.node == "int" => {
                *ints += 1;
                Some(EvalValue::Int(self.int.unwrap_or(16 * *ints)))
            }
            ParamTypeKind::Scalar(of) if of.node == "float" => Some(EvalValue::Float(0.5)),
            ParamTypeKind::List(of) => self.list_items(program, &of.node).map(EvalValue::List),
            ParamTypeKind::Scalar(_) | ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_) => None,
        }
    }

    fn list_items(self, program: &ResolvedProgram<'_>, item_type: &str) -> Option<Vec<EvalValue>> {
        let numbers = LISTS[self.list].iter();
        match item_type {
            "int" => Some(numbers.map(|&n| EvalValue::Int(n)).collect()),
            "float" => Some(numbers.map(|&n| EvalValue::Float(0.5 / n as f64)).collect()),
            "bool" => Some(numbers.enumerate().map(|(i, _)| EvalValue::Bool(i % 2 == 0)).collect()),
            name => enum_cases(program, name),
        }
    }
}

/// Assigns sizes to names among dims, another size to each.
pub(super) struct SampleSizes {
    channels: ChannelSequence,
    /// Number of names that got a height and a width.
    drawn: [i64; 2],
}

impl SampleSizes {
    pub(super) fn of(sample: BlockSample) -> Self {
        Self { channels: sample.channels, drawn: [0; 2] }
    }

    /// Returns the size of the next name on an axis: a number of channels on axis 0, else a multiple of the image's
    /// height or width with its formula.
    pub(super) fn draw(&mut self, axis: usize, image: usize) -> Option<EvalValue> {
        if axis == 0 {
            let n = self.channels.0;
            self.channels.0 += self.channels.1;
            return Some(EvalValue::Int(n as i64));
        }
        let drawn = self.drawn.get_mut(axis - 1)?;
        *drawn += 1;
        let side = Dim::image_side(axis);
        Some(EvalValue::Dim(image as i64 * *drawn, side.times_n((*drawn).into())?))
    }
}
