//! The schema of `train` blocks.

use super::augment::augment;
use super::loss::loss;
use super::optimizer::optimizer;
use super::reader::BlockReader;
use super::schedule::schedule;
use super::value::{
    ReadResult, call, count, expected, field, integer, list, non_negative, number, positive, string, word,
};
use crate::base::problem::problem;
use crate::text::config::check::RefusedSetting;
use crate::text::config::{KeptCheckpoint, LossSpec, Metric, Optimizer, ProductPrecision, Schedule, TrainSpec};
use crate::text::diag::Problems;
use crate::text::source::{Span, Spanned};
use crate::text::syntax::ast::{Entry, Expr, ExprKind, Train};
use std::collections::BTreeMap;

pub(super) const KEYS: &[&str] = &[
    "epochs",
    "batch",
    "seed",
    "optimizer",
    "lr",
    "schedule",
    "clip",
    "loss",
    "supervise",
    "freeze",
    "augment",
    "metrics",
    "keep",
    "accumulate",
    "ema",
    "patience",
    "init",
    "save_every",
    "precision",
];

/// Checks a `train` block and fills in defaults. `args` are the hyper-parameters in the spelling of the language. The second
/// result contains notes on parts that are not evaluated.
pub fn train_spec(train: &Train, args: BTreeMap<String, String>) -> Result<(TrainSpec, Problems), Problems> {
    let mut r = BlockReader::new("train", train.name.span, KEYS, &train.entries);
    if !r.has("epochs") && !r.misspelt.contains(&"epochs") {
        let missing = problem!(E0207, train.name.span, "this `train` block has no `epochs`");
        r.problems.push(r.suggest_entry(missing, "epochs = 100"));
    }
    let defaults = TrainSpec {
        name: train.name.node.clone(),
        model: train.model.node.clone(),
        args,
        data: train.data.node.clone(),
        epochs: 1,
        batch: 2,
        seed: 0,
        optimizer: Optimizer::default(),
        schedule: Schedule::default(),
        clip: None,
        loss: LossSpec::default(),
        supervise: BTreeMap::new(),
        freeze: Vec::new(),
        augment: Vec::new(),
        metrics: vec![Metric::Iou, Metric::Dice],
        keep: vec![KeptCheckpoint::Best(Metric::Dice), KeptCheckpoint::Last],
        accumulate: 1,
        ema: None,
        patience: None,
        init: None,
        save_every: TrainSpec::SAVE_EVERY,
        precision: ProductPrecision::default(),
    };
    read_train(r, defaults)
}

/// Overrides parts of a run with entries from the command line.
pub fn override_train(base: TrainSpec, entries: &[Entry]) -> Result<TrainSpec, Problems> {
    read_train(BlockReader::new("train", Span::default(), KEYS, entries), base).map(|(spec, _)| spec)
}

/// Reads `none`, or a value with `read`.
fn optional<T>(e: &Expr, what: &str, read: impl Fn(&Expr) -> ReadResult<T>) -> ReadResult<Option<T>> {
    match &e.kind {
        ExprKind::Name(word) if word == "none" => Ok(None),
        _ => read(e).map(Some).or_else(|_| expected(e, &format!("{what}, or none"))),
    }
}

fn decay(e: &Expr) -> ReadResult<f64> {
    match number(e)? {
        x if x > 0.0 && x < 1.0 => Ok(x),
        _ => expected(e, "a number between 0 and 1"),
    }
}

/// Reads a gradient norm, or `none`.
fn clip(e: &Expr) -> ReadResult<Option<f64>> {
    optional(e, "a number above 0", positive)
}

/// Reads `weights(main = 1, aux = 0.4)`, with at least one weight above 0.
fn supervise(e: &Expr) -> ReadResult<BTreeMap<String, f64>> {
    let ExprKind::Call(call) = &e.kind else { return expected(e, "`weights(main = 1, aux = 0.4)`") };
    if call.name.node != "weights" {
        return expected(e, "`weights(main = 1, aux = 0.4)`");
    }
    let mut weights = BTreeMap::new();
    for arg in &call.args {
        let Some(name) = &arg.name else { return expected(&arg.value, "`result = weight`") };
        let weight = match number(&arg.value)? {
            x if x >= 0.0 && x.is_finite() => x,
            _ => return expected(&arg.value, "weights of at least 0"),
        };
        if weights.insert(name.node.clone(), weight).is_some() {
            return Err(problem!(E0202, name.span, "`{name}` is given twice"));
        }
    }
    if weights.values().all(|&w| w == 0.0) { expected(e, "a weight above 0") } else { Ok(weights) }
}

