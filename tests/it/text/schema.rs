//! The keys of `data` and `train` blocks: values that are accepted, values that are refused, and their messages.

mod augment;
mod data_blocks;
mod limits;

use npc::text::config::schema::{data_spec, override_data, override_train, train_spec};
use npc::text::config::{
    DataSource, DataSpec, DecodeRule, EmptyClassRule, FocalAlpha, Grouping, KeptCheckpoint, ListedValidation, LossSpec,
    LossTerm, MaskRule, Metric, Optimizer, Schedule, ScheduleCurve, Slicing, Split, StratifyBy, TrainSpec,
};
use npc::text::diag::{Diagnostic, Problems};
use npc::text::source::{SourceMap, Span, Spanned};
use npc::text::syntax::ast::{Entry, FileItem, ItemKind};
use npc::text::syntax::{parse, parse_value};
use std::collections::BTreeMap;

fn item(text: &str) -> FileItem {
    let mut sources = SourceMap::new();
    let id = sources.add("test.model", format!("npc 1\n{text}\n"));
    let (file, problems) = parse(&sources, id);
    assert!(problems.is_empty(), "{:?}", problems.iter().map(|d| d.message.clone()).collect::<Vec<_>>());
    file.items.into_iter().next().unwrap()
}

fn data(entries: &str) -> Result<DataSpec, Problems> {
    let ItemKind::Data(data) = item(&format!("data d {{\n{entries}\n}}")).kind else { panic!("a data block") };
    data_spec(&data)
}

fn train(entries: &str) -> Result<TrainSpec, Problems> {
    let ItemKind::Train(train) = item(&format!("train t = Net on d {{\n{entries}\n}}")).kind else {
        panic!("a train block")
    };
    train_spec(&train, BTreeMap::new()).map(|(spec, _)| spec)
}

fn entry(key: &str, value: &str) -> Entry {
    let mut sources = SourceMap::new();
    let id = sources.add("--set", value);
    let Ok(value) = parse_value(&sources, id) else { panic!("{value} is an expression") };
    Entry { key: Spanned::new(key.into(), Span::default()), value }
}

/// `E0206 message; help` of each problem.
fn messages_of<T>(result: Result<T, Problems>) -> Vec<String> {
    let Err(problems) = result else { return Vec::new() };
    let help =
        |d: &Diagnostic| [&d.help[..], &d.suggestions.iter().map(|s| s.message.clone()).collect::<Vec<_>>()].concat();
    problems.iter().map(|d| format!("{} {}; {}", d.code.id(), d.message, help(d).join("; "))).collect()
}

const FILES: &str = "images = \"a/*.png\"\nmasks = \"b/*.png\"\nsize = [32, 48]\nclasses = [\"background\", \"cell\"]\n\
                     labels = [0, 255]\nempty = one";

#[test]
fn data_fills_in_defaults() {
    let spec = data(FILES).unwrap();
    let expected = DataSpec {
        name: "d".into(),
        source: DataSource::Files { images: "a/*.png".into(), masks: "b/*.png".into() },
        size: [32, 48],
        classes: vec!["background".into(), "cell".into()],
        labels: vec![0, 255],
        ignore: Vec::new(),
        orientation: None,
        mask_rule: MaskRule::Exact,
        split: Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 0 },
        grouping: Grouping::default(),
        slicing: Slicing::default(),
        window: None,
        decode: DecodeRule::Value,
        mean: vec![0.0],
        std: vec![1.0],
        cache_mb: 2048,
        limit: None,
        empty: EmptyClassRule::One,
        spacing: None,
    };
    assert_eq!(spec, expected);
    let three = FILES.replace("[0, 255]", "[0, 1, 2]").replace("\"cell\"", "\"cell\", \"border\"");
    assert_eq!(data(&three).unwrap().mask_rule, MaskRule::Exact);
}

