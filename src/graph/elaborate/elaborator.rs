//! The state of an elaboration: the graph under construction, the stack of bodies, the problems and the used fuel.

use super::value::EvalValue;
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::graph::ir::{BlockInstance, Graph, Path};
use crate::graph::resolve::ResolvedProgram;
use crate::graph::ty::Disjunction;
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::source::Span;
use crate::text::syntax::ast;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Limits that make every file safe to open.
pub struct Limits {
    /// The largest number of nodes of one graph, the image included.
    pub nodes: usize,
    /// The largest number of evaluation steps of one model.
    pub steps: usize,
    /// The largest number of evaluation steps of all models, runs, claims and sweep points of a program together.
    pub total_steps: usize,
    /// The largest depth of nested block calls.
    pub blocks: usize,
    /// The largest number of elements of one tensor: an image, a map (per image) or a weight.
    pub elements: u64,
    /// The largest depth of nested lists.
    pub lists: usize,
    /// The number of failed expressions after which elaboration stops.
    pub failures: usize,
}

/// The limits of every elaboration.
pub const LIMITS: Limits = Limits {
    nodes: 150_000,
    steps: 2_000_000,
    total_steps: 50_000_000,
    blocks: 64,
    elements: 1 << 40,
    lists: 64,
    failures: 1000,
};

/// Steps that a model adds to those of the program, since it is checked and counted as well.
const FUEL_PER_MODEL: usize = 1000;

/// The evaluation failed, and its error is among the problems.
pub(crate) struct ErrorReported;

pub(super) type EvalResult<T = EvalValue> = Result<T, ErrorReported>;

/// A value for a hyper-parameter from outside the file, such as `--with width=64`.
#[derive(Debug, Clone)]
pub struct ModelArgument {
    /// The name of the hyper-parameter.
    pub name: ast::Ident,
    /// Its value, an expression.
    pub value: ast::Expr,
}

/// The names that are bound in one body.
#[derive(Default)]
pub(super) struct CallFrame<'a> {
    /// The block's name, for messages.
    pub(super) block: &'a str,
    pub(super) values: HashMap<&'a str, EvalValue>,
    /// Nodes that are bound by index, such as `s[0]` and `n[i, j]`, with the places of their bindings.
    pub(super) indexed_nodes: HashMap<&'a str, BTreeMap<Vec<i64>, (EvalValue, Span)>>,
    /// The places where names without an index were bound.
    pub(super) bound_at: HashMap<&'a str, Span>,
}

