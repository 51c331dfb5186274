//! The schema of `data` blocks.

use super::mask_labels::{check_ignored, check_labels, ignored_values, label, mask_rule};
use super::reader::BlockReader;
use super::split::split;
use super::value::{
    ReadResult, call, count, expected, field, integer, list, number, per_channel, positive, string, word,
};
use crate::base::problem::problem;
use crate::text::config::check::{MAX_SIZE, RefusedSetting};
use crate::text::config::dataset_layouts::{DatasetLayout, LAYOUTS};
use crate::text::config::{
    DataSource, DataSpec, DecodeRule, EmptyClassRule, OrientationRule, SliceAxis, SliceSelection, Slicing, Split,
};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::source::Span;
use crate::text::syntax::ast::{Data, Entry, Expr, ExprKind};

pub(super) const KEYS: &[&str] = &[
    "source",
    "images",
    "masks",
    "size",
    "classes",
    "labels",
    "mask",
    "split",
    "window",
    "decode",
    "mean",
    "std",
    "cache_mb",
    "empty",
    "spacing",
    "layout",
    "list",
    "slices",
    "axis",
    "limit",
    "ignore",
    "orientation",
];

/// Checks a `data` block and fills in defaults.
pub fn data_spec(data: &Data) -> Result<DataSpec, Problems> {
    let reader = BlockReader::new("data", data.name.span, KEYS, &data.entries);
    read_data(reader, &data.name.node, None)
}

/// Overrides parts of a data set with entries from the command line.
pub fn override_data(base: &DataSpec, entries: &[Entry]) -> Result<DataSpec, Problems> {
    read_data(BlockReader::new("data", Span::default(), KEYS, entries), &base.name, Some(base))
}

/// A published layout with the folder of the data set, if it is not the default.
type LocatedLayout<'a> = (&'static DatasetLayout, Option<&'a str>);

