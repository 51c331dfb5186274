//! `data` blocks: layouts by name, lists, volumes, colours, groups, and settings of older formats.

use super::{FILES, data, entry, messages_of, train};
use npc::text::config::schema::override_data;
use npc::text::config::{DataSource, Grouping, MaskRule, Slicing, Split};
use std::collections::BTreeMap;

const LISTED_VALIDATION: &str =
    "E0206 `val` takes a list such as \"val.txt\", or a share of the training list above 0 and below 1, such as 0.1";

#[test]
fn layouts_fill_in_missing_keys() {
    let spec = data("layout = isic2018 size = [8, 8] empty = one").unwrap();
    let files = |images: &str, masks: &str| DataSource::Files { images: images.into(), masks: masks.into() };
    let isic = files(
        "ISIC2018/ISIC2018_Task1-2_Training_Input/*.jpg",
        "ISIC2018/ISIC2018_Task1_Training_GroundTruth/*_segmentation.png",
    );
    assert_eq!((spec.source, spec.labels, spec.window), (isic, vec![0, 255], None));
    assert_eq!((spec.classes, spec.mask_rule), (vec!["background".into(), "lesion".into()], MaskRule::Threshold));

    let spec =
        data("layout = luna_2d(\"ct\") size = [8, 8] empty = one masks = \"mine/*.png\" window = [0, 1]").unwrap();
    assert_eq!((spec.source, spec.window), (files("ct/2d_images/*.tif", "mine/*.png"), Some([0.0, 1.0])));
    assert_eq!(
        data("layout = luna_2d(\".\") size = [8, 8] empty = one").unwrap().source,
        files("2d_images/*.tif", "2d_masks/*.tif")
    );
    assert_eq!(data("layout = luna_2d size = [8, 8] empty = one").unwrap().window, Some([-1000.0, 400.0]));
    let kvasir = data("layout = kvasir_seg(folder = \"a/\") size = [8, 8] empty = one").unwrap();
    assert_eq!(kvasir.source, files("a/images/*.jpg", "a/masks/*.jpg"));
    // A layout replaces the keys that were written.
    let changed = override_data(&data(FILES).unwrap(), &[entry("layout", "cvc_clinicdb")]).unwrap();
    assert_eq!(changed.source, files("CVC-ClinicDB/PNG/Original/*.png", "CVC-ClinicDB/PNG/Ground Truth/*.png"));
    assert_eq!((changed.classes[1].as_str(), changed.size), ("polyp", [32, 48]));

    for (entries, expected) in [
        (
            "layout = isic2017 size = [8, 8] empty = one",
            "E0206 `layout` takes one of isic2018, cvc_clinicdb, luna_2d, kvasir_seg; did you mean `isic2018`?",
        ),
        ("layout = isic2018(3) size = [8, 8] empty = one", "E0206 `folder` takes a string in double quotes"),
        (
            "layout = isic2018 size = [8, 8] empty = one list = \"a.csv\"",
            "E0206 `list` and `layout` exclude each other",
        ),
        (
            "layout = isic2018 size = [8, 8] empty = one source = phantoms",
            "E0206 `source` and `layout` exclude each other",
        ),
    ] {
        let found = messages_of(data(entries));
        assert_eq!(found.len(), 1, "{entries}: {found:?}");
        assert!(found[0].starts_with(expected), "{entries}: {found:?}");
    }
}

