//! Exact numbers: NPNet as in the paper, and the baselines of its first table.
//!
//! Parameters and multiplications were counted from the published sources with thop 0.0.31, thop 0.1.1 and fvcore 0.1.5,
//! and by hand.

use crate::support::compile::{compile_file, compile_text};
use crate::support::repository::repository;
use npc::graph::check::FrozenPaths;
use npc::study::cost::{Convention, CostReport, count};

const CVC: [usize; 2] = [288, 384];
const SKIN: [usize; 2] = [224, 224];
const LUNA: [usize; 2] = [512, 512];

fn cost(file: &str, model: &str, size: [usize; 2], with: &[(&str, &str)]) -> CostReport {
    count(&compile_file(&repository(file), Some(size), with).model(model), Convention::Conv)
}

/// Parameters, and MACs at the sizes of CVC, skin and luna.
fn check(file: &str, model: &str, with: &[(&str, &str)], params: u64, macs: [u64; 3]) {
    for (size, macs) in [CVC, SKIN, LUNA].into_iter().zip(macs) {
        let report = cost(file, model, size, with);
        assert_eq!((report.params, report.macs), (params, macs), "{model} {with:?} at {size:?}");
        assert_eq!(report.params, report.nodes.iter().map(|n| n.params).sum::<u64>());
        assert_eq!(report.macs, report.nodes.iter().map(|n| n.macs).sum::<u64>());
    }
}

fn npnet(model: &str, with: &[(&str, &str)], params: u64, macs: [u64; 3]) {
    check("models/npnet.model", model, with, params, macs);
}

#[test]
fn npnet_for_one_class() {
    let one = &[("classes", "1")];
    npnet("NPNet", one, 707_297, [2_159_717_376, 979_883_520, 5_119_300_608]);
    npnet("NPNet_SE", one, 707_297, [2_159_717_376, 979_883_520, 5_119_300_608]);
    npnet("NPNet_Plain", one, 685_793, [2_159_695_872, 979_862_016, 5_119_279_104]);
}

/// The second class adds 32 weights and a bias, and 32 multiplications at each pixel of the 1/8 map.
#[test]
fn npnet_for_two_classes() {
    let more = [32 * (36 * 48), 32 * (28 * 28), 32 * (64 * 64)];
    let with_attention = [2_159_772_672, 979_908_608, 5_119_431_680];
    npnet("NPNet", &[], 707_297 + 33, with_attention);
    npnet("NPNet_SE", &[], 707_297 + 33, with_attention);
    let plain = [2_159_695_872 + more[0], 979_862_016 + more[1], 5_119_279_104 + more[2]];
    npnet("NPNet_Plain", &[], 685_793 + 33, plain);
    assert_eq!(with_attention[0] - 2_159_717_376, more[0]);
}

#[test]
fn npnet_with_other_reductions() {
    for kind in ["se", "cam"] {
        let with = |r| [("classes", "1"), ("attention", kind), ("reduction", r)];
        npnet("NPNet", &with("4"), 696_545, [2_159_706_624, 979_872_768, 5_119_289_856]);
        npnet("NPNet", &with("16"), 688_481, [2_159_698_560, 979_864_704, 5_119_281_792]);
    }
}

