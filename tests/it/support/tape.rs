//! Choices for generators: numbers from a list of another generator (proptest, a fuzzer), or from a seed.

use npc::graph::op::signature::OperatorArgs;
use npc::graph::op::{ArgKind, ArgValue, ConvPadding, Op, Signature};

/// A sequence of choices. Past the end of a list every choice is 0; a seeded sequence has no end.
pub struct Tape<'a>(Source<'a>);

enum Source<'a> {
    List(std::slice::Iter<'a, u32>),
    Seed(u64),
}

impl<'a> Tape<'a> {
    pub fn new(choices: &'a [u32]) -> Self {
        Self(Source::List(choices.iter()))
    }

    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seed(seed))
    }

    /// Whether the list is used up.
    pub fn ended(&self) -> bool {
        match &self.0 {
            Source::List(rest) => rest.len() == 0,
            Source::Seed(_) => false,
        }
    }

    fn next(&mut self) -> u32 {
        match &mut self.0 {
            Source::List(rest) => rest.next().copied().unwrap_or(0),
            Source::Seed(state) => {
                // SplitMix64 (Steele, Lea and Flood 2014).
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((z ^ (z >> 31)) >> 32) as u32
            }
        }
    }

    /// A number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n.max(1)
    }

    fn pair(&mut self, min: usize) -> [usize; 2] {
        let a = min + self.below(4);
        if self.below(2) == 0 { [a, a] } else { [a, min + self.below(4)] }
    }

    fn value(&mut self, kind: ArgKind) -> ArgValue {
        match kind {
            ArgKind::Int { min } => ArgValue::Int(min + self.below(6)),
            ArgKind::Pair { min } => ArgValue::Pair(self.pair(min)),
            ArgKind::Pad if self.below(2) == 0 => ArgValue::Pad(ConvPadding::Same),
            ArgKind::Pad => ArgValue::Pad(ConvPadding::Explicit(self.pair(0))),
            ArgKind::Float => ArgValue::Float([0.5, 0.0, 1.0, -0.5, 1e-5, 0.99, 2.0, 1e30][self.below(8)]),
            ArgKind::Bool => ArgValue::Bool(self.below(2) == 1),
            ArgKind::Word(words) => ArgValue::Word(words[self.below(words.len())]),
            ArgKind::Size if self.below(2) == 0 => ArgValue::Like,
            ArgKind::Sides => ArgValue::Sides([0; 4].map(|_: usize| self.below(4))),
            ArgKind::Dims => {
                let mut dims = vec![None; [1, 3][self.below(2)]];
                dims.iter_mut().skip(1).for_each(|d| *d = Some(1 + self.below(4)));
                let turn = self.below(dims.len());
                dims.rotate_left(turn);
                ArgValue::Dims(dims)
            }
            ArgKind::Size => ArgValue::Size([1 + self.below(12), 1 + self.below(12)]),
        }
    }

    /// Returns an operator with settings that a file could have, and those settings; `None` where the signature refuses
    /// them.
    pub fn operator(&mut self, signature: &Signature) -> Option<(Op, OperatorArgs)> {
        let mut args = OperatorArgs::default();
        for arg in signature.args {
            if arg.required || self.below(3) == 0 {
                args.0.push((arg.name, self.value(arg.kind)));
            }
        }
        Some(((signature.build)(&args).ok()?, args))
    }
}