#[test]
fn train_fills_in_defaults() {
    let spec = train("epochs = 7").unwrap();
    let expected = TrainSpec {
        name: "t".into(),
        model: "Net".into(),
        args: BTreeMap::new(),
        data: "d".into(),
        epochs: 7,
        batch: 2,
        seed: 0,
        optimizer: Optimizer::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 },
        schedule: Default::default(),
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
        save_every: 10.0,
        precision: Default::default(),
    };
    assert_eq!(spec, expected);
}

#[test]
fn every_key_of_data_is_read() {
    let all = format!(
        "{FILES}\nmask = exact\nsplit = lists(train = \"t.txt\", val = \"v.txt\", test = \"x.txt\")\n\
         window = [-1000, 400]\ndecode = hi_byte\nmean = [0.5, 0.4, 0.3]\nstd = 0.2\ncache_mb = 16\nspacing = [0.7, 1]"
    );
    let spec = data(&all).unwrap();
    assert_eq!((spec.mask_rule, spec.decode, spec.cache_mb), (MaskRule::Exact, DecodeRule::HiByte, 16));
    assert_eq!((spec.empty, spec.spacing), (EmptyClassRule::One, Some([0.7, 1.0])));
    assert_eq!((spec.window, spec.mean, spec.std), (Some([-1000.0, 400.0]), vec![0.5, 0.4, 0.3], vec![0.2]));
    let split =
        Split::Lists { train: "t.txt".into(), val: Some(ListedValidation::List("v.txt".into())), test: "x.txt".into() };
    assert_eq!(spec.split, split);
    let drawn = all.replace("val = \"v.txt\"", "val = 0.1, seed = 7, stratify = classes");
    let spec = data(&drawn).unwrap();
    let val = Some(ListedValidation::Share { share: 0.1, seed: 7 });
    assert_eq!(spec.split, Split::Lists { train: "t.txt".into(), val, test: "x.txt".into() });
    assert_eq!(spec.grouping.stratify, Some(StratifyBy::Classes));
}

#[test]
fn every_key_of_train_is_read() {
    let spec = train(
        "epochs = 3 batch = 4 seed = 9 optimizer = adam(lr = 1e-4, beta1 = 0.8, beta2 = 0.9, eps = 1e-6, \
         weight_decay = 0.01) loss = cross_entropy supervise = weights(main = 1, aux = 0.4) \
         freeze = [\"s.1\", \"fem.branches\"] metrics = [dice, hd95] keep = [best(assd), best, last]",
    )
    .unwrap();
    let adam = Optimizer::Adam { lr: 1e-4, beta1: 0.8, beta2: 0.9, epsilon: 1e-6, weight_decay: 0.01 };
    assert_eq!((spec.epochs, spec.batch, spec.seed, spec.optimizer), (3, 4, 9, adam));
    assert_eq!(spec.supervise, BTreeMap::from([("main".into(), 1.0), ("aux".into(), 0.4)]));
    assert_eq!(spec.freeze, ["s.1", "fem.branches"]);
    assert_eq!(spec.metrics, [Metric::Dice, Metric::Hd95]);
    assert_eq!(
        spec.keep,
        [KeptCheckpoint::Best(Metric::Assd), KeptCheckpoint::Best(Metric::Dice), KeptCheckpoint::Last]
    );
    assert!(matches!(train("epochs = 1 lr = 0.5").unwrap().optimizer, Optimizer::Adam { lr: 0.5, .. }));
    let spec = train("epochs = 9 clip = 12 schedule = cosine(min = 1e-6, restarts = 2, warmup = 0.5)").unwrap();
    let schedule = Schedule { curve: ScheduleCurve::Cosine { min: 1e-6, restarts: 2 }, warmup: 0.5 };
    assert_eq!((spec.schedule, spec.clip), (schedule, Some(12.0)));
    assert_eq!(train("epochs = 9 schedule = poly").unwrap().schedule.curve, ScheduleCurve::Poly { power: 0.9 });
    assert_eq!(override_train(spec, &[entry("clip", "none")]).unwrap().clip, None);
}

