//! The keys of `data` blocks.

use super::reader::Reader;
use super::split::split;
use super::value::{call, count, field, integer, list, number, per_channel, positive, string, word, wrong};
use crate::diag::{Applicability, Code, Diagnostic, Problems};
use crate::recipe::{DataSource, DataSpec, Decode, Empty, MaskRule, Split};
use crate::source::Span;
use crate::syntax::ast::{Data, Entry, ExprKind};

const KEYS: &[&str] = &[
    "source", "images", "masks", "size", "classes", "labels", "mask", "split", "window", "decode", "mean", "std",
    "cache_mb", "limit", "empty", "spacing",
];

/// Checks a `data` block and fills in defaults.
pub fn data_spec(data: &Data) -> Result<DataSpec, Problems> {
    let reader = Reader::new("data", data.name.span, KEYS, &data.entries);
    read_data(reader, &data.name.node, None)
}

/// Replaces parts of a data set by entries from the command line.
pub fn override_data(base: &DataSpec, entries: &[Entry]) -> Result<DataSpec, Problems> {
    read_data(Reader::new("data", Span::default(), KEYS, entries), &base.name, Some(base))
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
    let limit = r.get("limit", |e| count(e, 1));
    // An empty mask is scored in three ways in the literature, and means differ by it: nobody should find out afterwards.
    let words = Empty::ALL.map(|rule| (rule.name(), rule));
    let empty = r.get("empty", |e| word(e, &words)).or(base.map(|b| b.empty));
    if empty.is_none() && !r.has("empty") && !r.misspelt.contains(&"empty") {
        let d = Diagnostic::new(Code::E0207, r.at, "this `data` block has no `empty`");
        let d = d.label("what does an image count for a class that neither prediction nor truth holds?");
        let d = r.added(d, "empty = one");
        r.problems.push(d.help("`one` counts it as right, `skip` leaves it out, `zero` counts it as wrong"));
    }
    let spacing = r.get("spacing", |e| match list(e, "[height, width] in millimetres", positive)?[..] {
        [height, width] => Ok([height, width]),
        _ => wrong(e, "[height, width] of a pixel in millimetres"),
    });
    let complete = source.zip(size).zip(classes).zip(labels).zip(empty);
    let spec = complete.map(|((((source, size), classes), labels), empty)| DataSpec {
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
        limit: limit.or(base.and_then(|b| b.limit)),
        empty,
        spacing: spacing.or(base.and_then(|b| b.spacing)),
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