#[test]
fn npnet_layer_by_layer() {
    let report = cost("models/npnet.model", "NPNet", CVC, &[("classes", "1")]);
    let mut rows: Vec<(String, u64, u64, u64, [usize; 3])> = Vec::new();
    let mut row = |path: &str, conv, bn, macs, output| rows.push((path.to_string(), conv, bn, macs, output));
    row("s.1.basic.cbr", 864, 64, 23_887_872, [32, 144, 192]);
    row("s.1.basic.cbr2", 9_216, 64, 254_803_968, [32, 144, 192]);
    row("s.1.basic.cbr3", 9_216, 64, 254_803_968, [32, 144, 192]);
    row("s.2.basic.cbr", 18_432, 128, 127_401_984, [64, 72, 96]);
    row("s.2.basic.cbr2", 36_864, 128, 254_803_968, [64, 72, 96]);
    row("s.2.basic.cbr3", 36_864, 128, 254_803_968, [64, 72, 96]);
    row("s.3.basic.cbr", 73_728, 256, 127_401_984, [128, 36, 48]);
    row("s.3.basic.cbr2", 147_456, 256, 254_803_968, [128, 36, 48]);
    row("s.3.basic.cbr3", 147_456, 256, 254_803_968, [128, 36, 48]);
    for branch in 0..4 {
        row(&format!("fem.branches.{branch}.cbr"), 46_080, 80, 79_626_240, [40, 36, 48]);
    }
    row("fem.cbr", 12_800, 160, 22_118_400, [80, 36, 48]);
    row("fem.cbr2", 6_656, 64, 11_501_568, [32, 36, 48]);
    let node = |path: &str| report.nodes.iter().find(|n| n.path == path).unwrap_or_else(|| panic!("no node {path}"));
    for (path, conv_params, bn_params, macs, output) in &rows {
        let (conv, bn) = (node(&format!("{path}.conv")), node(&format!("{path}.bn")));
        assert_eq!((conv.params, bn.params, conv.macs), (*conv_params, *bn_params, *macs), "{path}");
        assert_eq!((&conv.output[..], &bn.output[..]), (&output[..], &output[..]), "{path}");
        let block = report.blocks.iter().find(|b| b.path == *path).unwrap();
        assert_eq!((block.params, block.macs), (conv_params + bn_params, *macs), "{path}");
    }
    // Attention: the parameters of each of the two convolutions, and the multiplications of both.
    for (i, params, macs, channels) in [(1, 512, 1_024, 32), (2, 2_048, 4_096, 64), (3, 8_192, 16_384, 128)] {
        let weight = format!("s.{i}.attend.cam.weight");
        let (first, second) = (node(&format!("{weight}.conv")), node(&format!("{weight}.conv2")));
        assert_eq!((first.params, second.params, first.macs + second.macs), (params, params, macs), "{weight}");
        assert_eq!((&first.output[..], &second.output[..]), (&[channels / 2, 1, 1][..], &[channels, 1, 1][..]));
    }
    let classifier = node("conv");
    assert_eq!((classifier.params, classifier.macs, &classifier.output[..]), (33, 55_296, &[1, 36, 48][..]));
    assert_eq!(node("resize").output, [1, 288, 384]);
    // The rows, the attention and the classifier are the whole network.
    let convs: u64 = rows.iter().map(|r| r.1 + r.2).sum();
    assert_eq!(convs + 2 * (512 + 2_048 + 8_192) + 33, report.params);
    let macs: u64 = rows.iter().map(|r| r.3).sum();
    assert_eq!(macs + 1_024 + 4_096 + 16_384 + 55_296, report.macs);
}

#[test]
fn baselines() {
    let graphs = |file: &str, model, params, macs| {
        check(&format!("tests/graphs/{file}.model"), model, &[], params, macs);
    };
    graphs("unet", "UNet", 34_526_081, [110_273_495_040, 50_031_493_120, 261_389_025_280]);
    graphs("attention_unet", "AttentionUNet", 34_871_725, [112_092_069_888, 50_856_587_264, 265_699_721_216]);
    graphs("nested_unet", "UNetPlusPlus", 36_629_633, [232_579_399_680, 105_522_135_040, 551_299_317_760]);
    graphs("segnet", "SegNet", 29_443_585, [67_523_051_520, 30_635_458_560, 160_054_640_640]);
    graphs("fcn8s", "FCN8s", 14_720_195, [33_825_945_600, 15_346_956_800, 80_180_019_200]);
}

#[test]
fn running_statistics_are_no_parameters() {
    let text = "npc 1\nmodel M(x: [3, H, W]) -> [8, H, W] = x |> conv(8, bias = false) |> bn\n";
    let report = count(&compile_text(text, Some([4, 4]), &[]).model("M"), Convention::Conv);
    assert_eq!((report.params, report.buffers), (3 * 8 * 9 + 2 * 8, 2 * 8));
}

/// The cost of a block includes the nodes inside it, and no others: neither a block whose name begins the same nor a
/// node of the same name.
#[test]
fn blocks_hold_their_own_nodes() {
    let text = "npc 1\nblock f(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(out, k = 1, bias = false)\n\
                model M(x: [3, H, W]) -> [2, H, W] = x |> f(5) |> f(7) |> conv(2, k = 1)\n";
    let report = count(&compile_text(text, Some([4, 4]), &[]).model("M"), Convention::Conv);
    let blocks: Vec<_> = report.blocks.iter().map(|b| (b.path.as_str(), b.params)).collect();
    assert_eq!(blocks, [("f", 15), ("f2", 35)]);
}

/// Freezing separates parameters and changes no sum; a path includes the names below it, and no other name that begins
/// the same.
#[test]
fn frozen_parameters_are_a_part_of_the_parameters() {
    let text = "npc 1\nblock f(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(out, k = 1, bias = false) |> bn\n\
                model M(x: [3, H, W]) -> [2, H, W] = x |> f(5) |> f(7) |> conv(2, k = 1)\n";
    let checked = compile_text(text, Some([4, 4]), &[]).model("M");
    let whole = count(&checked, Convention::Conv);
    let counted = |paths: &[&str]| {
        let report = whole.clone().with_frozen(&FrozenPaths::new(paths.iter().map(|p| p.to_string())));
        assert_eq!((report.params, report.buffers, report.macs), (15 + 10 + 35 + 14 + 16, 24, whole.macs));
        assert_eq!(report.trainable() + report.frozen, report.params);
        let blocks: Vec<_> = report.blocks.iter().map(|b| (b.params, b.frozen, b.buffers)).collect();
        let nodes = report.nodes.iter().filter(|n| n.frozen).map(|n| n.path.clone()).collect::<Vec<_>>().join(" ");
        (report.frozen, blocks, nodes)
    };
    assert_eq!(counted(&[]), (0, vec![(25, 0, 10), (49, 0, 14)], "".into()));
    assert_eq!(counted(&["f"]), (25, vec![(25, 25, 10), (49, 0, 14)], "f.conv f.bn".into()));
    assert_eq!(counted(&["f2.bn", "f2", "conv"]), (65, vec![(25, 0, 10), (49, 49, 14)], "f2.conv f2.bn conv".into()));
}