#[test]
fn lists_volumes_colours_and_groups() {
    use npc::text::config::{GroupBy, SliceAxis, SliceSelection, StratifyBy};
    let spec = data(
        "list = \"cases.csv\" size = [8, 8] empty = one classes = [\"a\", \"b\"] labels = [\"#000000\", \"#Ff00a1\"] \
         axis = coronal slices = every(4) split = kfold(k = 3, fold = 2, val = 0.1, group = \"{group}_z*\", stratify = classes)",
    )
    .unwrap();
    assert_eq!(spec.source, DataSource::List { list: "cases.csv".into() });
    assert_eq!(spec.mask_rule, MaskRule::Colour);
    assert_eq!(
        spec.labels.iter().map(|l| npc::internals::text::config::case_rules::label_colour(*l)).collect::<Vec<_>>(),
        [Some([0; 3]), Some([255, 0, 161])]
    );
    assert_eq!(spec.slicing, Slicing { axis: SliceAxis::Coronal, slices: SliceSelection::Every(4) });
    assert_eq!(spec.split, Split::Kfold { k: 3, fold: 2, val: 0.1, seed: 0 });
    let group = Some(GroupBy::Pattern("{group}_z*".into()));
    assert_eq!(spec.grouping, Grouping { group, stratify: Some(StratifyBy::Classes) });

    let split = |text: &str| data(&format!("{FILES}\nsplit = {text}")).map(|spec| (spec.split, spec.grouping.group));
    assert_eq!(split("column").unwrap(), (Split::Column, None));
    let (random, group) = split("random(val = 0.1, group = cvc_clinicdb)").unwrap();
    let Split::Random { train, val, test, .. } = random else { panic!() };
    assert!((train - 0.7).abs() < 1e-12 && (val, test) == (0.1, 0.2));
    assert_eq!(group, Some(GroupBy::CvcClinicdb));

    for (more, expected) in [
        ("list = \"a.csv\"", "E0206 `list` and `images` exclude each other"),
        ("slices = every", "E0206 `slices` takes all, labelled, or every(4)"),
        ("slices = every(0)", "E0206 `slices` takes an integer of at least 1"),
        ("slices = some", "E0206 `slices` takes one of all, labelled, every"),
        ("axis = axail", "E0206 `axis` takes one of axial, coronal, sagittal; did you mean `axial`?"),
        ("mask = colour", "E0206 the labels are grey values, not colours"),
        ("split = kfold(k = 1)", "E0206 `k` takes an integer of at least 2"),
        ("split = kfold(fold = 5)", "E0206 `fold = 5` is out of range for 5 folds; folds are counted from 0: 0 to 4"),
        ("split = kfold(val = 1)", "E0206 `val` takes a share of at least 0 and below 1"),
        ("split = random(val = 0.9)", "E0206 shares must sum to 1, found 1.1"),
        ("split = random(group = \"*_z\")", "E0206 `group` takes a pattern over stems with `{group}` once"),
        ("split = random(group = isic)", "E0206 `group` takes a pattern over stems such as"),
        ("split = random(stratify = size)", "E0206 `stratify` takes one of foreground, classes"),
        ("split = lists(train = \"a\", test = \"b\", stratify = classes)", "E0205 `lists` has no key `stratify`"),
        ("split = lists(train = \"a\", val = \"c\", test = \"b\", seed = 1)", "E0205 `lists` has no key `seed`"),
        ("split = lists(train = \"a\", val = 0, test = \"b\")", LISTED_VALIDATION),
        ("split = lists(train = \"a\", val = 1, test = \"b\")", LISTED_VALIDATION),
        ("split = lists(train = \"a\", val = -0.1, test = \"b\")", LISTED_VALIDATION),
        ("split = lists(train = \"a\", val = 10, test = \"b\")", LISTED_VALIDATION),
        ("split = lists(train = \"a\", val = val.txt, test = \"b\")", LISTED_VALIDATION),
        (
            "split = lists(train = \"a\", val = 0.1, test = \"b\", seed = -1)",
            "E0206 `seed` takes an integer of at least 0",
        ),
    ] {
        let found = messages_of(data(&format!("{FILES}\n{more}")));
        assert_eq!(found.len(), 1, "{more}: {found:?}");
        assert!(found[0].starts_with(expected), "{more}: {found:?}");
    }
    let coloured = FILES.replace("[0, 255]", "[\"#000\", 3]");
    assert!(messages_of(data(&coloured))[0].starts_with("E0206 `labels` takes a colour such as \"#ff0000\""));
    let mixed = FILES.replace("[0, 255]", "[\"#000000\", 3]");
    assert!(messages_of(data(&mixed))[0].starts_with("E0206 some labels are colours and some are grey values"));
    let wrong = FILES.replace("[0, 255]", "[\"#000000\", \"#ffffff\"]") + "\nmask = exact";
    assert!(messages_of(data(&wrong))[0].starts_with("E0206 the labels are colours"));
}

