//! Models with other hyper-parameters: one, or many.

use super::claim::Claim;
use super::expr::{Arg, Expr, Ident};
use crate::text::source::Span;

/// `variant NPNet_SE = NPNet(attention = se)`; `base` may be a variant.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Name of the variant.
    pub name: Ident,
    /// Name of the model or variant whose hyper-parameters are fixed.
    pub base: Ident,
    /// Hyper-parameters that it fixes, in the order written.
    pub args: Vec<Arg>,
}

/// `sweep ablation = NPNet(attention = none | se | cam, reduction = 2 | 4 | 8) | UNet keep where params < 1M`
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Name of the sweep, as `npc sweep FILE NAME` takes it.
    pub name: Ident,
    /// The models that are compared.
    pub models: SweepModels,
}

/// What a sweep goes through.
#[derive(Debug, Clone)]
pub struct SweepModels {
    /// One or more grids, one after another.
    pub grids: Vec<ModelGrid>,
    /// What a model must hold to be kept: all of it. None is `refuted`.
    pub keep: Vec<Claim>,
    /// The place of the word `keep`.
    pub keep_at: Option<Span>,
}

/// A model or variant with every combination of some values.
#[derive(Debug, Clone)]
pub struct ModelGrid {
    /// Name of the model or variant.
    pub base: Ident,
    /// Each name with its values; `16..65 step 16` stands there as 16, 32, 48 and 64.
    pub args: Vec<(Ident, Vec<Expr>)>,
}
