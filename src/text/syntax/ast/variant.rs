//! Variants and sweeps: models with other hyper-parameters.

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
    /// Fixed hyper-parameters, in the order written.
    pub args: Vec<Arg>,
}

/// `sweep ablation = NPNet(attention = none | se | cam, reduction = 2 | 4 | 8) | UNet keep where params < 1M`
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Name of the sweep, as in `npc sweep FILE NAME`.
    pub name: Ident,
    /// The models that are compared.
    pub models: SweepModels,
}

/// The models of a sweep.
#[derive(Debug, Clone)]
pub struct SweepModels {
    /// One or more grids, in the order written.
    pub grids: Vec<ModelGrid>,
    /// Bounds after `keep where`, all of which a model must satisfy to be kept. None is `refuted`.
    pub keep: Vec<Claim>,
    /// Span of the word `keep`.
    pub keep_at: Option<Span>,
}

/// A model or variant with every combination of some values.
#[derive(Debug, Clone)]
pub struct ModelGrid {
    /// Name of the model or variant.
    pub base: Ident,
    /// Each hyper-parameter with its values; `16..65 step 16` is expanded to 16, 32, 48 and 64.
    pub args: Vec<(Ident, Vec<Expr>)>,
}
