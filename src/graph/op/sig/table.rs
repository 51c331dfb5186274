//! The table of signatures.

use super::*;

const fn arg(name: &'static str, kind: ArgKind) -> ArgSig {
    ArgSig { name, kind, required: false }
}

const fn required(name: &'static str, kind: ArgKind) -> ArgSig {
    ArgSig { name, kind, required: true }
}

const ONE: ArgKind = ArgKind::Int { min: 1 };
const PAIR: ArgKind = ArgKind::Pair { min: 1 };
const PAIR0: ArgKind = ArgKind::Pair { min: 0 };
const MODES: ArgKind = ArgKind::Word(&["nearest", "bilinear"]);
const BORDERS: ArgKind = ArgKind::Word(&["constant", "reflect", "replicate"]);
const WINDOW: &[ArgSig] = &[required("k", PAIR), arg("stride", PAIR), arg("pad", PAIR0), arg("ceil", ArgKind::Bool)];

const fn plain(name: &'static str, build: fn(&Args) -> Result<Op, Refusal>, summary: &'static str) -> Signature {
    Signature { name, inputs: &["x"], variadic: false, args: &[], build, summary }
}

macro_rules! activation {
    ($name:literal, $function:expr, $summary:literal) => {
        plain($name, |_| Ok(Activation { function: $function }.into()), $summary)
    };
}

fn window(args: &Args) -> Window {
    let kernel = args.pair("k", [2, 2]);
    Window {
        kernel,
        stride: args.pair("stride", kernel),
        pad: args.pair("pad", [0, 0]),
        ceil: args.bool("ceil", false),
    }
}

fn setting(message: String) -> Refusal {
    Refusal::new(RefusalKind::Setting, message)
}