#[test]
fn optimizers_have_pytorchs_defaults() {
    let read = |text: &str| train(&format!("epochs = 1 optimizer = {text}")).unwrap().optimizer;
    let adam = (1e-3, 0.9, 0.999, 1e-8);
    let (lr, beta1, beta2, epsilon) = adam;
    assert_eq!(read("adam"), Optimizer::Adam { lr, beta1, beta2, epsilon, weight_decay: 0.0 });
    assert_eq!(read("adamw"), Optimizer::AdamW { lr, beta1, beta2, epsilon, weight_decay: 0.01 });
    assert_eq!(read("sgd"), Optimizer::Sgd { lr, momentum: 0.0, nesterov: false, weight_decay: 0.0 });
    let nnunet = Optimizer::Sgd { lr: 0.01, momentum: 0.99, nesterov: true, weight_decay: 3e-5 };
    assert_eq!(read("sgd(0.01, momentum = 0.99, nesterov = true, weight_decay = 3e-5)"), nnunet);
    assert_eq!([read("adam"), read("adamw"), read("sgd"), nnunet].map(|o| o.moment_count()), [2, 2, 0, 1]);
}

#[test]
fn losses_are_sums_of_terms() {
    let read = |text: &str| {
        let terms = train(&format!("epochs = 1 loss = {text}")).unwrap().loss.terms;
        terms.into_iter().map(|t| (t.weight, t.term)).collect::<Vec<_>>()
    };
    assert_eq!(read("cross_entropy"), [(1.0, LossTerm::CROSS_ENTROPY)]);
    assert_eq!(read("dice + cross_entropy"), [(1.0, LossTerm::DICE), (1.0, LossTerm::CROSS_ENTROPY)]);
    let weighted = LossTerm::CrossEntropy { weights: vec![1.0, 4.0], smoothing: 0.1 };
    let sum = "cross_entropy(weights = [1, 4], smoothing = 0.1) + 0.5 * dice";
    assert_eq!(read(sum), [(1.0, weighted), (0.5, LossTerm::DICE)]);
    // Factors are on either side, and before a sum.
    let three = [(2.0, LossTerm::FOCAL), (1.0, LossTerm::LOVASZ), (0.25, LossTerm::TVERSKY)];
    assert_eq!(read("2 * (focal + 0.5 * lovasz) + tversky * 0.25"), three);
    let all = LossTerm::Dice { squared: true, smooth: 1.0, batch: false, include_background: true };
    assert_eq!(read("dice(squared = true, smooth = 1, batch = false, include_background = true)")[0].1, all);
    assert_eq!(
        read("focal(gamma = 1, alpha = 0.25)")[0].1,
        LossTerm::Focal { gamma: 1.0, alpha: FocalAlpha::Foreground(0.25) }
    );
    let alpha = FocalAlpha::PerClass(vec![1.0, 2.0]);
    assert_eq!(read("focal(alpha = [1, 2])")[0].1, LossTerm::Focal { gamma: 2.0, alpha });
    let tversky =
        LossTerm::Tversky { alpha: 0.3, beta: 0.7, gamma: 0.75, smooth: 1e-5, batch: true, include_background: false };
    assert_eq!(read("tversky(alpha = 0.3, beta = 0.7, gamma = 0.75)")[0].1, tversky);
    assert_eq!(read("lovasz(per_image = true)")[0].1, LossTerm::Lovasz { per_image: true });
}