/// Reads `["s.1", "fem.branches"]`, each path with the span of its text inside the quotes.
fn freeze(e: &Expr) -> ReadResult<Vec<Spanned<String>>> {
    let paths = list(e, "a list of paths such as [\"s.1\"]", |e| {
        let inside = Span { start: e.span.start + 1, end: e.span.end.saturating_sub(1), ..e.span };
        Ok(Spanned::new(string(e)?, inside))
    })?;
    for (i, path) in paths.iter().enumerate() {
        if paths[..i].iter().any(|p| p.node == path.node) {
            return Err(problem!(E0202, path.span, "`{path}` is given twice"));
        }
    }
    Ok(paths)
}

/// Returns the paths in `freeze`; `None` if the key is absent or invalid.
pub fn freeze_paths(entries: &[Entry]) -> Option<Vec<Spanned<String>>> {
    freeze(&entries.iter().find(|e| e.key.node == "freeze")?.value).ok()
}

fn read_train(mut r: BlockReader<'_>, base: TrainSpec) -> Result<(TrainSpec, Problems), Problems> {
    let mut spec = base;
    let set = |value: Option<usize>, place: &mut usize| *place = value.unwrap_or(*place);
    set(r.get("epochs", |e| count(e, 1)), &mut spec.epochs);
    set(r.get("batch", |e| count(e, 1)), &mut spec.batch);
    spec.seed = r.get("seed", |e| integer(e, 0)).unwrap_or(spec.seed);
    spec.optimizer = r.get("optimizer", optimizer).unwrap_or(spec.optimizer);
    if let Some(rate) = r.get("lr", positive) {
        spec.optimizer.set_lr(rate);
    }
    spec.schedule = r.get("schedule", schedule).unwrap_or(spec.schedule);
    if !r.problems.has_errors()
        && let Err(message) = spec.schedule.check(spec.optimizer.lr(), spec.epochs)
    {
        r.problems.push(problem!(E0206, r.value_span("schedule"), "{message}";
            help: "`warmup` counts epochs; `min` is a learning rate"));
    }
    spec.clip = r.get("clip", clip).unwrap_or(spec.clip);
    spec.loss = r.get("loss", loss).unwrap_or(spec.loss);
    spec.supervise = r.get("supervise", supervise).unwrap_or(spec.supervise);
    if let Some(paths) = r.get("freeze", freeze) {
        spec.freeze = paths.into_iter().map(|p| p.node).collect();
    }
    spec.augment = r.get("augment", augment).unwrap_or(spec.augment);
    let words = Metric::ALL.map(|metric| (metric.name(), metric));
    if let Some(metrics) = r.get("metrics", |e| list(e, "a list of metrics", |e| word(e, &words))) {
        spec.metrics = metrics;
    }
    let keep = r.get("keep", |e| {
        list(e, "a list such as [best(dice), last]", |e| {
            let (name, f) = call(e, &[("best", &["metric"]), ("last", &[])])?;
            if name == "last" {
                return Ok(KeptCheckpoint::Last);
            }
            Ok(KeptCheckpoint::Best(field(&f, "metric", Metric::Dice, |e| word(e, &words))?))
        })
    });
    spec.keep = keep.unwrap_or(spec.keep);
    set(r.get("accumulate", |e| count(e, 1)), &mut spec.accumulate);
    spec.ema = r.get("ema", |e| optional(e, "a number between 0 and 1", decay)).unwrap_or(spec.ema);
    let epochs = |e: &Expr| optional(e, "a number of epochs of at least 1", |e| count(e, 1));
    spec.patience = r.get("patience", epochs).unwrap_or(spec.patience);
    let file = |e: &Expr| optional(e, "a file of weights or a run folder in double quotes", string);
    spec.init = r.get("init", file).unwrap_or(spec.init);
    spec.save_every = r.get("save_every", non_negative).unwrap_or(spec.save_every);
    let precisions = ProductPrecision::ALL.map(|precision| (precision.name(), precision));
    spec.precision = r.get("precision", |e| word(e, &precisions)).unwrap_or(spec.precision);
    if spec.patience.is_some() && !spec.keeps_a_best() {
        let key = if r.has("patience") { "patience" } else { "keep" };
        r.problems.push(problem!(E0206, r.value_span(key), "`patience` needs a `best(...)` checkpoint in `keep`";
            help: "add `best(dice)` to `keep`"));
    }
    if !r.problems.has_errors()
        && let Err(RefusedSetting { key, message }) = spec.check()
    {
        r.problems.push(problem!(E0206, r.value_span(key), "{message}"));
    }
    r.finish(Some(spec)).map(|spec| (spec, Problems::new()))
}