/// Every operator of the language, by family.
pub static SIGNATURES: &[Signature] = &[
    Signature {
        name: "conv",
        inputs: &["x"],
        variadic: false,
        args: &[
            required("out", ONE),
            arg("k", PAIR),
            arg("stride", PAIR),
            arg("dilation", PAIR),
            arg("pad", ArgKind::Pad),
            arg("groups", ONE),
            arg("bias", ArgKind::Bool),
        ],
        build: |a| {
            let pad = if let Some(ArgValue::Pad(pad)) = a.get("pad") { *pad } else { Pad::Same };
            Ok(Conv {
                out: a.int("out", 1),
                kernel: a.pair("k", [3, 3]),
                stride: a.pair("stride", [1, 1]),
                dilation: a.pair("dilation", [1, 1]),
                pad,
                groups: a.int("groups", 1),
                bias: a.bool("bias", true),
            }
            .into())
        },
        summary: "2-D convolution; k = 3, stride = 1, dilation = 1, pad = same, groups = 1, bias = true",
    },
    Signature {
        name: "conv_transpose",
        inputs: &["x"],
        variadic: false,
        args: &[
            required("out", ONE),
            arg("k", PAIR),
            arg("stride", PAIR),
            arg("dilation", PAIR),
            arg("pad", PAIR0),
            arg("out_pad", PAIR0),
            arg("groups", ONE),
            arg("bias", ArgKind::Bool),
        ],
        build: |a| {
            Ok(ConvTranspose {
                out: a.int("out", 1),
                kernel: a.pair("k", [2, 2]),
                stride: a.pair("stride", [2, 2]),
                dilation: a.pair("dilation", [1, 1]),
                pad: a.pair("pad", [0, 0]),
                out_pad: a.pair("out_pad", [0, 0]),
                groups: a.int("groups", 1),
                bias: a.bool("bias", true),
            }
            .into())
        },
        summary: "transposed convolution; k = 2, stride = 2, pad = 0, out_pad = 0, groups = 1, bias = true",
    },
    Signature {
        name: "linear",
        inputs: &["x"],
        variadic: false,
        args: &[required("out", ONE), arg("bias", ArgKind::Bool)],
        build: |a| Ok(Linear { out: a.int("out", 1), bias: a.bool("bias", true) }.into()),
        summary: "fully connected layer over [c]; bias = true",
    },
    Signature {
        name: "bn",
        inputs: &["x"],
        variadic: false,
        args: &[arg("eps", ArgKind::Float), arg("momentum", ArgKind::Float)],
        build: |a| {
            let (epsilon, momentum) = (a.float("eps", 1e-5), a.float("momentum", 0.1));
            if epsilon.is_nan() || epsilon <= 0.0 {
                return Err(setting(format!("`eps` must be above 0, found {epsilon}")));
            }
            if !(0.0..=1.0).contains(&momentum) {
                return Err(setting(format!("`momentum` must be between 0 and 1, found {momentum}")));
            }
            Ok(BatchNorm { epsilon, momentum }.into())
        },
        summary: "batch norm; eps = 1e-5, momentum = 0.1",
    },
    Signature {
        name: "group_norm",
        inputs: &["x"],
        variadic: false,
        args: &[required("groups", ONE), arg("eps", ArgKind::Float), arg("affine", ArgKind::Bool)],
        build: |a| {
            let (epsilon, affine) = (a.float("eps", 1e-5), a.bool("affine", true));
            Ok(GroupNorm { groups: a.int("groups", 1), epsilon, affine }.into())
        },
        summary: "norm over groups of channels and the map; eps = 1e-5, affine = true",
    },
    Signature {
        name: "instance_norm",
        inputs: &["x"],
        variadic: false,
        args: &[arg("eps", ArgKind::Float), arg("affine", ArgKind::Bool)],
        build: |a| Ok(InstanceNorm { epsilon: a.float("eps", 1e-5), affine: a.bool("affine", false) }.into()),
        summary: "norm over the map of each channel; eps = 1e-5, affine = false",
    },
    Signature {
        name: "layer_norm",
        inputs: &["x"],
        variadic: false,
        args: &[arg("eps", ArgKind::Float), arg("affine", ArgKind::Bool)],
        build: |a| Ok(LayerNorm { epsilon: a.float("eps", 1e-5), affine: a.bool("affine", true) }.into()),
        summary: "norm over the channels of each pixel or of a vector; eps = 1e-5, affine = true",
    },
    activation!("relu", Function::Relu, "max(x, 0)"),
    activation!("relu6", Function::Relu6, "min(max(x, 0), 6)"),
    Signature {
        name: "leaky_relu",
        inputs: &["x"],
        variadic: false,
        args: &[arg("slope", ArgKind::Float)],
        build: |a| Ok(Activation { function: Function::LeakyRelu { slope: a.float("slope", 0.01) } }.into()),
        summary: "x above 0, slope * x below; slope = 0.01",
    },
    Signature {
        name: "prelu",
        inputs: &["x"],
        variadic: false,
        args: &[arg("per_channel", ArgKind::Bool)],
        build: |a| Ok(PRelu { per_channel: a.bool("per_channel", false) }.into()),
        summary: "x above 0, a learned slope * x below; per_channel = false",
    },
    Signature {
        name: "elu",
        inputs: &["x"],
        variadic: false,
        args: &[arg("alpha", ArgKind::Float)],
        build: |a| Ok(Activation { function: Function::Elu { alpha: a.float("alpha", 1.0) } }.into()),
        summary: "x above 0, alpha * (exp(x) - 1) below; alpha = 1",
    },
    activation!("gelu", Function::Gelu, "x * Phi(x), exact"),
    activation!("silu", Function::Silu, "x * sigmoid(x)"),
    activation!("hard_swish", Function::HardSwish, "x * relu6(x + 3) / 6"),
    activation!("hard_sigmoid", Function::HardSigmoid, "relu6(x + 3) / 6"),
    activation!("sigmoid", Function::Sigmoid, "1 / (1 + exp(-x))"),
    activation!("tanh", Function::Tanh, "hyperbolic tangent"),
    activation!("softmax", Function::Softmax, "softmax over channels"),
    Signature {
        name: "maxpool",
        inputs: &["x"],
        variadic: false,
        args: WINDOW,
        build: |a| Ok(MaxPool(window(a)).into()),
        summary: "max pool; stride = k, pad = 0, ceil = false",
    },
    Signature {
        name: "maxpool_with_index",
        inputs: &["x"],
        variadic: false,
        args: &[required("k", PAIR), arg("stride", PAIR), arg("pad", PAIR0)],
        build: |a| Ok(MaxPoolWithIndex(window(a)).into()),
        summary: "max pool that returns (tensor, indices) for `unpool`; stride = k, pad = 0",
    },
    Signature {
        name: "unpool",
        inputs: &["x", "index"],
        variadic: false,
        args: &[],
        build: |_| Ok(Unpool.into()),
        summary: "puts numbers back where `maxpool_with_index` found them: `x |> unpool(index)`",
    },
    Signature {
        name: "avgpool",
        inputs: &["x"],
        variadic: false,
        args: WINDOW,
        build: |a| Ok(AvgPool(window(a)).into()),
        summary: "average pool; stride = k, pad = 0, ceil = false",
    },
    Signature {
        name: "avgpool_to",
        inputs: &["x"],
        variadic: false,
        args: &[required("size", PAIR)],
        build: |a| Ok(AvgPoolTo { size: a.pair("size", [1, 1]) }.into()),
        summary: "adaptive average pool to a fixed size",
    },
    Signature {
        name: "maxpool_to",
        inputs: &["x"],
        variadic: false,
        args: &[required("size", PAIR)],
        build: |a| Ok(MaxPoolTo { size: a.pair("size", [1, 1]) }.into()),
        summary: "adaptive max pool to a fixed size",
    },
    Signature {
        name: "resize",
        inputs: &["x"],
        variadic: false,
        args: &[arg("factor", PAIR), arg("to", ArgKind::Size), arg("mode", MODES), arg("align_corners", ArgKind::Bool)],
        build: |a| {
            let target = match (a.get("factor"), a.get("to")) {
                (Some(ArgValue::Pair(factor)), None) => Target::Factor(*factor),
                (None, Some(ArgValue::Size(size))) => Target::Size(*size),
                (None, Some(_)) => Target::Like,
                _ => return Err(setting("`resize` takes either a factor or `to`".into())),
            };
            let align_corners = a.bool("align_corners", false);
            Ok(Resize { target, mode: a.mode(Mode::Bilinear), align_corners, module: false }.into())
        },
        summary: "interpolation by a factor or `to` a tensor's size or [h, w]; mode = bilinear, align_corners = false",
    },
    Signature {
        name: "up",
        inputs: &["x"],
        variadic: false,
        args: &[required("factor", PAIR), arg("mode", MODES), arg("align_corners", ArgKind::Bool)],
        build: |a| {
            let target = Target::Factor(a.pair("factor", [2, 2]));
            let align_corners = a.bool("align_corners", false);
            Ok(Resize { target, mode: a.mode(Mode::Nearest), align_corners, module: true }.into())
        },
        summary: "upsampling by a factor; mode = nearest, align_corners = false",
    },
    Signature {
        name: "pad",
        inputs: &["x"],
        variadic: false,
        args: &[required("sides", ArgKind::Sides), arg("mode", BORDERS)],
        build: |a| {
            let sides = if let Some(ArgValue::Sides(sides)) = a.get("sides") { *sides } else { [0; 4] };
            let mode = match a.get("mode") {
                Some(ArgValue::Word("reflect")) => Border::Reflect,
                Some(ArgValue::Word("replicate")) => Border::Replicate,
                _ => Border::Constant,
            };
            Ok(Padding { sides, mode }.into())
        },
        summary: "pixels around a map, [top, bottom, left, right]; mode = constant (zeros)",
    },
    Signature {
        name: "crop",
        inputs: &["x"],
        variadic: false,
        args: &[required("to", ArgKind::Size), arg("at", PAIR0)],
        build: |a| {
            let size = if let Some(ArgValue::Size(size)) = a.get("to") { Some(*size) } else { None };
            Ok(Crop { size, at: a.given_pair("at") }.into())
        },
        summary: "the middle of a map, `to` a tensor's size or [h, w], or the window `at` [top, left]",
    },
    Signature {
        name: "slice",
        inputs: &["x"],
        variadic: false,
        args: &[required("from", ArgKind::Int { min: 0 }), arg("to", ONE)],
        build: |a| Ok(Slice { from: a.int("from", 0), to: a.given_int("to") }.into()),
        summary: "channels `from` (counted from 0) up to but not with `to`, or the last",
    },
    Signature {
        name: "channel_pad",
        inputs: &["x"],
        variadic: false,
        args: &[required("out", ONE)],
        build: |a| Ok(ChannelPad { out: a.int("out", 1) }.into()),
        summary: "channels of zeros behind those of x, up to `out`",
    },
    plain("channel_mean", |_| Ok(ChannelReduce { function: Reduction::Mean }.into()), "mean over channels: [1, h, w]"),
    plain("channel_max", |_| Ok(ChannelReduce { function: Reduction::Max }.into()), "maximum over channels: [1, h, w]"),
    Signature {
        name: "channel_shuffle",
        inputs: &["x"],
        variadic: false,
        args: &[required("groups", ONE)],
        build: |a| Ok(ChannelShuffle { groups: a.int("groups", 1) }.into()),
        summary: "channels of all groups in turn, as ShuffleNet",
    },
    Signature {
        name: "pixel_shuffle",
        inputs: &["x"],
        variadic: false,
        args: &[required("factor", ONE)],
        build: |a| Ok(PixelShuffle { factor: a.int("factor", 1) }.into()),
        summary: "[c * f * f, h, w] to [c, h * f, w * f]",
    },
    Signature {
        name: "concat",
        inputs: &["x"],
        variadic: true,
        args: &[],
        build: |_| Ok(Concat.into()),
        summary: "joins along channels; the piped tensor or list comes first",
    },
    Signature {
        name: "add",
        inputs: &["x", "y"],
        variadic: false,
        args: &[],
        build: |_| Ok(Combine { function: Elementwise::Add }.into()),
        summary: "x + y",
    },
    Signature {
        name: "sub",
        inputs: &["x", "y"],
        variadic: false,
        args: &[],
        build: |_| Ok(Combine { function: Elementwise::Sub }.into()),
        summary: "x - y",
    },
    Signature {
        name: "mul",
        inputs: &["x", "y"],
        variadic: false,
        args: &[],
        build: |_| Ok(Combine { function: Elementwise::Mul }.into()),
        summary: "x * y",
    },
    Signature {
        name: "div",
        inputs: &["x", "y"],
        variadic: false,
        args: &[],
        build: |_| Ok(Combine { function: Elementwise::Div }.into()),
        summary: "x / y",
    },
    plain("flatten", |_| Ok(Flatten.into()), "[c, h, w] to [c * h * w]"),
    plain("unflatten", |_| Ok(Unflatten.into()), "[c] to [c, 1, 1]"),
    Signature {
        name: "reshape",
        inputs: &["x"],
        variadic: false,
        args: &[required("to", ArgKind::Dims)],
        build: |a| {
            let to = if let Some(ArgValue::Dims(to)) = a.get("to") { to.clone() } else { Vec::new() };
            Ok(Reshape { to }.into())
        },
        summary: "the same numbers in the same order as [c, h, w] or [c]; one dim may be -1, for what remains",
    },
    Signature {
        name: "dropout",
        inputs: &["x"],
        variadic: false,
        args: &[required("p", ArgKind::Float)],
        build: |a| {
            let p = a.float("p", 0.5);
            if !(0.0..1.0).contains(&p) {
                return Err(setting(format!("`p` must be at least 0 and below 1, found {p}")));
            }
            Ok(Dropout { p }.into())
        },
        summary: "zeroes numbers with probability p in training",
    },
];
