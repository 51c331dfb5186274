//! The keys of `data` and `train` blocks: types, defaults and checks.
//!
//! `--set key=value` on the command line goes through the same functions as the file's entries.

use super::*;
use crate::diag::{Code, Diagnostic, Problems, did_you_mean};
use crate::source::Span;
use crate::syntax::ast::{Arg, Data, Entry, Expr, ExprKind, Train, UnaryOp};

const DATA_KEYS: &[&str] = &[
    "source", "images", "masks", "size", "classes", "labels", "mask", "split", "window", "decode", "mean", "std", "cache_mb",
];
const TRAIN_KEYS: &[&str] = &["epochs", "batch", "seed", "optimizer", "loss", "metrics", "keep"];

type Read<T> = Result<T, Diagnostic>;

/// Reads the entries of one block and collects what is wrong with them.
struct Reader<'a> {
    entries: Vec<&'a Entry>,
    /// The block's name, where a missing key is reported.
    at: Span,
    what: &'static str,
    problems: Problems,
}

impl<'a> Reader<'a> {
    /// `overrides` replace entries of the same key.
    fn new(what: &'static str, at: Span, keys: &[&str], entries: &'a [Entry], overrides: &'a [Entry]) -> Self {
        let mut reader = Reader { entries: Vec::new(), at, what, problems: Problems::new() };
        for entry in entries {
            match reader.entries.iter().find(|e| e.key.node == entry.key.node) {
                Some(first) => {
                    let d = Diagnostic::new(Code::E0202, entry.key.span, format!("`{}` is given twice", entry.key));
                    let d = d.other(first.key.span, "first given here");
                    reader.problems.push(d);
                }
                None => reader.entries.push(entry),
            }
        }
        for entry in overrides {
            reader.entries.retain(|e| e.key.node != entry.key.node);
            reader.entries.push(entry);
        }
        for entry in &reader.entries {
            if !keys.contains(&entry.key.node.as_str()) {
                let d = Diagnostic::new(Code::E0205, entry.key.span, format!("`{what}` has no key `{}`", entry.key));
                reader.problems.push(match did_you_mean(&entry.key.node, keys.iter().copied()) {
                    Some(near) => d.help(format!("did you mean `{near}`?")),
                    None => d.help(format!("its keys are {}", keys.join(", "))),
                });
            }
        }
        reader
    }

    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|e| e.key.node == key)
    }

    fn get<T>(&mut self, key: &str, read: impl FnOnce(&'a Expr) -> Read<T>) -> Option<T> {
        let entry = *self.entries.iter().find(|e| e.key.node == key)?;
        match read(&entry.value) {
            Ok(value) => Some(value),
            Err(d) => {
                self.problems.push(d);
                None
            }
        }
    }

    fn required<T>(&mut self, key: &str, example: &str, read: impl FnOnce(&'a Expr) -> Read<T>) -> Option<T> {
        if !self.has(key) {
            let d = Diagnostic::new(Code::E0207, self.at, format!("this `{}` block has no `{key}`", self.what));
            self.problems.push(d.help(format!("add `{example}`")));
            return None;
        }
        self.get(key, read)
    }

    fn refuse(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let span = self.entries.iter().find(|e| e.key.node == key).map_or(self.at, |e| e.value.span);
        self.problems.push(Diagnostic::new(Code::E0206, span, message).help(help));
    }

    fn done<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if !self.problems.has_errors() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

fn wrong<T>(expr: &Expr, wanted: &str) -> Read<T> {
    Err(Diagnostic::new(Code::E0206, expr.span, format!("expected {wanted}")))
}

fn number(expr: &Expr) -> Read<f64> {
    match &expr.kind {
        ExprKind::Int(n) => Ok(*n as f64),
        ExprKind::Float(x) => Ok(*x),
        ExprKind::Unary { op, value } if op.node == UnaryOp::Neg => Ok(-number(value)?),
        _ => wrong(expr, "a number"),
    }
}

fn integer(expr: &Expr, min: u64) -> Read<u64> {
    match &expr.kind {
        ExprKind::Int(n) if u64::try_from(*n).is_ok_and(|n| n >= min) => Ok(*n as u64),
        _ => wrong(expr, &format!("an integer of at least {min}")),
    }
}

fn count(expr: &Expr, min: u64) -> Read<usize> {
    let n = integer(expr, min)?;
    usize::try_from(n).ok().filter(|&n| n <= 1 << 40).map_or_else(|| wrong(expr, "a smaller integer"), Ok)
}

fn string(expr: &Expr) -> Read<String> {
    match &expr.kind {
        ExprKind::Str(s) => Ok(s.clone()),
        _ => wrong(expr, "a string in double quotes"),
    }
}

fn list<T>(expr: &Expr, what: &str, read: impl Fn(&Expr) -> Read<T>) -> Read<Vec<T>> {
    match &expr.kind {
        ExprKind::List(items) => items.iter().map(read).collect(),
        _ => wrong(expr, what),
    }
}

fn word<T: Copy>(expr: &Expr, words: &[(&str, T)]) -> Read<T> {
    let names: Vec<_> = words.iter().map(|(w, _)| *w).collect();
    if let ExprKind::Name(name) = &expr.kind {
        if let Some((_, value)) = words.iter().find(|(w, _)| w == name) {
            return Ok(*value);
        }
        if let Some(near) = did_you_mean(name, names.iter().copied()) {
            return wrong(expr, &format!("one of {}", names.join(", "))).map_err(|d| d.help(format!("did you mean `{near}`?")));
        }
    }
    wrong(expr, &format!("one of {}", names.join(", ")))
}

/// `name(key = value, ...)` with known keys; a bare name is a call without arguments.
fn call<'a>(expr: &'a Expr, known: &[(&str, &[&'static str])]) -> Read<(&'a str, Vec<(&'a str, &'a Expr)>)> {
    let (name, args): (&str, &[Arg]) = match &expr.kind {
        ExprKind::Call(call) => (&call.name.node, &call.args),
        ExprKind::Name(name) => (name, &[]),
        _ => ("", &[]),
    };
    let names = || known.iter().map(|(n, _)| *n);
    let Some((_, keys)) = known.iter().find(|(n, _)| *n == name) else {
        let d = Diagnostic::new(Code::E0206, expr.span, format!("expected one of {}", names().collect::<Vec<_>>().join(", ")));
        return Err(match did_you_mean(name, names()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d,
        });
    };
    let mut found = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        let key = match &arg.name {
            Some(key) => key.node.as_str(),
            None if i == 0 && !keys.is_empty() => keys[0],
            None => return wrong(&arg.value, "`key = value`"),
        };
        if !keys.contains(&key) {
            let d = Diagnostic::new(Code::E0205, arg.value.span, format!("`{name}` has no key `{key}`"));
            return Err(match did_you_mean(key, keys.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("its keys are {}", keys.join(", "))),
            });
        }
        if found.iter().any(|(k, _)| *k == key) {
            return Err(Diagnostic::new(Code::E0202, arg.value.span, format!("`{key}` is given twice")));
        }
        found.push((key, &arg.value));
    }
    Ok((name, found))
}

fn field<'a, T>(
    fields: &[(&str, &'a Expr)],
    key: &str,
    default: T,
    read: impl FnOnce(&'a Expr) -> Read<T>,
) -> Read<T> {
    fields.iter().find(|(k, _)| *k == key).map_or(Ok(default), |(_, e)| read(e))
}

fn split(expr: &Expr) -> Read<Split> {
    let (name, fields) = call(expr, &[("random", &["train", "val", "test", "seed"]), ("lists", &["train", "val", "test"])])?;
    if name == "random" {
        let share = |key, default| field(&fields, key, default, number);
        let (train, val, test) = (share("train", 0.8)?, share("val", 0.0)?, share("test", 0.2)?);
        let seed = field(&fields, "seed", 0, |e| integer(e, 0))?;
        if [train, val, test].iter().any(|s| !(0.0..=1.0).contains(s)) || (train + val + test - 1.0).abs() > 1e-9 {
            let message = format!("shares must sum to 1, found {}", train + val + test);
            return Err(Diagnostic::new(Code::E0206, expr.span, message));
        }
        return Ok(Split::Random { train, val, test, seed });
    }
    let path = |key: &str| match fields.iter().find(|(k, _)| *k == key) {
        Some((_, e)) => string(e).map(Some),
        None => Ok(None),
    };
    match (path("train")?, path("val")?, path("test")?) {
        (Some(train), val, Some(test)) => Ok(Split::Lists { train, val, test }),
        _ => {
            let message = "`lists` needs `train` and `test`";
            Err(Diagnostic::new(Code::E0207, expr.span, message)
                .help("write `split = lists(train = \"train.txt\", test = \"test.txt\")`"))
        }
    }
}

fn per_channel(expr: &Expr) -> Read<Vec<f64>> {
    match &expr.kind {
        ExprKind::List(items) if matches!(items.len(), 1 | 3) => items.iter().map(number).collect(),
        ExprKind::List(_) => wrong(expr, "one number, or one for each of 3 channels"),
        _ => Ok(vec![number(expr)?]),
    }
}

/// Checks a `data` block and fills in defaults.
pub fn data_spec(data: &Data, overrides: &[Entry]) -> Result<DataSpec, Problems> {
    let mut r = Reader::new("data", data.name.span, DATA_KEYS, &data.entries, overrides);
    let source = if r.has("source") {
        if r.has("images") || r.has("masks") {
            r.refuse("source", "`source` and `images`/`masks` exclude each other", "keep one of them");
        }
        r.get("source", |e| {
            let (_, fields) = call(e, &[("phantoms", &["count", "seed"])])?;
            let count = field(&fields, "count", 100, |e| count(e, 1))?;
            Ok(DataSource::Phantoms { count, seed: field(&fields, "seed", 0, |e| integer(e, 0))? })
        })
    } else {
        let images = r.required("images", "images = \"folder/images/*.png\"", string);
        let masks = r.required("masks", "masks = \"folder/masks/*.png\"", string);
        images.zip(masks).map(|(images, masks)| DataSource::Files { images, masks })
    };
    let size = r.required("size", "size = [256, 256]", |e| match list(e, "[height, width]", |e| count(e, 1))?[..] {
        [h, w] if h.max(w) <= 16384 => Ok([h, w]),
        [_, _] => wrong(e, "a size of at most 16384 x 16384"),
        _ => wrong(e, "[height, width]"),
    });
    let classes = r.required("classes", "classes = [\"background\", \"lesion\"]", |e| {
        let names = list(e, "a list of class names", string)?;
        if (2..=255).contains(&names.len()) { Ok(names) } else { wrong(e, "2 to 255 class names, the background first") }
    });
    let labels = r.required("labels", "labels = [0, 255]", |e| {
        list(e, "a list of pixel values", |e| match u32::try_from(integer(e, 0)?) {
            Ok(n) if n <= 65535 => Ok(n),
            _ => wrong(e, "a pixel value of at most 65535"),
        })
    });
    if let (Some(classes), Some(labels)) = (&classes, &labels) {
        if classes.len() != labels.len() {
            let message = format!("{} labels for {} classes", labels.len(), classes.len());
            r.refuse("labels", message, "give one pixel value per class");
        }
        let mut sorted = labels.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|w| w[0] == w[1]) {
            r.refuse("labels", "two classes have the same label", "give each class its own pixel value");
        }
        let mut names: Vec<_> = classes.iter().collect();
        names.sort_unstable();
        if names.windows(2).any(|w| w[0] == w[1]) {
            r.refuse("classes", "two classes have the same name", "name each class once");
        }
    }
    let two = classes.as_ref().is_none_or(|c| c.len() == 2);
    let default_rule = if two { MaskRule::Threshold } else { MaskRule::Exact };
    let mask_rule = r.get("mask", |e| word(e, &[("threshold", MaskRule::Threshold), ("exact", MaskRule::Exact)]));
    if mask_rule == Some(MaskRule::Threshold) && !two {
        r.refuse("mask", "`threshold` is for two classes", "use `mask = exact`");
    }
    let split = r.get("split", split);
    let window = r.get("window", |e| match list(e, "[low, high]", number)?[..] {
        [low, high] if low < high => Ok([low, high]),
        _ => wrong(e, "[low, high] with low < high"),
    });
    let decode = r.get("decode", |e| word(e, &[("value", Decode::Value), ("hi_byte", Decode::HiByte)]));
    let mean = r.get("mean", per_channel);
    let std = r.get("std", |e| {
        let std = per_channel(e)?;
        if std.iter().all(|s| *s > 0.0) { Ok(std) } else { wrong(e, "numbers above 0") }
    });
    let cache_mb = r.get("cache_mb", |e| count(e, 0));
    let complete = source.zip(size).zip(classes).zip(labels);
    let spec = complete.map(|(((source, size), classes), labels)| DataSpec {
        name: data.name.node.clone(),
        source,
        size,
        classes,
        labels,
        mask_rule: mask_rule.unwrap_or(default_rule),
        split: split.unwrap_or(Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 0 }),
        window,
        decode: decode.unwrap_or(Decode::Value),
        mean: mean.unwrap_or_else(|| vec![0.0]),
        std: std.unwrap_or_else(|| vec![1.0]),
        cache_mb: cache_mb.unwrap_or(2048),
    });
    r.done(spec)
}

/// Checks a `train` block and fills in defaults. `args` are the hyper-parameters in the spelling of the language.
/// The second result are remarks: parts that are not evaluated yet.
pub fn train_spec(
    train: &Train,
    args: BTreeMap<String, String>,
    overrides: &[Entry],
) -> Result<(TrainSpec, Problems), Problems> {
    let mut r = Reader::new("train", train.name.span, TRAIN_KEYS, &train.entries, overrides);
    let mut later = Problems::new();
    let epochs = r.required("epochs", "epochs = 100", |e| count(e, 1));
    let batch = r.get("batch", |e| count(e, 1));
    let seed = r.get("seed", |e| integer(e, 0));
    let optimizer = r.get("optimizer", |e| {
        let (_, f) = call(e, &[("adam", &["lr", "beta1", "beta2", "eps", "weight_decay"])])?;
        let positive = |key, default| {
            field(&f, key, default, |e| match number(e)? {
                x if x > 0.0 && x.is_finite() => Ok(x),
                _ => wrong(e, "a number above 0"),
            })
        };
        let beta = |key, default| {
            field(&f, key, default, |e| match number(e)? {
                x if (0.0..1.0).contains(&x) => Ok(x),
                _ => wrong(e, "a number of at least 0 and below 1"),
            })
        };
        Ok(Optimizer::Adam {
            lr: positive("lr", 1e-3)?,
            beta1: beta("beta1", 0.9)?,
            beta2: beta("beta2", 0.999)?,
            epsilon: positive("eps", 1e-8)?,
            weight_decay: field(&f, "weight_decay", 0.0, |e| match number(e)? {
                x if x >= 0.0 && x.is_finite() => Ok(x),
                _ => wrong(e, "a number of at least 0"),
            })?,
        })
    });
    let loss = r.get("loss", |e| word(e, &[("cross_entropy", Loss::CrossEntropy)]));
    const METRICS: &[(&str, Option<Metric>)] =
        &[("dice", Some(Metric::Dice)), ("iou", Some(Metric::Iou)), ("hd95", None)];
    let metrics = r.get("metrics", |e| list(e, "a list of metrics", |e| Ok((word(e, METRICS)?, e.span))));
    for (_, span) in metrics.iter().flatten().filter(|(m, _)| m.is_none()) {
        later.push(Diagnostic::new(Code::N0901, *span, "this metric is not evaluated yet"));
    }
    let keep = r.get("keep", |e| {
        list(e, "a list such as [best(dice), last]", |e| {
            let (name, f) = call(e, &[("best", &["metric"]), ("last", &[])])?;
            if name == "last" {
                return Ok(Keep::Last);
            }
            let metric = field(&f, "metric", Metric::Dice, |e| word(e, &[("dice", Metric::Dice), ("iou", Metric::Iou)]))?;
            Ok(Keep::Best(metric))
        })
    });
    let spec = epochs.map(|epochs| TrainSpec {
        name: train.name.node.clone(),
        model: train.model.node.clone(),
        args,
        data: train.data.node.clone(),
        epochs,
        batch: batch.unwrap_or(2),
        seed: seed.unwrap_or(0),
        optimizer: optimizer.unwrap_or(Optimizer::Adam {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        }),
        loss: loss.unwrap_or(Loss::CrossEntropy),
        metrics: metrics.map_or(vec![Metric::Iou, Metric::Dice], |m| m.into_iter().filter_map(|(m, _)| m).collect()),
        keep: keep.unwrap_or_else(|| vec![Keep::Best(Metric::Dice), Keep::Last]),
    });
    r.done(spec).map(|spec| (spec, later))
}