/// Reads `isic2018`, or `isic2018("Folder")` for another folder.
fn layout(e: &Expr) -> ReadResult<LocatedLayout<'_>> {
    let known: Vec<(&str, &[&'static str])> = LAYOUTS.iter().map(|l| (l.name, &["folder"] as &[_])).collect();
    let (name, fields) = call(e, &known)?;
    let folder = field(&fields, "folder", None, |e| match &e.kind {
        ExprKind::Str(folder) => Ok(Some(folder.as_str())),
        _ => expected(e, "a string in double quotes"),
    })?;
    match LAYOUTS.iter().find(|l| l.name == name) {
        Some(layout) => Ok((layout, folder)),
        None => expected(e, "the name of a layout"),
    }
}

fn read_source(
    r: &mut BlockReader<'_>,
    base: Option<&DataSpec>,
    laid: Option<LocatedLayout<'_>>,
) -> Option<DataSource> {
    let ways: Vec<&str> = ["source", "list", "images", "masks"].into_iter().filter(|key| r.has(key)).collect();
    if let [first @ ("source" | "list"), second, ..] = ways[..] {
        let second =
            if first == "source" && second != "list" { "`images`/`masks`".into() } else { format!("`{second}`") };
        r.problems.push(exclusive_keys(r.value_span(first), first, &second));
    }
    if r.has("source") {
        return r.get("source", |e| {
            let (_, fields) = call(e, &[("phantoms", &["count", "seed"])])?;
            let count = field(&fields, "count", 100, |e| count(e, 1))?;
            Ok(DataSource::Phantoms { count, seed: field(&fields, "seed", 0, |e| integer(e, 0))? })
        });
    }
    if r.has("list") {
        return r.get("list", |e| Ok(DataSource::List { list: string(e)? }));
    }
    let before = match (laid, base.map(|b| &b.source)) {
        (Some((layout, folder)), _) => {
            let [images, masks] = layout.patterns(folder);
            Some((images, masks))
        }
        (None, Some(DataSource::Files { images, masks })) => Some((images.clone(), masks.clone())),
        (None, Some(DataSource::Phantoms { .. } | DataSource::List { .. }) | None) => None,
    };
    match base {
        Some(base) if laid.is_none() && !r.has("images") && !r.has("masks") => Some(base.source.clone()),
        _ => {
            let (old_images, old_masks) = before.unzip();
            let images = r.required("images", "images = \"folder/images/*.png\"", old_images, string);
            let masks = r.required("masks", "masks = \"folder/masks/*.png\"", old_masks, string);
            images.zip(masks).map(|(images, masks)| DataSource::Files { images, masks })
        }
    }
}

/// Returns the problem of two keys of which a block can have only one.
fn exclusive_keys(span: Span, first: &str, second: &str) -> Diagnostic {
    problem!(E0206, span, "`{first}` and {second} exclude each other"; help: "keep one of them")
}

fn slicing(r: &mut BlockReader<'_>, before: Slicing) -> Slicing {
    let axes = [("axial", SliceAxis::Axial), ("coronal", SliceAxis::Coronal), ("sagittal", SliceAxis::Sagittal)];
    let axis = r.get("axis", |e| word(e, &axes)).unwrap_or(before.axis);
    let slices = r.get("slices", |e| {
        let (name, fields) = call(e, &[("all", &[]), ("labelled", &[]), ("every", &["n"])])?;
        Ok(match name {
            "all" => SliceSelection::All,
            "labelled" => SliceSelection::Labelled,
            _ => SliceSelection::Every(match fields.first() {
                Some((_, n)) => count(n, 1)?,
                None => return expected(e, "all, labelled, or every(4)"),
            }),
        })
    });
    Slicing { axis, slices: slices.unwrap_or(before.slices) }
}

/// Reads all keys of a `data` block. A key that is absent has the value of `base`, if there is one, or its default.
fn read_data(mut r: BlockReader<'_>, name: &str, base: Option<&DataSpec>) -> Result<DataSpec, Problems> {
    let laid = read_layout(&mut r);
    let source = read_source(&mut r, base, laid);
    let size = r.required("size", "size = [256, 256]", base.map(|b| b.size), size);
    let old = laid.map(|(layout, _)| layout.classes.map(str::to_string).to_vec()).or(base.map(|b| b.classes.clone()));
    let classes = r.required("classes", "classes = [\"background\", \"lesion\"]", old, class_names);
    let old = laid.map(|(layout, _)| layout.labels.to_vec()).or(base.map(|b| b.labels.clone()));
    let labels = r.required("labels", "labels = [0, 255]", old, |e| list(e, "a list of pixel values", label));
    if let (Some(classes), Some(labels)) = (&classes, &labels) {
        check_labels(&mut r, classes, labels);
    }
    let two = classes.as_ref().is_none_or(|c| c.len() == 2);
    let before = laid.map(|(layout, _)| layout.mask).or(base.map(|b| b.mask_rule));
    let ignore = r.get("ignore", ignored_values).or(base.map(|b| b.ignore.clone())).unwrap_or_default();
    if let (Some(classes), Some(labels)) = (&classes, &labels) {
        check_ignored(&mut r, &ignore, labels, classes);
    }
    let mask_rule = mask_rule(&mut r, labels.as_ref(), two, before);
    let (split, grouping) = r.get("split", split).unzip();
    let slicing = slicing(&mut r, base.map(|b| b.slicing).unwrap_or_default());
    let window = r.get("window", intensity_window);
    let decode = r.get("decode", |e| word(e, &[("value", DecodeRule::Value), ("hi_byte", DecodeRule::HiByte)]));
    let orientations = [("apply", OrientationRule::Apply), ("stored", OrientationRule::Stored)];
    let orientation = r.get("orientation", |e| word(e, &orientations));
    let mean = r.get("mean", per_channel);
    let std = r.get("std", standard_deviations);
    let cache_mb = r.get("cache_mb", |e| count(e, 0));
    let limit = r.get("limit", |e| count(e, 1));
    let empty = read_empty_rule(&mut r, base);
    let spacing = r.get("spacing", pixel_spacing);
    let split = split.or_else(|| source.as_ref().map(|source| unwritten_split(base, source))).unwrap_or(Split::DEFAULT);
    let complete = source.zip(size).zip(classes).zip(labels).zip(empty);
    let spec = complete.map(|((((source, size), classes), labels), empty)| DataSpec {
        name: name.to_string(),
        source,
        size,
        classes,
        labels,
        ignore,
        mask_rule,
        split,
        grouping: grouping.or(base.map(|b| b.grouping.clone())).unwrap_or_default(),
        slicing,
        window: window.or(laid.and_then(|(layout, _)| layout.window)).or(base.and_then(|b| b.window)),
        orientation: orientation.or(base.and_then(|b| b.orientation)),
        decode: decode.or(base.map(|b| b.decode)).unwrap_or(DecodeRule::Value),
        mean: mean.or(base.map(|b| b.mean.clone())).unwrap_or_else(|| vec![0.0]),
        std: std.or(base.map(|b| b.std.clone())).unwrap_or_else(|| vec![1.0]),
        cache_mb: cache_mb.or(base.map(|b| b.cache_mb)).unwrap_or(2048),
        limit: limit.or(base.and_then(|b| b.limit)),
        empty,
        spacing: spacing.or(base.and_then(|b| b.spacing)),
    });
    if let (Some(spec), false) = (&spec, r.problems.has_errors())
        && let Err(RefusedSetting { key, message }) = spec.check()
    {
        r.problems.push(problem!(E0206, r.value_span(key), "{message}"));
    }
    r.finish(spec)
}

/// Returns the split of a block that writes none: that of `base`, or a random one. A list may have a column for it.
fn unwritten_split(base: Option<&DataSpec>, source: &DataSource) -> Split {
    let before = base.map_or(Split::DEFAULT, |b| b.split.clone());
    let lists = [base.map(|b| &b.source), Some(source)].map(|s| matches!(s, Some(DataSource::List { .. })));
    match (before, lists) {
        (Split::Random { .. }, [false, true]) if base.is_none_or(|b| b.split == Split::DEFAULT) => {
            Split::ColumnOrRandom
        }
        (Split::ColumnOrRandom, [_, false]) => Split::DEFAULT,
        (before, _) => before,
    }
}

/// Reads `layout`, which excludes `source` and `list`.
fn read_layout<'a>(r: &mut BlockReader<'a>) -> Option<LocatedLayout<'a>> {
    let laid = r.get("layout", layout);
    if laid.is_some() {
        for key in ["source", "list"] {
            if r.has(key) {
                r.problems.push(exclusive_keys(r.value_span(key), key, "`layout`"));
            }
        }
    } else if r.has("layout") {
        // The keys that the invalid layout would have filled in are not reported as missing.
        r.misspelt.extend(["images", "masks", "classes", "labels"]);
    }
    laid
}

