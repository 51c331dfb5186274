//! What is being elaborated: the graph so far, the bodies that are open, the problems, and the work that was spent.

use super::value::Value;
use crate::graph::ir::{BlockInstance, Graph, Path};
use crate::graph::resolve::Program;
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
const MODEL: usize = 1000;

/// The expression failed and its message is on record.
pub(crate) struct Failed;

pub(super) type Eval<T = Value> = Result<T, Failed>;

/// A hyper-parameter given from outside the file.
#[derive(Debug, Clone)]
pub struct Argument {
    /// The hyper-parameter of the model that is set.
    pub name: ast::Ident,
    /// The expression that it is set to.
    pub value: ast::Expr,
}

/// The names bound in one body.
#[derive(Default)]
pub(super) struct Frame<'a> {
    /// The block's name, for messages.
    pub(super) block: &'a str,
    pub(super) values: HashMap<&'a str, Value>,
    /// `s[0]`, `n[i, j]`: nodes bound by index, and where.
    pub(super) families: HashMap<&'a str, BTreeMap<Vec<i64>, (Value, Span)>>,
    /// Where each plain name was bound.
    pub(super) bound_at: HashMap<&'a str, Span>,
}

pub(super) struct Elaborator<'p, 'a> {
    pub(super) program: &'p Program<'a>,
    pub(super) graph: Graph,
    pub(super) problems: Problems,
    pub(super) told: HashSet<(Code, Span)>,
    /// Body of the block or model being instantiated, innermost last.
    pub(super) frames: Vec<Frame<'a>>,
    /// The calls that led to the innermost frame.
    pub(super) calls: Vec<(&'a str, Span)>,
    /// Path under which new nodes are named.
    pub(super) prefix: Path,
    /// The conditions among the graph's demands and pins, so that each is kept once.
    pub(super) demanded: HashSet<Disjunction>,
    pub(super) pinned: HashSet<Disjunction>,
    /// Height and width of the image.
    pub(super) image: [usize; 2],
    /// How often each path was asked for, to number repeats.
    pub(super) taken: HashMap<Path, usize>,
    pub(super) steps: usize,
    pub(super) failures: usize,
    pub(super) stopped: bool,
}

impl<'p, 'a> Elaborator<'p, 'a> {
    /// `image` is its height and width.
    pub(super) fn new(program: &'p Program<'a>, name: &str, image: [usize; 2]) -> Self {
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
    pub(super) fn fail<T>(&mut self, d: Diagnostic) -> Eval<T> {
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

    pub(super) fn error<T>(&mut self, code: Code, span: Span, message: impl Into<String>) -> Eval<T> {
        self.fail(Diagnostic::new(code, span, message))
    }

    pub(super) fn type_error<T>(&mut self, span: Span, wanted: &str, found: &Value) -> Eval<T> {
        let found = self.describe(found);
        self.error(Code::E0304, span, format!("expected {wanted}, found {found}"))
    }

    /// Counts work; a file that asks for too much of it is stopped once and for all.
    pub(super) fn step(&mut self, span: Span) -> Eval<()> {
        self.charge(1, span)
    }

    /// Counts `work` steps at once: what is copied costs as much as what is evaluated.
    pub(super) fn charge(&mut self, work: usize, span: Span) -> Eval<()> {
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
    pub(super) fn weigh(&mut self, value: &Value, span: Span) -> Eval<()> {
        match value.parts(LIMITS.lists) {
            Some(parts) => self.charge(parts, span),
            None => {
                self.stopped = true;
                self.error(Code::E0311, span, format!("lists are nested more than {} deep", LIMITS.lists))
            }
        }
    }

    pub(super) fn frame(&mut self) -> &mut Frame<'a> {
        self.frames.last_mut().expect("a body is evaluated inside its frame")
    }

    /// What a value is, for messages.
    pub(super) fn describe(&self, value: &Value) -> String {
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
    pub(super) fn path(&mut self, name: &str) -> Path {
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
    pub(super) fn within<T>(&mut self, segment: &str, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.prefix.len();
        if before > 0 {
            self.prefix.push('.');
        }
        self.prefix.push_str(segment);
        let result = f(self);
        self.prefix.truncate(before);
        result
    }

    pub(super) fn scope(&mut self, path: Path, block: &str, span: Span) {
        self.graph.instances.push(BlockInstance { path, block: block.to_string(), span });
    }
}
