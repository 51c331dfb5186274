//! `augment = [...]`: defaults, ranges, refusals.

use super::{messages_of, train};
use npc::text::config::settings::{FORMAT, Settings, from_yaml, to_yaml};
use npc::text::config::{Augmentation, BorderMode, nnunet_like};
use std::collections::BTreeMap;

fn read(list: &str) -> Vec<Augmentation> {
    train(&format!("epochs = 1 augment = {list}"))
        .unwrap_or_else(|p| panic!("{list}: {:?}", messages_of::<()>(Err(p))))
        .augment
}

#[test]
fn every_kind_has_defaults() {
    assert_eq!(
        read(
            "[rot90, rotate, scale, shift, crop, elastic, border, noise, blur, brightness, contrast, low_resolution, gamma]"
        ),
        [
            Augmentation::Rot90 { p: 0.5 },
            Augmentation::Rotate { degrees: [-15.0, 15.0], p: 0.5 },
            Augmentation::Scale { factor: [0.8, 1.25], p: 0.5 },
            Augmentation::Shift { limit: [-0.1, 0.1], p: 0.5 },
            Augmentation::Crop { area: [0.5, 1.0], p: 0.5 },
            Augmentation::Elastic { alpha: [0.0, 100.0], sigma: [8.0, 12.0], p: 0.5 },
            Augmentation::Border { rule: BorderMode::Reflect, value: 0.0 },
            Augmentation::Noise { std: [0.0, 0.05], p: 0.5 },
            Augmentation::Blur { sigma: [0.5, 1.0], p: 0.5 },
            Augmentation::Brightness { offset: [-0.1, 0.1], factor: [1.0, 1.0], p: 0.5 },
            Augmentation::Contrast { factor: [0.8, 1.25], p: 0.5 },
            Augmentation::LowResolution { factor: [0.5, 1.0], p: 0.5 },
            Augmentation::Gamma { gamma: [0.7, 1.5], invert: 0.0, p: 0.5 },
        ]
    );
    assert_eq!(read("[]"), []);
    assert_eq!(read("nnunet_like"), nnunet_like());
    assert!(nnunet_like().iter().all(|kind| kind.check().is_ok()));
}

#[test]
fn ranges_are_pairs_or_one_number() {
    assert_eq!(
        read("[flip(horizontal = 0.5), rotate(20, p = 1), shift(limit = [0, 0.2]), elastic(alpha = 50, sigma = 6)]"),
        [
            Augmentation::Flip { horizontal: 0.5, vertical: 0.0 },
            Augmentation::Rotate { degrees: [-20.0, 20.0], p: 1.0 },
            Augmentation::Shift { limit: [0.0, 0.2], p: 0.5 },
            Augmentation::Elastic { alpha: [0.0, 50.0], sigma: [6.0, 6.0], p: 0.5 },
        ]
    );
    assert_eq!(
        read("[crop(area = 0.3), noise(std = 0.1), brightness(factor = [0.75, 1.25]), border(constant, value = 0.5)]"),
        [
            Augmentation::Crop { area: [0.3, 1.0], p: 0.5 },
            Augmentation::Noise { std: [0.0, 0.1], p: 0.5 },
            Augmentation::Brightness { offset: [0.0, 0.0], factor: [0.75, 1.25], p: 0.5 },
            Augmentation::Border { rule: BorderMode::Constant, value: 0.5 },
        ]
    );
}

