//! Program to graph: instantiates blocks, evaluates integers, wires nodes.
//!
//! Elaboration is where shapes become known: every operator is asked for its output types as soon as its node is made,
//! so a message can name the call, the chain of blocks that led to it, and where each side got its size. It always ends:
//! loops run over finite ranges, blocks cannot recurse, and [`LIMITS`] bound the rest.
//!
//! A failed expression becomes [`Value::Poison`], which spoils what uses it without a second message; so one run
//! reports every independent problem.

mod alone;
mod argument;
mod arith;
mod call;
mod dims;
mod eval;
mod fraction;
mod index;
mod instance;
mod mend;
mod size;
mod value;

pub use alone::{Tried, alone, unused};
pub use value::Value;

use super::ir::{Graph, Node, Outlet, Path, Scope};
use super::op::{Op, RefusalKind};
use super::resolve::Program;
use super::ty::{AnyOf, Cond, Dim, FormulaType, Shape, TensorType};
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::source::Span;
use crate::text::syntax::ast;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Bounds that make every file safe to open.
pub struct Limits {
    pub nodes: usize,
    /// Of one model.
    pub steps: usize,
    /// Of all models, runs, claims and sweep points of a program together.
    pub total_steps: usize,
    pub blocks: usize,
    /// Largest number of elements of one tensor: of an image, a map (per image) or a weight.
    pub elements: u64,
    /// How deep lists may lie in lists.
    pub lists: usize,
    /// Failed expressions after which a file is not looked at further.
    pub failures: usize,
}

pub const LIMITS: Limits = Limits {
    nodes: 150_000,
    steps: 2_000_000,
    total_steps: 50_000_000,
    blocks: 64,
    elements: 1 << 40,
    lists: 64,
    failures: 1000,
};

/// What a model and a node add to the steps of a program: each is checked and counted as well.
const MODEL: usize = 1000;
const NODE: usize = 50;

/// The expression failed and its message is on record.
pub(crate) struct Failed;

type Eval<T = Value> = Result<T, Failed>;

/// A hyper-parameter given from outside the file.
#[derive(Debug, Clone)]
pub struct Argument {
    pub name: ast::Ident,
    pub value: ast::Expr,
}

/// The names bound in one body.
#[derive(Default)]
struct Frame<'a> {
    /// The block's name, for messages.
    block: &'a str,
    values: HashMap<&'a str, Value>,
    /// `s[0]`, `n[i, j]`: nodes bound by index, and where.
    families: HashMap<&'a str, BTreeMap<Vec<i64>, (Value, Span)>>,
    /// Where each plain name was bound.
    bound_at: HashMap<&'a str, Span>,
}

struct Elaborator<'p, 'a> {
    program: &'p Program<'a>,
    graph: Graph,
    problems: Problems,
    told: HashSet<(Code, Span)>,
    /// Body of the block or model being instantiated, innermost last.
    frames: Vec<Frame<'a>>,
    /// The calls that led to the innermost frame.
    calls: Vec<(&'a str, Span)>,
    /// Path under which new nodes are named.
    prefix: Path,
    /// The conditions among the graph's demands and pins, so that each is kept once.
    demanded: HashSet<AnyOf>,
    pinned: HashSet<AnyOf>,
    /// Height and width of the image.
    image: [usize; 2],
    /// How often each path was asked for, to number repeats.
    taken: HashMap<Path, usize>,
    steps: usize,
    failures: usize,
    stopped: bool,
}

/// Instantiates a model or variant at an input size `[height, width]`.
///
/// `args` override what the variant says. Errors: every problem found on the way, with its place.
pub fn elaborate<'a>(
    program: &Program<'a>,
    entry: &ast::Ident,
    args: &'a [Argument],
    size: Option<[usize; 2]>,
) -> Result<Graph, Problems> {
    let mut e = Elaborator::new(program, &entry.node, size.unwrap_or([1, 1]));
    // Failure is on record in `problems`.
    let done = e.model(entry, args, size).is_ok();
    if e.problems.has_errors() || !done {
        return Err(e.problems);
    }
    if cfg!(debug_assertions)
        && let Err(broken) = e.graph.verify("elaborate")
    {
        unreachable!("{broken}");
    }
    Ok(e.graph)
}