pub(super) struct Elaborator<'p, 'a> {
    pub(super) program: &'p ResolvedProgram<'a>,
    pub(super) graph: Graph,
    pub(super) problems: Problems,
    /// Codes and places of the reported errors, so that each is reported once.
    pub(super) reported: HashSet<(Code, Span)>,
    /// The bodies of the model and the blocks that are being elaborated, the innermost last.
    pub(super) frames: Vec<CallFrame<'a>>,
    /// The calls that led to the innermost frame.
    pub(super) calls: Vec<(&'a str, Span)>,
    /// The prefix of the paths of new nodes.
    pub(super) prefix: Path,
    /// The conditions of the graph's size constraints and path conditions, so that each is recorded once.
    pub(super) recorded_constraints: HashSet<Disjunction>,
    pub(super) recorded_path_conditions: HashSet<Disjunction>,
    /// Height and width of the image.
    pub(super) image: [usize; 2],
    /// Number of requests for each path, by which repeated ones are numbered.
    pub(super) path_counts: HashMap<Path, usize>,
    pub(super) fuel_spent: usize,
    pub(super) failures: usize,
    /// Whether a limit was exceeded. Everything fails from then on.
    pub(super) aborted: bool,
}

impl<'p, 'a> Elaborator<'p, 'a> {
    /// `image` is its height and width.
    pub(super) fn new(program: &'p ResolvedProgram<'a>, name: &str, image: [usize; 2]) -> Self {
        program.spend_fuel(FUEL_PER_MODEL);
        Self {
            program,
            graph: Graph::new(name),
            problems: Problems::new(),
            reported: HashSet::new(),
            frames: Vec::new(),
            calls: Vec::new(),
            prefix: String::new(),
            recorded_constraints: HashSet::new(),
            recorded_path_conditions: HashSet::new(),
            image,
            path_counts: HashMap::new(),
            fuel_spent: 0,
            failures: 0,
            aborted: false,
        }
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// Reports an error, with the calls that led to its place, and fails.
    pub(super) fn fail<T>(&mut self, d: Diagnostic) -> EvalResult<T> {
        self.failures += 1;
        self.aborted |= self.failures >= LIMITS.failures;
        let mut d = d;
        let here = d.primary.as_ref().map(|l| l.span);
        for &(block, span) in self.calls.iter().rev().take(3).filter(|(_, span)| Some(*span) != here) {
            d = d.other(span, format!("in `{block}`, used here"));
        }
        let key = (d.code, d.primary.as_ref().map(|l| l.span).unwrap_or_default());
        if self.reported.insert(key) {
            self.problems.push(d);
        }
        Err(ErrorReported)
    }

    /// Reports a value of another type than `wanted`.
    pub(super) fn type_error<T>(&mut self, span: Span, wanted: &str, found: &EvalValue) -> EvalResult<T> {
        let found = self.describe(found);
        self.fail(problem!(E0304, span, "expected {wanted}, found {found}"))
    }

    /// Counts one evaluation step. Elaboration stops when a file exceeds the limit.
    pub(super) fn consume_step(&mut self, span: Span) -> EvalResult<()> {
        self.consume_fuel(1, span)
    }

    /// Counts `work` evaluation steps. Copying a value costs as much as evaluating it.
    pub(super) fn consume_fuel(&mut self, work: usize, span: Span) -> EvalResult<()> {
        self.fuel_spent = self.fuel_spent.saturating_add(work);
        let total = self.program.spend_fuel(work);
        if self.aborted {
            return Err(ErrorReported);
        }
        for (steps, limit, where_) in [(self.fuel_spent, LIMITS.steps, ""), (total, LIMITS.total_steps, " in all")] {
            if steps > limit {
                self.aborted = true;
                return self.fail(problem!(E0311, span, "more than {} evaluation steps{where_}", thousands(limit);
                    label: "the limit is reached here"));
            }
        }
        Ok(())
    }

    /// Counts the parts of a new or copied value as evaluation steps. Fails for lists that are nested too deep.
    pub(super) fn consume_fuel_for(&mut self, value: &EvalValue, span: Span) -> EvalResult<()> {
        match value.parts(LIMITS.lists) {
            Some(parts) => self.consume_fuel(parts, span),
            None => {
                self.aborted = true;
                self.fail(problem!(E0311, span, "lists are nested more than {} deep", LIMITS.lists))
            }
        }
    }

    /// Returns the frame of the innermost body.
    pub(super) fn frame(&mut self) -> &mut CallFrame<'a> {
        self.frames.last_mut().expect("a body is evaluated inside its frame")
    }

    /// Describes a value for messages: `the integer 3`.
    pub(super) fn describe(&self, value: &EvalValue) -> String {
        match value {
            EvalValue::Int(n) | EvalValue::Dim(n, _) => format!("the integer {n}"),
            EvalValue::Float(x) => format!("the number {x}"),
            EvalValue::Bool(b) => format!("`{b}`"),
            EvalValue::Str(s) => format!("the string \"{s}\""),
            EvalValue::Case { of, case } => format!("the case `{case}` of {of}"),
            EvalValue::List(items) => format!("a list of {}", items.len()),
            EvalValue::Tuple(items) => format!("a tuple of {}", items.len()),
            EvalValue::Record(fields) => format!("{} named results", fields.len()),
            EvalValue::Node(o) => format!("a tensor {}", self.graph.ty(*o)),
            EvalValue::Poison => "a value that failed".into(),
        }
    }

    /// Returns an unused path `prefix.name`; the second node of a name is called `name2`.
    pub(super) fn fresh_path(&mut self, name: &str) -> Path {
        let base = if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) };
        let n = self.path_counts.entry(base.clone()).or_insert(0);
        *n += 1;
        if *n == 1 {
            return base;
        }
        let mut n = *n;
        loop {
            let path = format!("{base}{n}");
            if !self.path_counts.contains_key(&path) {
                self.path_counts.insert(path.clone(), 1);
                self.path_counts.insert(base, n);
                return path;
            }
            n += 1;
        }
    }

    /// Runs `f` with `segment` added to the path.
    pub(super) fn with_path_segment<T>(&mut self, segment: &str, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.prefix.len();
        if before > 0 {
            self.prefix.push('.');
        }
        self.prefix.push_str(segment);
        let result = f(self);
        self.prefix.truncate(before);
        result
    }

    /// Records an instance of a block in the graph.
    pub(super) fn record_instance(&mut self, path: Path, block: &str, span: Span) {
        self.graph.instances.push(BlockInstance { path, block: block.to_string(), span });
    }
}
