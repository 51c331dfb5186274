//! What is being elaborated: the graph so far, the bodies that are open, the problems, and the work that was spent.

use super::value::EvalValue;
use crate::graph::ir::{BlockInstance, Graph, Path};
use crate::graph::resolve::ResolvedProgram;
use crate::graph::ty::Disjunction;
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::source::Span;
use crate::text::syntax::ast;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Bounds that make every file safe to open.
pub struct Limits {
    /// Nodes of one graph, the image included.
    pub nodes: usize,
    /// Of one model.
    pub steps: usize,
    /// Of all models, runs, claims and sweep points of a program together.
    pub total_steps: usize,
    /// How deep blocks may be nested.
    pub blocks: usize,
    /// Largest number of elements of one tensor: of an image, a map (per image) or a weight.
    pub elements: u64,
    /// How deep lists may lie in lists.
    pub lists: usize,
    /// Failed expressions after which a file is not looked at further.
    pub failures: usize,
}

/// The bounds that every elaboration keeps to.
pub const LIMITS: Limits = Limits {
    nodes: 150_000,
    steps: 2_000_000,
    total_steps: 50_000_000,
    blocks: 64,
    elements: 1 << 40,
    lists: 64,
    failures: 1000,
};

/// What a model adds to the steps of a program: it is checked and counted as well.
const FUEL_PER_MODEL: usize = 1000;

/// The expression failed and its message is on record.
pub(crate) struct ErrorReported;

pub(super) type EvalResult<T = EvalValue> = Result<T, ErrorReported>;

/// A hyper-parameter given from outside the file.
#[derive(Debug, Clone)]
pub struct ModelArgument {
    /// The hyper-parameter of the model that is set.
    pub name: ast::Ident,
    /// The expression that it is set to.
    pub value: ast::Expr,
}

/// The names bound in one body.
#[derive(Default)]
pub(super) struct CallFrame<'a> {
    /// The block's name, for messages.
    pub(super) block: &'a str,
    pub(super) values: HashMap<&'a str, EvalValue>,
    /// `s[0]`, `n[i, j]`: nodes bound by index, and where.
    pub(super) indexed_nodes: HashMap<&'a str, BTreeMap<Vec<i64>, (EvalValue, Span)>>,
    /// Where each plain name was bound.
    pub(super) bound_at: HashMap<&'a str, Span>,
}

pub(super) struct Elaborator<'p, 'a> {
    pub(super) program: &'p ResolvedProgram<'a>,
    pub(super) graph: Graph,
    pub(super) problems: Problems,
    pub(super) reported: HashSet<(Code, Span)>,
    /// Body of the block or model being instantiated, innermost last.
    pub(super) frames: Vec<CallFrame<'a>>,
    /// The calls that led to the innermost frame.
    pub(super) calls: Vec<(&'a str, Span)>,
    /// Path under which new nodes are named.
    pub(super) prefix: Path,
    /// The conditions among the graph's demands and pins, so that each is kept once.
    pub(super) recorded_constraints: HashSet<Disjunction>,
    pub(super) recorded_path_conditions: HashSet<Disjunction>,
    /// Height and width of the image.
    pub(super) image: [usize; 2],
    /// How often each path was asked for, to number repeats.
    pub(super) path_counts: HashMap<Path, usize>,
    pub(super) fuel_spent: usize,
    pub(super) failures: usize,
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

    pub(super) fn error<T>(&mut self, code: Code, span: Span, message: impl Into<String>) -> EvalResult<T> {
        self.fail(Diagnostic::new(code, span, message))
    }

    pub(super) fn type_error<T>(&mut self, span: Span, wanted: &str, found: &EvalValue) -> EvalResult<T> {
        let found = self.describe(found);
        self.error(Code::E0304, span, format!("expected {wanted}, found {found}"))
    }

    /// Counts work; a file that asks for too much of it is stopped once and for all.
    pub(super) fn consume_step(&mut self, span: Span) -> EvalResult<()> {
        self.consume_fuel(1, span)
    }

    /// Counts `work` steps at once: what is copied costs as much as what is evaluated.
    pub(super) fn consume_fuel(&mut self, work: usize, span: Span) -> EvalResult<()> {
        self.fuel_spent = self.fuel_spent.saturating_add(work);
        let total = self.program.spend_fuel(work);
        if self.aborted {
            return Err(ErrorReported);
        }
        for (steps, limit, where_) in [(self.fuel_spent, LIMITS.steps, ""), (total, LIMITS.total_steps, " in all")] {
            if steps > limit {
                self.aborted = true;
                let d = Diagnostic::new(Code::E0311, span, format!("more than {limit} evaluation steps{where_}"));
                return self.fail(d.label("the last of them"));
            }
        }
        Ok(())
    }

    /// Counts the parts of a value that was made or copied, and refuses lists in lists in lists.
    pub(super) fn consume_fuel_for(&mut self, value: &EvalValue, span: Span) -> EvalResult<()> {
        match value.parts(LIMITS.lists) {
            Some(parts) => self.consume_fuel(parts, span),
            None => {
                self.aborted = true;
                self.error(Code::E0311, span, format!("lists are nested more than {} deep", LIMITS.lists))
            }
        }
    }

    pub(super) fn frame(&mut self) -> &mut CallFrame<'a> {
        self.frames.last_mut().expect("a body is evaluated inside its frame")
    }

    /// What a value is, for messages.
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

    /// A fresh path `prefix.name`; the second node of a name is `name2`.
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

    pub(super) fn record_instance(&mut self, path: Path, block: &str, span: Span) {
        self.graph.instances.push(BlockInstance { path, block: block.to_string(), span });
    }
}
