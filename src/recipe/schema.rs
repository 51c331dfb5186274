//! The keys of `data` and `train` blocks: types, defaults and checks.
//!
//! `--set key=value` on the command line goes through the same functions as the file's entries: an override is read on
//! top of a complete spec, so a spec from a settings file can be changed in the same way.

use super::*;
use crate::diag::{Applicability, Code, Diagnostic, Problems, did_you_mean, listed};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Arg, Data, Entry, Expr, ExprKind, Train, UnaryOp};

const DATA_KEYS: &[&str] = &[
    "source", "images", "masks", "size", "classes", "labels", "mask", "split", "window", "decode", "mean", "std",
    "cache_mb",
];
const TRAIN_KEYS: &[&str] =
    &["epochs", "batch", "seed", "optimizer", "lr", "loss", "supervise", "freeze", "metrics", "keep"];

type Read<T> = Result<T, Diagnostic>;

/// Reads the entries of one block and collects what is wrong with them.
struct Reader<'a> {
    entries: Vec<&'a Entry>,
    /// The block's name, where a missing key is reported.
    at: Span,
    what: &'static str,
    /// Keys that an unknown one was probably meant to be: not reported as missing as well.
    misspelt: Vec<&'static str>,
    problems: Problems,
}

impl<'a> Reader<'a> {
    fn new(what: &'static str, at: Span, keys: &[&'static str], entries: &'a [Entry]) -> Self {
        let mut reader = Reader { entries: Vec::new(), at, what, misspelt: Vec::new(), problems: Problems::new() };
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in entries {
            match seen.insert(&entry.key.node, entry.key.span) {
                Some(first) => {
                    let d = Diagnostic::new(Code::E0202, entry.key.span, format!("`{}` is given twice", entry.key));
                    reader.problems.push(d.label("given again here").other(first, "first given here"));
                }
                None => reader.entries.push(entry),
            }
        }
        for entry in &reader.entries {
            if !keys.contains(&entry.key.node.as_str()) {
                let d = Diagnostic::new(Code::E0205, entry.key.span, format!("`{what}` has no key `{}`", entry.key));
                let foreign = foreign(&entry.key.node).filter(|f| keys.contains(f));
                reader.misspelt.extend(foreign.or_else(|| did_you_mean(&entry.key.node, keys.iter().copied())));
                let there = || Some(format!("its keys are {}", keys.join(", ")));
                reader.problems.push(match foreign {
                    Some(ours) => d.renamed(entry.key.span, ours, Applicability::MachineApplicable),
                    None => d.nearest(entry.key.span, &entry.key.node, keys.iter().copied(), there),
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
                self.problems.push(of_key(d, key));
                None
            }
        }
    }

    /// The key's value, else `default`, else a problem that shows an example.
    fn required<T>(
        &mut self,
        key: &str,
        example: &str,
        default: Option<T>,
        read: impl FnOnce(&'a Expr) -> Read<T>,
    ) -> Option<T> {
        if !self.has(key) {
            if default.is_some() || self.misspelt.contains(&key) {
                return default;
            }
            let d = Diagnostic::new(Code::E0207, self.at, format!("this `{}` block has no `{key}`", self.what));
            let d = self.added(d, example);
            self.problems.push(d);
            return None;
        }
        self.get(key, read)
    }

    /// Offers an entry behind the last one; its value is an example.
    fn added(&self, d: Diagnostic, example: &str) -> Diagnostic {
        let help = format!("add `{example}`");
        match self.entries.iter().map(|e| e.value.span).max_by_key(|s| s.end) {
            Some(last) => d.suggest(help, last.after(), format!("  {example}"), Applicability::HasPlaceholders),
            None => d.help(help),
        }
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

/// Puts the name of a key into a message of [`wrong`], where it has none yet.
fn of_key(mut d: Diagnostic, key: &str) -> Diagnostic {
    if let Some(wanted) = d.message.strip_prefix("expected ") {
        d.message = format!("`{key}` takes {wanted}");
    }
    d
}

/// The word that people from elsewhere write, and what it is called here.
fn foreign(key: &str) -> Option<&'static str> {
    Some(match key {
        "learning_rate" => "lr",
        "batch_size" => "batch",
        "num_epochs" | "max_epochs" | "n_epochs" => "epochs",
        "criterion" => "loss",
        "random_seed" => "seed",
        "image_size" | "img_size" => "size",
        _ => return None,
    })
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
    let refused = wrong(expr, &format!("one of {}", names.join(", ")));
    let ExprKind::Name(name) = &expr.kind else { return refused };
    match words.iter().find(|(w, _)| w == name) {
        Some((_, value)) => Ok(*value),
        None => refused.map_err(|d| d.nearest(expr.span, name, names.iter().copied(), || None)),
    }
}

/// `name(key = value, ...)` with known keys; a bare name is a call without arguments.
fn call<'a>(expr: &'a Expr, known: &[(&str, &[&'static str])]) -> Read<(&'a str, Vec<(&'a str, &'a Expr)>)> {
    let (name, at, args): (&str, Span, &[Arg]) = match &expr.kind {
        ExprKind::Call(call) => (&call.name.node, call.name.span, &call.args),
        ExprKind::Name(name) => (name, expr.span, &[]),
        _ => ("", expr.span, &[]),
    };
    let names = || known.iter().map(|(n, _)| *n);
    let Some((_, keys)) = known.iter().find(|(n, _)| *n == name) else {
        let d = Diagnostic::new(
            Code::E0206,
            expr.span,
            format!("expected one of {}", names().collect::<Vec<_>>().join(", ")),
        );
        return Err(d.nearest(at, name, names(), || None));
    };
    let mut found = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        let key = match &arg.name {
            Some(key) => key.node.as_str(),
            None if i == 0 && !keys.is_empty() => keys[0],
            None => return wrong(&arg.value, "`key = value`"),
        };
        if !keys.contains(&key) {
            let span = arg.name.as_ref().map_or(arg.value.span, |n| n.span);
            let d = Diagnostic::new(Code::E0205, span, format!("`{name}` has no key `{key}`"));
            let there = || match keys.is_empty() {
                true => Some(format!("`{name}` has no keys")),
                false => Some(format!("its keys are {}", listed(keys.iter().copied()))),
            };
            return Err(d.nearest(span, key, keys.iter().copied(), there));
        }
        if found.iter().any(|(k, _)| *k == key) {
            return Err(Diagnostic::new(Code::E0202, arg.value.span, format!("`{key}` is given twice")));
        }
        found.push((key, &arg.value));
    }
    Ok((name, found))
}

fn field<'a, T>(fields: &[(&str, &'a Expr)], key: &str, default: T, read: impl FnOnce(&'a Expr) -> Read<T>) -> Read<T> {
    fields.iter().find(|(k, _)| *k == key).map_or(Ok(default), |(_, e)| read(e).map_err(|d| of_key(d, key)))
}

fn split(expr: &Expr) -> Read<Split> {
    let (name, fields) =
        call(expr, &[("random", &["train", "val", "test", "seed"]), ("lists", &["train", "val", "test"])])?;
    if name == "random" {
        let share = |key, default| field(&fields, key, default, number);
        let (train, val, test) = (share("train", 0.8)?, share("val", 0.0)?, share("test", 0.2)?);
        let seed = field(&fields, "seed", 0, |e| integer(e, 0))?;
        if [train, val, test].iter().any(|s| !(0.0..=1.0).contains(s)) || (train + val + test - 1.0).abs() > 1e-9 {
            let message = format!("shares must sum to 1, found {}", train + val + test);
            let d = Diagnostic::new(Code::E0206, expr.span, message);
            return Err(d.help("shares that are not written are train = 0.8, val = 0, test = 0.2"));
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
pub fn data_spec(data: &Data) -> Result<DataSpec, Problems> {
    let reader = Reader::new("data", data.name.span, DATA_KEYS, &data.entries);
    read_data(reader, &data.name.node, None)
}

/// Replaces parts of a data set by entries from the command line.
pub fn override_data(base: &DataSpec, entries: &[Entry]) -> Result<DataSpec, Problems> {
    read_data(Reader::new("data", Span::default(), DATA_KEYS, entries), &base.name, Some(base))
}

fn read_source(r: &mut Reader<'_>, base: Option<&DataSpec>) -> Option<DataSource> {
    if r.has("source") {
        if r.has("images") || r.has("masks") {
            r.refuse("source", "`source` and `images`/`masks` exclude each other", "keep one of them");
        }
        return r.get("source", |e| {
            let (_, fields) = call(e, &[("phantoms", &["count", "seed"])])?;
            let count = field(&fields, "count", 100, |e| count(e, 1))?;
            Ok(DataSource::Phantoms { count, seed: field(&fields, "seed", 0, |e| integer(e, 0))? })
        });
    }
    let before = match base.map(|b| &b.source) {
        Some(DataSource::Files { images, masks }) => Some((images.clone(), masks.clone())),
        Some(DataSource::Phantoms { .. }) | None => None,
    };
    match base {
        Some(base) if !r.has("images") && !r.has("masks") => Some(base.source.clone()),
        _ => {
            let (old_images, old_masks) = before.unzip();
            let images = r.required("images", "images = \"folder/images/*.png\"", old_images, string);
            let masks = r.required("masks", "masks = \"folder/masks/*.png\"", old_masks, string);
            images.zip(masks).map(|(images, masks)| DataSource::Files { images, masks })
        }
    }
}

fn read_data(mut r: Reader<'_>, name: &str, base: Option<&DataSpec>) -> Result<DataSpec, Problems> {
    let source = read_source(&mut r, base);
    let size = r.required("size", "size = [256, 256]", base.map(|b| b.size), |e| {
        let square = |d: Diagnostic| match &e.kind {
            ExprKind::Int(n) => {
                d.suggest("for square images, write", e.span, format!("[{n}, {n}]"), Applicability::MaybeIncorrect)
            }
            _ => d,
        };
        match list(e, "[height, width]", |e| count(e, 1)).map_err(square)?[..] {
            [h, w] if h.max(w) <= 16384 => Ok([h, w]),
            [_, _] => wrong(e, "a size of at most 16384 x 16384"),
            _ => wrong(e, "[height, width]"),
        }
    });
    let old = base.map(|b| b.classes.clone());
    let classes = r.required("classes", "classes = [\"background\", \"lesion\"]", old, |e| {
        let names = list(e, "a list of class names", string)?;
        if (2..=255).contains(&names.len()) {
            Ok(names)
        } else {
            wrong(e, "2 to 255 class names, the background first")
        }
    });
    let labels = r.required("labels", "labels = [0, 255]", base.map(|b| b.labels.clone()), |e| {
        list(e, "a list of pixel values", |e| match u32::try_from(integer(e, 0)?) {
            Ok(n) if n <= 65535 => Ok(n),
            _ => wrong(e, "a pixel value of at most 65535"),
        })
    });
    if let (Some(classes), Some(labels)) = (&classes, &labels) {
        check_labels(&mut r, classes, labels);
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
        name: name.to_string(),
        source,
        size,
        classes,
        labels,
        mask_rule: mask_rule.or(base.map(|b| b.mask_rule)).unwrap_or(default_rule),
        split: (split.or(base.map(|b| b.split.clone()))).unwrap_or(Split::Random {
            train: 0.8,
            val: 0.0,
            test: 0.2,
            seed: 0,
        }),
        window: window.or(base.and_then(|b| b.window)),
        decode: decode.or(base.map(|b| b.decode)).unwrap_or(Decode::Value),
        mean: mean.or(base.map(|b| b.mean.clone())).unwrap_or_else(|| vec![0.0]),
        std: std.or(base.map(|b| b.std.clone())).unwrap_or_else(|| vec![1.0]),
        cache_mb: cache_mb.or(base.map(|b| b.cache_mb)).unwrap_or(2048),
    });
    r.done(spec)
}

fn check_labels(r: &mut Reader<'_>, classes: &[String], labels: &[u32]) {
    if classes.len() != labels.len() {
        let message = format!("{} labels for {} classes", labels.len(), classes.len());
        r.refuse("labels", message, "give one pixel value per class");
    }
    let mut sorted = labels.to_vec();
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

/// Checks a `train` block and fills in defaults. `args` are the hyper-parameters in the spelling of the language.
/// The second result are remarks: parts that are not evaluated yet.
pub fn train_spec(train: &Train, args: BTreeMap<String, String>) -> Result<(TrainSpec, Problems), Problems> {
    let mut r = Reader::new("train", train.name.span, TRAIN_KEYS, &train.entries);
    if !r.has("epochs") && !r.misspelt.contains(&"epochs") {
        let d = Diagnostic::new(Code::E0207, train.name.span, "this `train` block has no `epochs`");
        let d = r.added(d, "epochs = 100");
        r.problems.push(d);
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
        loss: Loss::CrossEntropy,
        supervise: BTreeMap::new(),
        freeze: Vec::new(),
        metrics: vec![Metric::Iou, Metric::Dice],
        keep: vec![Keep::Best(Metric::Dice), Keep::Last],
    };
    read_train(r, defaults)
}

/// Replaces parts of a run by entries from the command line.
pub fn override_train(base: TrainSpec, entries: &[Entry]) -> Result<TrainSpec, Problems> {
    read_train(Reader::new("train", Span::default(), TRAIN_KEYS, entries), base).map(|(spec, _)| spec)
}

fn optimizer(e: &Expr) -> Read<Optimizer> {
    let (_, f) = call(e, &[("adam", &["lr", "beta1", "beta2", "eps", "weight_decay"])])?;
    let beta = |key, default| {
        field(&f, key, default, |e| match number(e)? {
            x if (0.0..1.0).contains(&x) => Ok(x),
            _ => wrong(e, "a number of at least 0 and below 1"),
        })
    };
    Ok(Optimizer::Adam {
        lr: field(&f, "lr", 1e-3, positive)?,
        beta1: beta("beta1", 0.9)?,
        beta2: beta("beta2", 0.999)?,
        epsilon: field(&f, "eps", 1e-8, positive)?,
        weight_decay: field(&f, "weight_decay", 0.0, |e| match number(e)? {
            x if x >= 0.0 && x.is_finite() => Ok(x),
            _ => wrong(e, "a number of at least 0"),
        })?,
    })
}

/// `weights(main = 1, aux = 0.4)`: any results, not all of them without weight.
fn supervise(e: &Expr) -> Read<BTreeMap<String, f64>> {
    let ExprKind::Call(call) = &e.kind else { return wrong(e, "`weights(main = 1, aux = 0.4)`") };
    if call.name.node != "weights" {
        return wrong(e, "`weights(main = 1, aux = 0.4)`");
    }
    let mut weights = BTreeMap::new();
    for arg in &call.args {
        let Some(name) = &arg.name else { return wrong(&arg.value, "`result = weight`") };
        let weight = match number(&arg.value)? {
            x if x >= 0.0 && x.is_finite() => x,
            _ => return wrong(&arg.value, "weights of at least 0"),
        };
        if weights.insert(name.node.clone(), weight).is_some() {
            return Err(Diagnostic::new(Code::E0202, name.span, format!("`{name}` is given twice")));
        }
    }
    if weights.values().all(|&w| w == 0.0) { wrong(e, "a weight above 0") } else { Ok(weights) }
}

/// `["s.1", "fem.branches"]`: each path with the place of its text inside the quotes.
fn freeze(e: &Expr) -> Read<Vec<Spanned<String>>> {
    let paths = list(e, "a list of paths such as [\"s.1\"]", |e| {
        let inside = Span { start: e.span.start + 1, end: e.span.end.saturating_sub(1), ..e.span };
        Ok(Spanned::new(string(e)?, inside))
    })?;
    for (i, path) in paths.iter().enumerate() {
        if paths[..i].iter().any(|p| p.node == path.node) {
            return Err(Diagnostic::new(Code::E0202, path.span, format!("`{path}` is given twice")));
        }
    }
    Ok(paths)
}

/// The paths that the entries freeze; `None` where they say nothing of it, or nothing that can be read.
pub fn freeze_paths(entries: &[Entry]) -> Option<Vec<Spanned<String>>> {
    freeze(&entries.iter().find(|e| e.key.node == "freeze")?.value).ok()
}

fn positive(e: &Expr) -> Read<f64> {
    match number(e)? {
        x if x > 0.0 && x.is_finite() => Ok(x),
        _ => wrong(e, "a number above 0"),
    }
}

fn read_train(mut r: Reader<'_>, base: TrainSpec) -> Result<(TrainSpec, Problems), Problems> {
    let mut later = Problems::new();
    let mut spec = base;
    let set = |value: Option<usize>, place: &mut usize| *place = value.unwrap_or(*place);
    set(r.get("epochs", |e| count(e, 1)), &mut spec.epochs);
    set(r.get("batch", |e| count(e, 1)), &mut spec.batch);
    spec.seed = r.get("seed", |e| integer(e, 0)).unwrap_or(spec.seed);
    spec.optimizer = r.get("optimizer", optimizer).unwrap_or(spec.optimizer);
    if let Some(rate) = r.get("lr", positive) {
        let Optimizer::Adam { lr, .. } = &mut spec.optimizer;
        *lr = rate;
    }
    spec.loss = r.get("loss", |e| word(e, &[("cross_entropy", Loss::CrossEntropy)])).unwrap_or(spec.loss);
    spec.supervise = r.get("supervise", supervise).unwrap_or(spec.supervise);
    if let Some(paths) = r.get("freeze", freeze) {
        spec.freeze = paths.into_iter().map(|p| p.node).collect();
    }
    const METRICS: &[(&str, Option<Metric>)] =
        &[("dice", Some(Metric::Dice)), ("iou", Some(Metric::Iou)), ("hd95", None)];
    if let Some(metrics) = r.get("metrics", |e| list(e, "a list of metrics", |e| Ok((word(e, METRICS)?, e.span)))) {
        for (_, span) in metrics.iter().filter(|(m, _)| m.is_none()) {
            later.push(Diagnostic::new(Code::N0901, *span, "this metric is not evaluated yet"));
        }
        spec.metrics = metrics.into_iter().filter_map(|(m, _)| m).collect();
    }
    let keep = r.get("keep", |e| {
        list(e, "a list such as [best(dice), last]", |e| {
            let (name, f) = call(e, &[("best", &["metric"]), ("last", &[])])?;
            if name == "last" {
                return Ok(Keep::Last);
            }
            let metrics = [("dice", Metric::Dice), ("iou", Metric::Iou)];
            Ok(Keep::Best(field(&f, "metric", Metric::Dice, |e| word(e, &metrics))?))
        })
    });
    spec.keep = keep.unwrap_or(spec.keep);
    r.done(Some(spec)).map(|spec| (spec, later))
}