/// The run of docs/optimisation.md is valid, and its tables have every term and optimiser.
#[test]
fn the_page_on_optimisation_matches_the_language() {
    let page = std::fs::read_to_string(crate::support::repository::repository("docs/optimisation.md")).unwrap();
    let run = page.split("```npc").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let ItemKind::Train(block) = item(run.trim()).kind else { panic!("a train block") };
    let (spec, _) = train_spec(&block, BTreeMap::new()).unwrap_or_else(|_| panic!("{run}"));
    assert_eq!((spec.loss.terms.len(), spec.clip, spec.optimizer.name()), (2, Some(12.0), "sgd"));
    for name in ["cross_entropy", "dice", "focal", "tversky", "lovasz", "adam", "adamw", "sgd", "constant"] {
        assert!(page.lines().any(|l| l.starts_with(&format!("| `{name}` |"))), "no row for `{name}`");
    }
    // The defaults are those of the tables.
    let same = |a: &str, b: &str| {
        let read = |text| train(&format!("epochs = 1 {text}")).unwrap();
        assert_eq!(read(a), read(b));
    };
    same("loss = dice", "loss = dice(squared = false, smooth = 1e-5, batch = true, include_background = false)");
    same("loss = focal + lovasz", "loss = focal(gamma = 2) + lovasz(per_image = false)");
    same("loss = tversky", "loss = tversky(alpha = 0.5, beta = 0.5, gamma = 1, smooth = 1e-5, batch = true)");
    same("loss = cross_entropy", "loss = cross_entropy(smoothing = 0)");
    same("schedule = cosine", "schedule = cosine(min = 0, restarts = 0, warmup = 0)");
}

#[test]
fn numbers_for_classes_are_as_many_as_classes() {
    let loss = |text: &str| train(&format!("epochs = 1 loss = {text}")).unwrap().loss;
    for (text, message) in [
        (
            "dice + cross_entropy(weights = [1, 2, 3])",
            "`weights` of `cross_entropy` has 3 numbers, the data has 2 classes",
        ),
        ("focal(alpha = [1])", "`alpha` of `focal` has 1 number, the data has 2 classes"),
    ] {
        assert_eq!(loss(text).check(2).unwrap_err(), message);
    }
    for text in ["cross_entropy", "cross_entropy(weights = [0, 1]) + focal(alpha = 0.25)", "lovasz"] {
        loss(text).check(2).unwrap();
    }
}

#[test]
fn mistakes_in_data_name_the_key() {
    for (change, expected) in [
        ("size = 64", "E0206 `size` takes [height, width]"),
        ("size = [0, 4]", "E0206 `size` takes an integer of at least 1"),
        ("size = [20000, 4]", "E0206 `size` takes a size of at most 16384 x 16384"),
        ("classes = [\"a\"]", "E0206 `classes` takes 2 to 255 class names"),
        ("labels = [0, 255, 9]", "E0206 3 labels for 2 classes"),
        ("labels = [7, 7]", "E0206 two classes have the same label"),
        ("labels = [0, 70000]", "E0206 `labels` takes a pixel value of at most 65535"),
        ("classes = [\"a\", \"a\"]", "E0206 two classes have the same name"),
        ("images = 3", "E0206 `images` takes a string"),
    ] {
        let key = change.split(' ').next().unwrap();
        let rest: String = FILES.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect();
        let found = messages_of(data(&(rest + change)));
        assert!(found.iter().any(|t| t.starts_with(expected)), "{change}: {found:?}");
    }
    for (more, expected) in [
        ("mask = treshold", "E0206 `mask` takes one of threshold, exact, colour, alpha; did you mean `threshold`?"),
        ("window = [4, 4]", "E0206 `window` takes [low, high] with low < high"),
        ("std = [1, 0, 1]", "E0206 `std` takes numbers above 0"),
        ("mean = [1, 2]", "E0206 `mean` takes one number, or one for each of 3 channels"),
        ("split = random(train = 0.9)", "E0206 shares must sum to 1, found 1.1"),
        (
            "split = list(train = \"a\")",
            "E0206 `split` takes one of random, kfold, lists, column; did you mean `lists`?",
        ),
        ("split = lists(train = \"a\")", "E0207 `lists` needs `train` and `test`"),
        ("split = random(train = x)", "E0206 `train` takes a number"),
        ("source = phantoms(count = 3)", "E0206 `source` and `images`/`masks` exclude each other"),
        ("spacing = 0.7", "E0206 `spacing` takes [height, width] in millimetres"),
        ("spacing = [1, 0]", "E0206 `spacing` takes a number above 0"),
        ("cache_mb = -1", "E0206 `cache_mb` takes an integer of at least 0"),
        ("decoed = value", "E0205 `data` has no key `decoed`; did you mean `decode`?"),
        ("size = [1, 1]", "E0202 `size` is given twice"),
    ] {
        let found = messages_of(data(&format!("{FILES}\n{more}")));
        assert_eq!(found.len(), 1, "{more}: {found:?}");
        assert!(found[0].starts_with(expected), "{more}: {found:?}");
    }
    let found = messages_of(data(&FILES.replace("empty = one", "empty = ignore")));
    assert_eq!(found, ["E0206 `empty` takes one of one, skip, zero; "]);
    let found = messages_of(data("size = [4, 4]"));
    let missing = ["images", "masks", "classes", "labels", "empty"];
    assert_eq!(found.len(), missing.len());
    assert!(
        missing.iter().zip(&found).all(|(key, t)| t.starts_with(&format!("E0207 this `data` block has no `{key}`")))
    );
}