#[test]
fn ignored_values() {
    use npc::internals::text::config::case_rules::colour_label;
    let ones = FILES.replace("[0, 255]", "[0, 1]");
    let ignore = |value: &str| data(&format!("{ones}\nignore = {value}")).map(|spec| (spec.ignore, spec.mask_rule));
    // Labels are matched exactly, unless the block says otherwise.
    assert_eq!(ignore("255").unwrap(), (vec![255], MaskRule::Exact));
    assert_eq!(ignore("[254, 255]\nmask = threshold").unwrap(), (vec![254, 255], MaskRule::Threshold));
    assert_eq!(ignore("[]").unwrap(), (vec![], MaskRule::Exact));
    let red = FILES.replace("[0, 255]", "[\"#000000\", \"#ff0000\"]");
    let colours = data(&format!("{red}\nignore = \"#ffffff\"")).unwrap();
    assert_eq!((&colours.ignore[..], colours.mask_rule), (&[colour_label([255; 3])][..], MaskRule::Colour));
    let changed = override_data(&data(&ones).unwrap(), &[entry("ignore", "[9, 8]")]).unwrap();
    assert_eq!(changed.ignore, [9, 8]);
    assert_eq!(override_data(&changed, &[entry("size", "[8, 8]")]).unwrap().ignore, [9, 8]);
    let labels = messages_of(override_data(&changed, &[entry("labels", "[0, 9]")]));
    assert_eq!(labels.len(), 1, "{labels:?}");
    assert!(labels[0].starts_with("E0206 `9` is both ignored and the label of class `cell`"), "{labels:?}");
    for (block, value, expected) in [
        (FILES, "255", "E0206 `255` is both ignored and the label of class `cell`"),
        (FILES, "\"#ffffff\"", "E0206 the labels are grey values, but an ignored value is a colour"),
        (&red, "255", "E0206 the labels are colours, but an ignored value is a grey value"),
        (&red, "\"#fff\"", "E0206 `ignore` takes a colour such as \"#ff0000\""),
        (FILES, "70000", "E0206 `ignore` takes a pixel value of at most 65535"),
        (FILES, "void", "E0206 `ignore` takes an integer of at least 0"),
    ] {
        let found = messages_of(data(&format!("{block}\nignore = {value}")));
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        assert!(found[0].starts_with(expected), "{value}: {found:?}");
    }
}

/// Settings of runs before groups and slices existed, and colours as in the model file.
#[test]
fn data_settings_of_format_1() {
    use npc::text::config::settings::{FORMAT, Settings, from_yaml, to_yaml};
    let labels = FILES.replace("[0, 255]", "[\"#000000\", \"#ff0000\"]");
    let settings = |data| Settings {
        threads: None,
        format: FORMAT,
        versions: BTreeMap::new(),
        model_file: "model.model".into(),
        data_root: "/data".into(),
        device: "cpu".into(),
        train: train("epochs = 7").unwrap(),
        data,
    };
    let coloured = settings(data(&labels).unwrap());
    let yaml = to_yaml(&coloured).unwrap();
    assert!(yaml.contains("- '#ff0000'"), "{yaml}");
    assert_eq!(from_yaml(&yaml).unwrap(), coloured);
    let coloured = settings(data(&format!("{labels}\nignore = \"#ffffff\"")).unwrap());
    let yaml = to_yaml(&coloured).unwrap();
    assert!(yaml.contains("ignore:\n  - '#ffffff'"), "{yaml}");
    assert_eq!(from_yaml(&yaml).unwrap(), coloured);
    let plain = settings(data(FILES).unwrap());
    let yaml = to_yaml(&plain).unwrap();
    let new = "  grouping:\n    group: null\n    stratify: null\n  slicing:\n    axis: axial\n    slices: all\n";
    assert!(yaml.contains(new), "{yaml}");
    assert_eq!(from_yaml(&yaml.replace(new, "")).unwrap(), plain);
}