/// Figures of thop 0.0.31, thop 0.1.1 and fvcore 0.1.5 for the networks of the paper's first table, at CVC, skin and
/// luna.
#[test]
fn conventions_agree_with_the_tools() {
    type Row = (&'static str, &'static str, [[u64; 3]; 3]);
    let rows: [Row; 7] = [
        (
            "npnet",
            "NPNet",
            [
                [2_171_497_376, 985_228_272, 5_147_223_264],
                [2_181_725_408, 989_868_768, 5_171_467_488],
                [2_171_937_792, 985_427_968, 5_148_267_520],
            ],
        ),
        (
            "fcn8s",
            "FCN8s",
            [
                [33_885_667_548, 15_374_052_869, 80_321_582_336],
                [33_945_384_960, 15_401_146_880, 80_463_134_720],
                [33_886_116_288, 15_374_256_464, 80_322_646_016],
            ],
        ),
        (
            "segnet",
            "SegNet",
            [
                [67_671_797_760, 30_702_945_280, 160_407_224_320],
                [67_721_232_384, 30_725_373_952, 160_524_402_688],
                [67_622_141_952, 30_680_416_256, 160_289_521_664],
            ],
        ),
        (
            "unet",
            "UNet",
            [
                [110_462_054_400, 50_117_043_200, 261_835_980_800],
                [110_568_996_864, 50_165_563_392, 262_089_474_048],
                [110_434_516_992, 50_104_549_376, 261_770_706_944],
            ],
        ),
        (
            "attention_unet",
            "AttentionUNet",
            [
                [112_266_914_112, 50_935_914_736, 266_114_166_784],
                [112_441_243_392, 51_015_008_576, 266_527_391_744],
                [112_279_927_680, 50_941_819_040, 266_145_013_760],
            ],
        ),
        (
            "unetpp",
            "UNetPlusPlus",
            [
                [233_875_648_512, 106_110_247_936, 554_371_907_584],
                [233_989_668_864, 106_161_979_392, 554_642_178_048],
                [233_154_478_080, 105_783_050_240, 552_662_466_560],
            ],
        ),
        (
            "pspnet",
            "PSPNetSide",
            [
                [49_375_827_200, 22_409_071_360, 117_020_591_872],
                [49_417_741_568, 22_428_222_720, 117_120_263_424],
                [49_462_395_136, 22_448_468_224, 117_226_144_000],
            ],
        ),
    ];
    for (file, model, figures) in rows {
        for (convention, macs) in [Convention::Thop, Convention::Thop01, Convention::Fvcore].into_iter().zip(figures) {
            for (size, macs) in [CVC, SKIN, LUNA].into_iter().zip(macs) {
                let file = repository(&format!("models/{file}.model"));
                let checked = compile_file(&file, Some(size), &[("classes", "1")]).model(model);
                assert_eq!(count(&checked, convention).macs, macs, "{model}, {convention}, {size:?}");
            }
        }
    }
}

/// thop 0.0.31 leaves the three PReLU weights out of PSPNet's total.
#[test]
fn thop_forgets_parameters() {
    let file = repository("models/pspnet.model");
    let checked = compile_file(&file, Some(CVC), &[]).model("PSPNetSide");
    assert_eq!(count(&checked, Convention::Conv).params, 17_458_437);
    assert_eq!(count(&checked, Convention::Thop).counted_params, 17_458_434);
}

/// Figures of torchinfo 1.8.0 as mult-adds, with transposed convolution, group norm and PReLU.
#[test]
fn torchinfo_multiplies_and_adds() {
    let npnet = |size| compile_file(&repository("models/npnet.model"), Some(size), &[("classes", "1")]).model("NPNet");
    assert_eq!(count(&npnet(CVC), Convention::Torchinfo).macs, 2_159_720_992);
    assert_eq!(count(&npnet(SKIN), Convention::Torchinfo).macs, 979_886_192);
    let text = "npc 1\nmodel T(x: [4, H, W]) -> [6, 2 * H + 1, 2 * W + 1]
  = x |> conv_transpose(6, k = 3, stride = 2) |> group_norm(2) |> prelu";
    assert_eq!(count(&compile_text(text, Some([10, 12]), &[]).model("T"), Convention::Torchinfo).macs, 116_563);
}