#[test]
fn mistakes_in_train_name_the_key() {
    for (entries, expected) in [
        ("batch = 3", "E0207 this `train` block has no `epochs`; add `epochs = 100`"),
        ("epochs = 1 accumulate = 0", "E0206 `accumulate` takes an integer of at least 1"),
        ("epochs = 1 ema = 1", "E0206 `ema` takes a number between 0 and 1, or none"),
        ("epochs = 1 patience = 0", "E0206 `patience` takes a number of epochs of at least 1, or none"),
        ("epochs = 1 init = weights", "E0206 `init` takes a file of weights or a run folder in double quotes, or none"),
        ("epochs = 1 save_every = -1", "E0206 `save_every` takes a number of at least 0"),
        ("epochs = 1 patience = 5 keep = [last]", "E0206 `patience` needs a `best(...)` checkpoint in `keep`"),
        ("epochs = 0", "E0206 `epochs` takes an integer of at least 1"),
        ("epochs = 1 lr = -1", "E0206 `lr` takes a number above 0"),
        ("epochs = 1 optimizer = rmsprop", "E0206 `optimizer` takes one of adam, adamw, sgd"),
        ("epochs = 1 optimizer = sgd(momentum = 1)", "E0206 `momentum` takes a number of at least 0 and below 1"),
        ("epochs = 1 optimizer = sgd(nesterov = true)", "E0206 `nesterov` needs a momentum"),
        ("epochs = 1 schedule = step", "E0206 `schedule` takes one of constant, poly, cosine"),
        ("epochs = 1 schedule = poly(power = 0)", "E0206 `power` takes a number above 0"),
        ("epochs = 5 schedule = poly(warmup = 5)", "E0206 `warmup` of 5 epochs is not shorter than the run of 5"),
        ("epochs = 1 schedule = cosine(min = 1)", "E0206 `min` is 1, above the initial learning rate 0.001"),
        ("epochs = 1 clip = 0", "E0206 `clip` takes a number above 0, or none"),
        ("epochs = 1 optimizer = adam(lr = 0)", "E0206 `lr` takes a number above 0"),
        ("epochs = 1 optimizer = adam(rate = 1)", "E0205 `adam` has no key `rate`"),
        (
            "epochs = 1 loss = dce",
            "E0206 `loss` takes one of cross_entropy, dice, focal, tversky, lovasz; did you mean `dice`?",
        ),
        ("epochs = 1 loss = 3", "E0206 `loss` takes a sum of terms such as `cross_entropy + 0.5 * dice`"),
        ("epochs = 1 loss = [dice]", "E0206 `loss` takes a sum of terms such as `cross_entropy + 0.5 * dice`"),
        ("epochs = 1 loss = dice + 0.5", "E0206 `loss` takes a sum of terms such as `cross_entropy + 0.5 * dice`"),
        ("epochs = 1 loss = dice - focal", "E0206 `-` cannot combine loss terms"),
        ("epochs = 1 loss = dice / 2", "E0206 `/` cannot combine loss terms"),
        ("epochs = 1 loss = dice * focal", "E0206 a loss term can only be multiplied by a number"),
        ("epochs = 1 loss = 0 * dice", "E0206 `loss` takes weights above 0"),
        ("epochs = 1 loss = -1 * dice", "E0206 `loss` takes weights above 0"),
        ("epochs = 1 loss = dice(weights = [1, 2])", "E0205 `dice` has no key `weights`"),
        ("epochs = 1 loss = dice(batch = 1)", "E0206 `batch` takes true or false"),
        ("epochs = 1 loss = dice(smooth = -1)", "E0206 `smooth` takes a number of at least 0"),
        ("epochs = 1 loss = cross_entropy(weights = [0, 0])", "E0206 `weights` takes at least one number above 0"),
        ("epochs = 1 loss = cross_entropy(weights = [1, -1])", "E0206 `weights` takes a number of at least 0"),
        ("epochs = 1 loss = cross_entropy(smoothing = 2)", "E0206 `smoothing` takes a number from 0 to 1"),
        ("epochs = 1 loss = focal(alpha = 1)", "E0206 `alpha` takes a number between 0 and 1, or a list"),
        ("epochs = 1 loss = tversky(alpha = 0, beta = 0)", "E0206 `tversky` with `alpha` and `beta` of 0"),
        ("epochs = 1 supervise = [1, 0.4]", "E0206 `supervise` takes `weights(main = 1, aux = 0.4)`"),
        ("epochs = 1 supervise = weight(main = 1)", "E0206 `supervise` takes `weights(main = 1, aux = 0.4)`"),
        ("epochs = 1 supervise = weights(1)", "E0206 `supervise` takes `result = weight`"),
        ("epochs = 1 supervise = weights(main = -1)", "E0206 `supervise` takes weights of at least 0"),
        ("epochs = 1 supervise = weights(main = 0)", "E0206 `supervise` takes a weight above 0"),
        ("epochs = 1 supervise = weights(a = 1, a = 1)", "E0202 `a` is given twice"),
        ("epochs = 1 freeze = \"s.1\"", "E0206 `freeze` takes a list of paths such as [\"s.1\"]"),
        ("epochs = 1 freeze = [s]", "E0206 `freeze` takes a string in double quotes"),
        ("epochs = 1 freeze = [\"s\", \"t\", \"s\"]", "E0202 `s` is given twice"),
        ("epochs = 1 metrics = [hausdorff]", "E0206 `metrics` takes one of dice, iou, precision"),
        ("epochs = 1 keep = [best(loss)]", "E0206 `metric` takes one of dice, iou"),
        // A misspelt key is not also reported as missing.
        ("epoch = 3", "E0205 `train` has no key `epoch`; did you mean `epochs`?"),
        ("num_epochs = 3", "E0205 `train` has no key `num_epochs`; did you mean `epochs`?"),
        (
            "epochs = 1 amp = true",
            "E0205 `train` has no key `amp`; on a GPU there is `precision = tf32` or `f32`; docs/optimisation.md explains",
        ),
        ("epochs = 1 precision = bf16", "E0206 `precision` takes one of tf32, f32"),
        ("epochs = 1 learning_rate = 3", "E0205 `train` has no key `learning_rate`; did you mean `lr`?"),
    ] {
        let found = messages_of(train(entries));
        assert_eq!(found.len(), 1, "{entries}: {found:?}");
        assert!(found[0].starts_with(expected), "{entries}: {found:?}");
    }
}

