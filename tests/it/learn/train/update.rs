//! Losses, optimisers, schedules and clipping in a run.

use super::*;
use npc::internals::compute::lower::lower;
use npc::internals::compute::weights::{NamedTensor, tensors};
use npc::text::config::schema::override_train;
use npc::text::source::{SourceMap, Span, Spanned};
use npc::text::syntax::ast::Entry;
use npc::text::syntax::parse_value;

fn fixture(keys: &[(&str, &str)]) -> TrainingFixture {
    let mut sources = SourceMap::new();
    let mut entry = |(key, text): &(&str, &str)| {
        let id = sources.add("--set", *text);
        let Ok(value) = parse_value(&sources, id) else { panic!("{text} is an expression") };
        Entry { key: Spanned::new((*key).into(), Span::default()), value }
    };
    let entries: Vec<Entry> = keys.iter().map(&mut entry).collect();
    let mut fixture = TrainingFixture::new();
    fixture.settings.train = override_train(fixture.settings.train, &entries).unwrap_or_else(|_| panic!("{keys:?}"));
    fixture
}

#[test]
fn a_run_with_every_setting_resumes_bit_for_bit() {
    for optimizer in ["sgd(lr = 0.02, momentum = 0.9, nesterov = true, weight_decay = 1e-4)", "adamw(lr = 0.01)"] {
        let fixture = fixture(&[
            ("epochs", "2"),
            (
                "loss",
                "cross_entropy(weights = [1, 3], smoothing = 0.1) + 0.5 * dice + 0.1 * (focal + tversky + lovasz)",
            ),
            ("optimizer", optimizer),
            ("schedule", "cosine(min = 1e-4, warmup = 0.5)"),
            ("clip", "0.5"),
        ]);
        let (whole, observed) = fixture.start("whole");
        assert!(observed.steps.iter().all(|s| s.2.is_finite()));
        for at in [1, 8] {
            let folder = fixture.folder(&format!("at_{at}"));
            let first = fixture.run(&folder, false, Some(at)).unwrap();
            let second = fixture.run(&folder, true, None).unwrap();
            let steps: Vec<_> = first.steps.iter().chain(&second.steps).copied().collect();
            assert_eq!(steps, observed.steps, "{optimizer}, stopped after {at} steps");
            assert_same_runs(&whole, &folder);
        }
        assert_eq!(read_settings(&whole.settings()).unwrap(), fixture.settings);
    }
}

/// Returns the change of one step of SGD, all trained tensors as one vector.
fn weight_change(keys: &[(&str, &str)]) -> Vec<f64> {
    let fixture = fixture(&[&[("optimizer", "sgd(lr = 0.1)")], keys].concat());
    let folder = fixture.folder("a");
    assert!(fixture.run(&folder, false, Some(1)).unwrap().interrupted());
    let before = tensors(&lower(&fixture.checked, &crate::support::device::device(), 0));
    let (after, _) = read_safetensors(&folder.last()).unwrap();
    let change = |b: &NamedTensor| {
        let name = format!("model.{}", b.name);
        let a = after.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no {name}"));
        a.values.iter().zip(&b.values).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect::<Vec<_>>()
    };
    before.iter().filter(|t| !t.name.contains("running")).flat_map(change).collect()
}

#[test]
fn steps_follow_schedule_clip_and_loss() {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let plain = weight_change(&[]);
    let is = |found: &[f64], factor: f64| {
        let off: Vec<f64> = found.iter().zip(&plain).map(|(f, p)| f - factor * p).collect();
        assert!(norm(&off) < 1e-4 * factor * norm(&plain), "{} of {}", norm(found), norm(&plain));
    };
    // Sixteen images in batches of three: six steps of warm-up.
    is(&weight_change(&[("schedule", "constant(warmup = 1)")]), 1.0 / 7.0);
    is(&weight_change(&[("lr", "0.05"), ("schedule", "poly")]), 0.5);
    is(&weight_change(&[("loss", "3 * cross_entropy")]), 3.0);
    // The step is the rate times the gradient, whose norm is clipped to a quarter.
    let clip = norm(&plain) / 0.1 / 4.0;
    is(&weight_change(&[("clip", &format!("{clip:.9}"))]), 0.25);
    let other = weight_change(&[("loss", "dice")]);
    assert!((norm(&other) - norm(&plain)).abs() > 1e-3 * norm(&plain));
}

#[test]
fn class_weights_that_do_not_fit_are_refused() {
    let fixture = fixture(&[("loss", "dice + cross_entropy(weights = [1, 2, 3])")]);
    let folder = fixture.folder("a");
    let message = fixture.refused(&folder, false).to_string();
    assert!(message.contains("`weights` of `cross_entropy` has 3 numbers, the data has 2 classes"), "{message}");
    assert!(!folder.root().exists(), "nothing is written before a refusal");
}
