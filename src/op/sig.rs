//! How each operator is called: its inputs, its arguments with types and defaults, and how arguments become an [`Op`].

use super::*;

/// The type of an operator's argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// An integer, at least the given number.
    Int {
        min: usize,
    },
    /// One integer for both axes or `[vertical, horizontal]`, each at least the given number.
    Pair {
        min: usize,
    },
    /// `same`, an integer or a pair.
    Pad,
    Float,
    Bool,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A tensor whose height and width are taken, or `[h, w]`.
    Size,
}

impl ArgKind {
    /// What a message says was expected.
    pub fn describe(self) -> String {
        match self {
            ArgKind::Int { min } => format!("an integer of at least {min}"),
            ArgKind::Pair { min } => format!("an integer or a pair of integers of at least {min}"),
            ArgKind::Pad => "`same`, an integer or a pair".into(),
            ArgKind::Float => "a number".into(),
            ArgKind::Bool => "`true` or `false`".into(),
            ArgKind::Word(words) => format!("one of {}", words.join(", ")),
            ArgKind::Size => "a tensor or [height, width]".into(),
        }
    }
}

/// An argument after it was checked against its [`ArgKind`].
#[derive(Debug, Clone, PartialEq)]
pub enum ArgValue {
    Int(usize),
    Pair([usize; 2]),
    Pad(Pad),
    Float(f64),
    Bool(bool),
    Word(&'static str),
    Size([usize; 2]),
    /// The size of a tensor, which becomes a second input.
    Like,
}

#[derive(Debug, Clone, Copy)]
pub struct ArgSig {
    pub name: &'static str,
    pub kind: ArgKind,
    /// Without one the argument must be given, unless `build` says otherwise.
    pub required: bool,
}

/// The call form of an operator. The first of `args` may be positional.
pub struct Signature {
    pub name: &'static str,
    /// Names of the tensor inputs; the pipe fills the first.
    pub inputs: &'static [&'static str],
    /// The operator takes any number of inputs (`concat`), and lists are flattened.
    pub variadic: bool,
    pub args: &'static [ArgSig],
    /// Checked arguments to operator; `Err` is a message about a single argument.
    pub build: fn(&Args) -> Result<Op, Refusal>,
    /// One line for help and did-you-mean lists.
    pub summary: &'static str,
}

/// Arguments of a call by name, each of the kind its [`ArgSig`] asks for.
#[derive(Debug, Default)]
pub struct Args(pub Vec<(&'static str, ArgValue)>);

impl Args {
    pub fn get(&self, name: &str) -> Option<&ArgValue> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    fn int(&self, name: &str, default: usize) -> usize {
        if let Some(ArgValue::Int(n)) = self.get(name) { *n } else { default }
    }

    fn pair(&self, name: &str, default: [usize; 2]) -> [usize; 2] {
        if let Some(ArgValue::Pair(p)) = self.get(name) { *p } else { default }
    }

    fn float(&self, name: &str, default: f64) -> f64 {
        if let Some(ArgValue::Float(x)) = self.get(name) { *x } else { default }
    }

    fn bool(&self, name: &str, default: bool) -> bool {
        if let Some(ArgValue::Bool(b)) = self.get(name) { *b } else { default }
    }

    fn mode(&self, default: Mode) -> Mode {
        match self.get("mode") {
            Some(ArgValue::Word("nearest")) => Mode::Nearest,
            Some(ArgValue::Word("bilinear")) => Mode::Bilinear,
            _ => default,
        }
    }
}

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
    plain("flatten", |_| Ok(Flatten.into()), "[c, h, w] to [c * h * w]"),
    plain("unflatten", |_| Ok(Unflatten.into()), "[c] to [c, 1, 1]"),
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

/// The signature of an operator.
pub fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|s| s.name == name)
}