#[test]
fn overrides_keep_the_rest() {
    let base = data(FILES).unwrap();
    let changed = override_data(&base, &[entry("size", "[8, 9]"), entry("images", "\"c/*.tif\"")]).unwrap();
    let source = DataSource::Files { images: "c/*.tif".into(), masks: "b/*.png".into() };
    assert_eq!(changed, DataSpec { size: [8, 9], source, ..base.clone() });
    assert_eq!(messages_of(override_data(&base, &[entry("sise", "[8, 9]")])).len(), 1);
    assert_eq!(messages_of(override_data(&base, &[entry("labels", "[1]")])).len(), 1);

    let base = train("epochs = 7 optimizer = adam(lr = 0.1, beta1 = 0.5)").unwrap();
    let changed = override_train(base.clone(), &[entry("lr", "0.2"), entry("batch", "9")]).unwrap();
    let optimizer = Optimizer::Adam { lr: 0.2, beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
    assert_eq!(changed, TrainSpec { optimizer, batch: 9, ..base.clone() });
    let frozen = override_train(base.clone(), &[entry("freeze", "[\"s\"]")]).unwrap();
    assert_eq!(frozen, TrainSpec { freeze: vec!["s".into()], ..base.clone() });
    assert_eq!(override_train(frozen, &[entry("freeze", "[]")]).unwrap(), base);
    assert_eq!(messages_of(override_train(base, &[entry("epochs", "many")])).len(), 1);
}

/// Settings are the same after they are written to a file and read back.
#[test]
fn settings_survive_yaml() {
    use npc::text::config::settings::{FORMAT, Settings, from_yaml, to_yaml};
    let settings = Settings {
        format: FORMAT,
        versions: BTreeMap::from([("npc".into(), "0".into())]),
        model_file: "model.model".into(),
        data_root: "/data".into(),
        device: "cpu".into(),
        threads: Some(3),
        train: train(
            "epochs = 7 optimizer = adam(lr = 1e-4) freeze = [\"s.1\"] schedule = poly(warmup = 1) clip = 1
             loss = cross_entropy(weights = [1, 4]) + 0.5 * dice + focal(alpha = [1, 2]) + focal(alpha = 0.3) + focal
             + tversky(gamma = 0.75) + 0.1 * lovasz",
        )
        .unwrap(),
        data: data(&format!("{FILES}\nwindow = [-1000, 400]")).unwrap(),
    };
    let yaml = to_yaml(&settings).unwrap();
    assert_eq!(from_yaml(&yaml).unwrap(), settings);
    // This file was written before sums of terms, schedules and clipping existed.
    let lines: Vec<&str> = yaml.lines().collect();
    let first = lines.iter().position(|l| *l == "  schedule:").unwrap();
    let last = lines.iter().position(|l| *l == "  supervise: {}").unwrap();
    let older = [&lines[..first], &["  loss: cross_entropy"], &lines[last..]].concat().join("\n");
    assert!(older.contains("adam:") && !older.contains("clip"), "{older}");
    let older = from_yaml(&older).unwrap().train;
    assert_eq!((older.loss, older.schedule, older.clip), (LossSpec::default(), Schedule::default(), None));
    let other = yaml.replace("    term:\n      cross_entropy:\n", "    term:\n      cross_entropie:\n");
    assert!(from_yaml(&other).unwrap_err().contains("cross_entropie"), "{other}");
    // This file was written before freezing existed.
    let older = from_yaml(&yaml.replace("  freeze:\n  - s.1\n", "")).unwrap();
    assert_eq!((older.train.freeze.len(), settings.train.freeze.len()), (0, 1));
    let unknown = yaml.replace("  epochs: 7", "  epochs: 7\n  epoch: 8");
    assert!(from_yaml(&unknown).unwrap_err().contains("epoch"), "an unknown key is refused");
    assert!(from_yaml(&yaml.replace(&format!("format: {FORMAT}"), "format: 99")).unwrap_err().contains("format 99"));
}