#[test]
fn invalid_augmentations_are_refused() {
    for (list, expected) in [
        (
            "flip",
            "E0206 `augment` takes a list such as [flip(horizontal = 0.5), rotate(degrees = 15, p = 0.5)], or nnunet_like",
        ),
        ("[flip]", "E0207 `flip` needs `horizontal`, `vertical` or both; write flip(horizontal = 0.5)"),
        ("[flip(horizontal = 2)]", "E0206 `horizontal` takes a probability between 0 and 1"),
        ("[rotate(p = -0.5)]", "E0206 `p` takes a probability between 0 and 1"),
        ("[rotate(degrees = 200)]", "E0206 `degrees` takes degrees between -180 and 180"),
        ("[rotate(degrees = -15)]", "E0206 `degrees` takes a number of at least 0, or a range [low, high]"),
        ("[rotate(degrees = [20, 10])]", "E0206 `degrees` takes a range [low, high]; write [10, 20]"),
        ("[rotate(degrees = [1, 2, 3])]", "E0206 `degrees` takes a range [low, high]"),
        ("[rotate(angle = 15)]", "E0205 `rotate` has no key `angle`; its keys are `degrees`, `p`"),
        ("[scale(factor = 1.2)]", "E0206 `factor` takes a range [low, high]"),
        ("[scale(factor = [0, 1])]", "E0206 `factor` takes factors between 0.1 and 10, such as [0.8, 1.25]"),
        ("[shift(limit = 1.5)]", "E0206 `limit` takes a share of height and width between 0 and 1"),
        ("[crop(area = 0)]", "E0206 `area` takes a share of the area between 0.01 and 1"),
        ("[crop(area = 1.5)]", "E0206 `area` takes a share of the area between 0.01 and 1"),
        ("[elastic(sigma = 0)]", "E0206 `sigma` takes pixels between 1 and 100"),
        ("[noise(std = 20)]", "E0206 `std` takes a standard deviation between 0 and 1, of values in 0..1"),
        ("[blur(sigma = 100)]", "E0206 `sigma` takes pixels between 0 and 20"),
        ("[gamma(gamma = 1.5)]", "E0206 `gamma` takes a range [low, high]"),
        ("[low_resolution(factor = 2)]", "E0206 `factor` takes factors between 0.05 and 1"),
        ("[border(mirror)]", "E0206 `rule` takes one of reflect, constant"),
        ("[border(reflect, value = 0.5)]", "E0206 `value` is only for border(constant); a reflected border"),
        (
            "[rotate, scale, rotate]",
            "E0202 `rotate` is given twice; each image gets at most one augmentation of each kind",
        ),
        ("[rotat]", "E0206 `augment` takes one of flip, rot90"),
        ("[hflip]", "E0206 there is no augmentation `hflip`; write flip(horizontal = 0.5)"),
        (
            "[RandomResizedCrop(scale = 0.5)]",
            "E0206 there is no augmentation `RandomResizedCrop`; write crop(area = 0.5)",
        ),
        ("[GaussianBlur]", "E0206 there is no augmentation `GaussianBlur`; write blur(sigma = [0.5, 1])"),
        ("[cutmix]", "E0206 `augment` takes one of flip, rot90"),
    ] {
        let found = messages_of(train(&format!("epochs = 1 augment = {list}")));
        assert_eq!(found.len(), 1, "{list}: {found:?}");
        assert!(found[0].starts_with(expected), "{list}: {found:?}");
    }
    let near = messages_of(train("epochs = 1 augment = [rotat]"));
    assert!(near[0].ends_with("did you mean `rotate`?"), "{near:?}");
}

#[test]
fn settings_files_keep_augmentations_and_may_lack_them() {
    let settings = Settings {
        format: FORMAT,
        versions: BTreeMap::new(),
        model_file: "model.model".into(),
        data_root: "/data".into(),
        device: "cpu".into(),
        threads: None,
        train: train("epochs = 7 augment = [rot90, border(constant), brightness, gamma(invert = 0.25), crop]").unwrap(),
        data: super::data(super::FILES).unwrap(),
    };
    let yaml = to_yaml(&settings).unwrap();
    assert_eq!(from_yaml(&yaml).unwrap(), settings);
    let (start, end) = (yaml.find("  augment:").unwrap(), yaml.find("  metrics:").unwrap());
    let older = from_yaml(&format!("{}{}", &yaml[..start], &yaml[end..])).unwrap();
    assert_eq!(older.train.augment, []);
    let unknown = yaml.replace("      rule: constant", "      rule: constant\n      rull: reflect");
    assert_ne!(unknown, yaml);
    assert!(from_yaml(&unknown).unwrap_err().contains("rull"));
}

#[test]
fn the_page_matches_the_language() {
    let page = std::fs::read_to_string(crate::support::repository::repository("docs/augmentation.md")).unwrap();
    let preset = page.split("    [flip(").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(read(&format!("[flip({preset}")), nnunet_like());
    for kind in ["flip", "rot90", "rotate", "scale", "shift", "crop", "elastic", "border"].iter().chain(&[
        "noise",
        "blur",
        "brightness",
        "contrast",
        "low_resolution",
        "gamma",
    ]) {
        assert!(page.lines().any(|l| l.starts_with(&format!("| `{kind}` | "))), "no row for {kind}");
    }
    let example = page.split("```npc\ntrain augmented").nth(1).unwrap().split("```").next().unwrap();
    let list = example.split("augment = ").nth(1).unwrap().trim_end().trim_end_matches('}');
    assert_eq!(read(list).len(), 6);
}
