//! Costs as formulas in the image's height and width.

use super::Convention;
use crate::graph::check::CheckedGraph;
use crate::graph::ir::{Graph, NodeId, Outlet, Path};
use crate::graph::op::work::{Amount, TensorDims};
use crate::graph::op::{Op, ParamKind};
use crate::graph::ty::{Dim, DimSum, FormulaType, Shape, TensorType};

/// Costs of one node as formulas; `None` where a formula exceeds its limits.
#[derive(Debug, Clone)]
pub struct NodeFormula {
    /// Dotted path of the node in the model.
    pub path: Path,
    /// Name of the operator, as the model language writes it.
    pub op: &'static str,
    /// Type of the node's first output, its dimensions as formulas.
    pub output: FormulaType,
    /// Trainable numbers: the same at every size, unless a linear layer reads a flattened map.
    pub params: Option<Dim>,
    /// Operations of one image, as the convention counts them.
    pub macs: Option<Dim>,
    /// Bytes of the outputs for one image: 4 a number.
    pub bytes: Option<Dim>,
}

/// The costs of a model for one image as formulas; a total is `None` where it exceeds the limits of a
/// formula.
#[derive(Debug, Clone)]
pub struct FormulaReport {
    /// The counting rule that `macs` follow.
    pub convention: Convention,
    /// All nodes in topological order.
    pub nodes: Vec<NodeFormula>,
    /// Trainable numbers of all nodes together.
    pub params: Option<Dim>,
    /// Operations of one image, as the convention counts them.
    pub macs: Option<Dim>,
    /// Bytes of all outputs of all nodes together, for one image: 4 a number.
    pub bytes: Option<Dim>,
}

/// Computes cost formulas. At every size that the contract accepts they equal [`count`](super::count).
pub fn cost_formulas(checked: &CheckedGraph, convention: Convention) -> FormulaReport {
    let graph = checked.graph();
    let nodes: Vec<NodeFormula> = graph.order().into_iter().map(|id| node_formula(graph, id, convention)).collect();
    let total = |part: fn(&NodeFormula) -> Option<&Dim>| {
        let mut total = DimSum::default();
        nodes.iter().for_each(|n| total.add(part(n)));
        total.dim()
    };
    let params = total(|n| n.params.as_ref());
    let macs = total(|n| n.macs.as_ref());
    let bytes = total(|n| n.bytes.as_ref());
    FormulaReport { convention, nodes, params, macs, bytes }
}

fn node_formula(graph: &Graph, id: NodeId, convention: Convention) -> NodeFormula {
    let node = graph.node(id);
    let inputs: Vec<&FormulaType> = graph.inputs(id).into_iter().map(|o| graph.formula(o)).collect();
    let outputs: Vec<&FormulaType> =
        (0..node.outputs.len()).map(|slot| graph.formula(Outlet { node: id, slot })).collect();
    let all_dims = |types: &[&FormulaType]| types.iter().map(|ty| formula_dims(ty)).collect::<Vec<_>>();
    let params = trainable_params(&node.op, &graph.input_types(id), &inputs);
    let trainable = FormulaAmount(params.clone());
    let macs = convention.amount(node.op.work(), &all_dims(&inputs), &all_dims(&outputs), &trainable);
    let elements = outputs.iter().try_fold(Dim::constant(0), |sum, ty| sum.plus(&ty.elements()?));
    NodeFormula {
        path: node.path.clone(),
        op: node.op.name(),
        output: outputs[0].clone(),
        params,
        macs: macs.0,
        bytes: elements.and_then(|n| n.times_n(4)),
    }
}

fn formula_dims(ty: &FormulaType) -> TensorDims<FormulaAmount> {
    ty.dims().iter().map(|d| FormulaAmount(Some(d.clone()))).collect()
}

/// Counts trainable parameters. They depend on an input's channels `c` only, as `a + b * c`, so two counts determine them.
fn trainable_params(op: &Op, types: &[TensorType], inputs: &[&FormulaType]) -> Option<Dim> {
    let trainable = |types: &[TensorType]| -> i128 {
        op.params(types).iter().filter(|p| p.kind == ParamKind::Trainable).map(|p| i128::from(p.elements())).sum()
    };
    let here = trainable(types);
    let Some(channels) = inputs.first().map(|ty| ty.channels()).filter(|c| c.as_const().is_none()) else {
        return Some(Dim::constant(here));
    };
    let mut doubled = types.to_vec();
    let c = types[0].shape().channels();
    let mut dims = types[0].shape().dims().to_vec();
    dims[0] = c.checked_mul(2)?;
    doubled[0] = TensorType::Tensor(Shape::new(dims));
    let more = trainable(&doubled) - here;
    let each = more / c as i128;
    channels.times_n(each)?.plus_n(here - more)
}

/// An amount as a formula; `None` beyond the limits.
#[derive(Debug, Clone)]
pub(super) struct FormulaAmount(Option<Dim>);

impl Amount for FormulaAmount {
    fn of(n: u64) -> Self {
        FormulaAmount(Some(Dim::constant(n.into())))
    }

    fn plus(&self, other: &Self) -> Self {
        FormulaAmount(self.0.as_ref().zip(other.0.as_ref()).and_then(|(a, b)| a.plus(b)))
    }

    fn minus(&self, other: &Self) -> Self {
        FormulaAmount(self.0.as_ref().zip(other.0.as_ref()).and_then(|(a, b)| a.minus(b)))
    }

    fn times(&self, other: &Self) -> Self {
        FormulaAmount(self.0.as_ref().zip(other.0.as_ref()).and_then(|(a, b)| a.times(b)))
    }

    fn over(&self, other: &Self) -> Self {
        let by = |d: &Dim| d.as_const().filter(|n| *n > 0);
        FormulaAmount(self.0.as_ref().zip(other.0.as_ref().and_then(by)).and_then(|(a, by)| a.floor_div(by)))
    }
}