/// `[height, width]` of at most 16384 pixels each.
fn size(e: &Expr) -> ReadResult<[usize; 2]> {
    if let ExprKind::Int(n) = &e.kind {
        return Err(problem!(E0206, e.span, "expected [height, width]";
            fix[e.span => format!("[{n}, {n}]"), MaybeIncorrect]: "for square images, write"));
    }
    match list(e, "[height, width]", |e| count(e, 1))?[..] {
        [h, w] if h.max(w) <= MAX_SIZE => Ok([h, w]),
        [_, _] => expected(e, "a size of at most 16384 x 16384"),
        _ => expected(e, "[height, width]"),
    }
}

fn class_names(e: &Expr) -> ReadResult<Vec<String>> {
    let names = list(e, "a list of class names", string)?;
    if (2..=255).contains(&names.len()) { Ok(names) } else { expected(e, "2 to 255 class names, the background first") }
}

fn intensity_window(e: &Expr) -> ReadResult<[f64; 2]> {
    match list(e, "[low, high]", number)?[..] {
        [low, high] if low < high => Ok([low, high]),
        _ => expected(e, "[low, high] with low < high"),
    }
}

fn standard_deviations(e: &Expr) -> ReadResult<Vec<f64>> {
    let std = per_channel(e)?;
    if std.iter().all(|s| *s > 0.0) { Ok(std) } else { expected(e, "numbers above 0") }
}

fn pixel_spacing(e: &Expr) -> ReadResult<[f64; 2]> {
    match list(e, "[height, width] in millimetres", positive)?[..] {
        [height, width] => Ok([height, width]),
        _ => expected(e, "[height, width] of a pixel in millimetres"),
    }
}

/// Reads `empty`, which has no default: the literature scores empty masks in three ways, and the means differ.
fn read_empty_rule(r: &mut BlockReader<'_>, base: Option<&DataSpec>) -> Option<EmptyClassRule> {
    let words = EmptyClassRule::ALL.map(|rule| (rule.name(), rule));
    let empty = r.get("empty", |e| word(e, &words)).or(base.map(|b| b.empty));
    if empty.is_none() && !r.has("empty") && !r.misspelt.contains(&"empty") {
        let missing = problem!(E0207, r.at, "this `data` block has no `empty`";
            label: "what is the score of a class that is absent from both prediction and mask?");
        let help =
            "`one` is the best score, `skip` excludes the image from the mean of the class, `zero` is the worst score";
        r.problems.push(r.suggest_entry(missing, "empty = one").help(help));
    }
    empty
}