impl<'p, 'a> Elaborator<'p, 'a> {
    /// `image` is its height and width.
    fn new(program: &'p Program<'a>, name: &str, image: [usize; 2]) -> Self {
        program.spend(MODEL);
        Self {
            program,
            graph: Graph::new(name),
            problems: Problems::new(),
            told: HashSet::new(),
            frames: Vec::new(),
            calls: Vec::new(),
            prefix: String::new(),
            demanded: HashSet::new(),
            pinned: HashSet::new(),
            image,
            taken: HashMap::new(),
            steps: 0,
            failures: 0,
            stopped: false,
        }
    }
}

impl<'a> Elaborator<'_, 'a> {
    fn fail<T>(&mut self, d: Diagnostic) -> Eval<T> {
        self.failures += 1;
        self.stopped |= self.failures >= LIMITS.failures;
        let mut d = d;
        let here = d.primary.as_ref().map(|l| l.span);
        for &(block, span) in self.calls.iter().rev().take(3).filter(|(_, span)| Some(*span) != here) {
            d = d.other(span, format!("in `{block}`, used here"));
        }
        let key = (d.code, d.primary.as_ref().map(|l| l.span).unwrap_or_default());
        if self.told.insert(key) {
            self.problems.push(d);
        }
        Err(Failed)
    }

    fn error<T>(&mut self, code: Code, span: Span, message: impl Into<String>) -> Eval<T> {
        self.fail(Diagnostic::new(code, span, message))
    }

    fn type_error<T>(&mut self, span: Span, wanted: &str, found: &Value) -> Eval<T> {
        let found = self.describe(found);
        self.error(Code::E0304, span, format!("expected {wanted}, found {found}"))
    }

    /// Counts work; a file that asks for too much of it is stopped once and for all.
    fn step(&mut self, span: Span) -> Eval<()> {
        self.charge(1, span)
    }

    /// Counts `work` steps at once: what is copied costs as much as what is evaluated.
    fn charge(&mut self, work: usize, span: Span) -> Eval<()> {
        self.steps = self.steps.saturating_add(work);
        let total = self.program.spend(work);
        if self.stopped {
            return Err(Failed);
        }
        for (steps, limit, where_) in [(self.steps, LIMITS.steps, ""), (total, LIMITS.total_steps, " in all")] {
            if steps > limit {
                self.stopped = true;
                let d = Diagnostic::new(Code::E0311, span, format!("more than {limit} evaluation steps{where_}"));
                return self.fail(d.label("the last of them"));
            }
        }
        Ok(())
    }

    /// Counts the parts of a value that was made or copied, and refuses lists in lists in lists.
    fn weigh(&mut self, value: &Value, span: Span) -> Eval<()> {
        match value.parts(LIMITS.lists) {
            Some(parts) => self.charge(parts, span),
            None => {
                self.stopped = true;
                self.error(Code::E0311, span, format!("lists are nested more than {} deep", LIMITS.lists))
            }
        }
    }

    fn frame(&mut self) -> &mut Frame<'a> {
        self.frames.last_mut().expect("a body is evaluated inside its frame")
    }

    /// What a value is, for messages.
    fn describe(&self, value: &Value) -> String {
        match value {
            Value::Int(n) | Value::Dim(n, _) => format!("the integer {n}"),
            Value::Float(x) => format!("the number {x}"),
            Value::Bool(b) => format!("`{b}`"),
            Value::Str(s) => format!("the string \"{s}\""),
            Value::Case { of, case } => format!("the case `{case}` of {of}"),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Tuple(items) => format!("a tuple of {}", items.len()),
            Value::Record(fields) => format!("{} named results", fields.len()),
            Value::Node(o) => format!("a tensor {}", self.graph.ty(*o)),
            Value::Poison => "a value that failed".into(),
        }
    }

    /// A fresh path `prefix.name`; the second node of a name is `name2`.
    fn path(&mut self, name: &str) -> Path {
        let base = if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) };
        let n = self.taken.entry(base.clone()).or_insert(0);
        *n += 1;
        if *n == 1 {
            return base;
        }
        let mut n = *n;
        loop {
            let path = format!("{base}{n}");
            if !self.taken.contains_key(&path) {
                self.taken.insert(path.clone(), 1);
                self.taken.insert(base, n);
                return path;
            }
            n += 1;
        }
    }

    /// Runs `f` with `segment` added to the path.
    fn within<T>(&mut self, segment: &str, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.prefix.len();
        if before > 0 {
            self.prefix.push('.');
        }
        self.prefix.push_str(segment);
        let result = f(self);
        self.prefix.truncate(before);
        result
    }

    /// Adds a node, or says at `span` why the operator refuses these inputs.
    fn node(&mut self, op: Op, inputs: &[Outlet], span: Span) -> Eval {
        self.node_of_size(op, inputs, Vec::new(), span)
    }

    /// The same where the call gives height and width as formulas.
    fn node_of_size(&mut self, op: Op, inputs: &[Outlet], written: Vec<Dim>, span: Span) -> Eval {
        if self.graph.len() >= LIMITS.nodes {
            self.stopped = true;
            let d = Diagnostic::new(Code::E0311, span, format!("more than {} nodes", LIMITS.nodes));
            return self.fail(d.label("one more is made here"));
        }
        let types: Vec<TensorType> = inputs.iter().map(|&o| self.graph.ty(o).clone()).collect();
        let outputs = match op.infer(&types) {
            Ok(outputs) => outputs,
            Err(refusal) => {
                let code = match refusal.kind {
                    RefusalKind::Mismatch => Code::E0301,
                    RefusalKind::Setting => Code::E0303,
                    RefusalKind::Type => Code::E0304,
                    RefusalKind::Index => Code::E0312,
                    RefusalKind::Limit => Code::E0311,
                };
                let mut d = Diagnostic::new(code, span, refusal.message).label(format!("`{}` joins here", op.name()));
                if inputs.len() < 2 {
                    d = d.label(format!("its input is {}", types.first().map(ToString::to_string).unwrap_or_default()));
                } else {
                    // Where each side got its size; the same place twice would only repeat itself.
                    let mut places = HashSet::from([span]);
                    for (o, ty) in inputs.iter().zip(&types) {
                        let from = self.graph.node(o.node);
                        if places.insert(from.span) {
                            d = d.other(from.span, format!("{ty} from `{}`", from.path));
                        }
                    }
                }
                if let Some(help) = refusal.help {
                    d = d.help(help);
                }
                return self.fail(d);
            }
        };
        if let Some(large) = outputs.iter().find(|t| t.shape().elements() > LIMITS.elements) {
            let message = format!("`{}` would make a tensor of more than 2^40 numbers", op.name());
            let shape = format!("its shape would be {large}");
            return self.fail(Diagnostic::new(Code::E0311, span, message).label(shape));
        }
        if let Some(large) = op.params(&types).iter().find(|p| p.elements() > LIMITS.elements) {
            let message = format!("the {} of this `{}` would have more than 2^40 numbers", large.name, op.name());
            let shape = format!("{:?}", large.shape);
            return self.fail(Diagnostic::new(Code::E0311, span, message).label(format!("its shape would be {shape}")));
        }
        let formulas = self.formulas(&op, inputs, written, &outputs, span);
        let path = self.path(op.name());
        self.program.spend(NODE);
        self.charge(path.len() / 16, span)?;
        let several = outputs.len() > 1;
        let slots = outputs.len();
        let id = self.graph.add_with(Node { path, op, outputs, span }, inputs, formulas);
        let outlet = |slot| Value::Node(Outlet { node: id, slot });
        Ok(if several { Value::Tuple((0..slots).map(outlet).collect()) } else { outlet(0) })
    }

    fn model(&mut self, entry: &ast::Ident, given: &'a [Argument], size: Option<[usize; 2]>) -> Eval<()> {
        let program = self.program;
        let Some((model, fixed)) = program.entry(&entry.node) else {
            return self.error(Code::E0501, entry.span, format!("unknown model `{entry}`"));
        };
        self.frames.push(Frame { block: &model.name.node, ..Frame::default() });
        self.model_arguments(model, fixed, given)?;
        let mut input = None;
        for param in &model.params {
            match &param.ty.kind {
                ast::ParamTypeKind::Tensor(dims) => {
                    if input.is_some() {
                        return self.error(Code::E0304, param.span, "a model takes one image");
                    }
                    input = Some((param, dims));
                }
                ast::ParamTypeKind::Index(_) => {
                    return self.error(Code::E0304, param.span, "a model takes no pool indices");
                }
                ast::ParamTypeKind::Scalar(_) | ast::ParamTypeKind::List(_) => {}
            }
        }
        let Some((param, dims)) = input else {
            return self.error(Code::E0304, model.head, "a model takes an image, for example `x: [3, H, W]`");
        };
        let (shape, formula) = self.input_shape(model, dims, size, param.span)?;
        if shape.elements() > LIMITS.elements {
            return self.error(Code::E0311, param.span, format!("an image {shape} has more than 2^40 numbers"));
        }
        self.model_defaults(model)?;
        let node = Node {
            path: param.name.node.clone(),
            op: Op::Input(shape.clone()),
            outputs: vec![TensorType::Tensor(shape)],
            span: param.span,
        };
        self.taken.insert(param.name.node.clone(), 1);
        let id = self.graph.add_with(node, &[], vec![formula]);
        self.bind_param(param, Value::Node(Outlet { node: id, slot: 0 }))?;
        let (value, span) = self.body(&model.body)?;
        match &model.result {
            Some(promise) => self.promise(promise, &value, span, &model.name.node)?,
            None => {
                let message = format!("model `{}` does not say what it gives back", model.name);
                let d = Diagnostic::new(Code::E0302, model.head, message).help("add `-> [classes, H, W]`");
                return self.fail(d);
            }
        }
        self.graph.results = match value {
            Value::Node(o) => vec![("out".into(), o)],
            Value::Record(mut fields) => {
                // The order of the promise says which result is the first, not that of the body.
                if let Some(ast::ResultTypeKind::Record(promised)) = model.result.as_ref().map(|r| &r.kind) {
                    fields.sort_by_key(|(name, _)| promised.iter().position(|(p, _)| p.node == *name));
                }
                let mut results = Vec::new();
                for (name, value) in fields {
                    let Value::Node(o) = value else { return self.type_error(span, "a tensor", &value) };
                    results.push((name, o));
                }
                results
            }
            other => return self.type_error(span, "a tensor or named tensors", &other),
        };
        if let Some((name, _)) = self.graph.results.iter().find(|(_, o)| self.graph.ty(*o).tensor().is_none()) {
            let message = format!("result `{name}` is pool indices, not a tensor");
            return self.error(Code::E0304, span, message);
        }
        Ok(())
    }

    /// The image's shape: names among the last two dims are bound by `size`, everything else is evaluated.
    fn input_shape(
        &mut self,
        model: &'a ast::Block,
        dims: &'a [ast::Expr],
        size: Option<[usize; 2]>,
        span: Span,
    ) -> Eval<(Shape, FormulaType)> {
        if dims.len() != 3 {
            return self.error(Code::E0304, span, "the image of a model is a map [channels, H, W]");
        }
        let mut shape = [0; 3];
        let mut formula = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            if let ast::ExprKind::Name(name) = &dim.kind
                && let Some(hyper) = model.params.iter().find(|p| p.name.node == *name)
            {
                self.model_default(model, hyper)?;
            }
            let unbound = match &dim.kind {
                ast::ExprKind::Name(name) if !self.frame().values.contains_key(name.as_str()) => Some(name.as_str()),
                _ => None,
            };
            shape[axis] = match (unbound, axis) {
                (Some(name), 0) => {
                    let message = format!("the channel count `{name}` of the image is not known");
                    let d = Diagnostic::new(Code::E0502, dim.span, message)
                        .help("write a number, or add it as a hyper-parameter with a default");
                    return self.fail(d);
                }
                (Some(name), _) => {
                    let Some(size) = size else {
                        let d = Diagnostic::new(Code::E0502, dim.span, format!("no value for the symbol `{name}`"))
                            .label("bound by the input size")
                            .help("give the input size: `--size 256x256`, or `--on DATA` with a data block");
                        return self.fail(d);
                    };
                    let n = size[axis - 1];
                    formula.push(if axis == 1 { Dim::height() } else { Dim::width() });
                    self.frame().values.insert(name, Value::Dim(n as i64, formula[axis].clone()));
                    n
                }
                (None, _) => {
                    let (n, dim_formula) = self.dim(dim)?;
                    if axis > 0 {
                        let image = if axis == 1 { Dim::height() } else { Dim::width() };
                        let what = || format!("the image's {} is {dim_formula}", ["height", "width"][axis - 1]);
                        if let Some(gap) = image.minus(&dim_formula) {
                            self.demand(vec![vec![Cond::Zero(gap)]], dim.span, what);
                        }
                    }
                    if axis > 0 {
                        self.image[axis - 1] = n;
                    }
                    formula.push(dim_formula);
                    if axis > 0 && size.is_some_and(|s| s[axis - 1] != n) {
                        let asked = size.map_or(0, |s| s[axis - 1]);
                        let message = format!("the model takes images of {n} here, asked for {asked}");
                        return self.error(Code::E0302, dim.span, message);
                    }
                    n
                }
            };
        }
        Ok((Shape::new(shape), FormulaType::tensor(formula)))
    }

    fn scope(&mut self, path: Path, block: &str, span: Span) {
        self.graph.scopes.push(Scope { path, block: block.to_string(), span });
    }
}
