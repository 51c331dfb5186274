//! Random models as text, over all operators and most forms of the language.
//!
//! The shape rules of the operators guide the generator at one size, so that nearly every text passes check at that
//! size. At other sizes most of them pass too.

use crate::support::tape::Tape;
use npc::graph::op::{ArgValue, Arity, ConvPadding, Op, SIGNATURES};
use npc::graph::ty::{Shape, TensorType};
use std::fmt::Write;

/// Elements of the largest value.
const LARGEST: u64 = 20_000;

/// Blocks that bodies use, with the shape that each returns for `[c, h, w]` and `out`.
const BLOCKS: [(&str, &str, Rule); 6] = [
    (
        "cbr",
        "block cbr(x: [c, h, w], out: int, k: int = 3, dilation: int = 1) -> [out, h, w]\n  \
         = x |> conv(out, k = k, dilation = dilation, bias = false) |> bn |> relu\n",
        Rule::Wide,
    ),
    (
        "down",
        "block down(x: [c, h, w], out: int) -> [out, ceil(h / 2), ceil(w / 2)]\n  \
         = x |> conv(out, stride = 2) |> if out > 3 { relu } else { silu }\n",
        Rule::Halved,
    ),
    (
        "res",
        "block res(x: [c, h, w], out: int) -> [out, h, w] {\n  let y = x |> conv(out, k = 1)\n  \
         return y + (y |> repeat(2, conv(out)))\n}\n",
        Rule::Wide,
    ),
    (
        "gate",
        "block gate(x: [c, h, w], out: int) -> [c, h, w] {\n  \
         let g = x |> avgpool_to(1) |> flatten |> linear(out) |> relu |> linear(c) |> sigmoid |> unflatten\n  \
         return x * g\n}\n",
        Rule::Same,
    ),
    (
        "pick",
        "enum Way { plain, double }\n\nblock pick(x: [c, h, w], out: int, way: Way = double) -> [out, h, w]\n  \
         = x |> match way { plain => conv(out), double => repeat(2, conv(out)) }\n",
        Rule::Wide,
    ),
    (
        "aspp",
        "block aspp(x: [c, h, w], out: int, rates: int[] = [1, 2]) -> [out, h, w]\n  \
         = concat([x |> conv(out, k = 3, dilation = r) for r in rates]) ++ x |> conv(out, k = 1)\n",
        Rule::Wide,
    ),
];

#[derive(Clone, Copy)]
enum Rule {
    /// `[out, h, w]`
    Wide,
    /// `[c, h, w]`
    Same,
    /// `[out, ceil(h / 2), ceil(w / 2)]`
    Halved,
}

struct Writer<'t, 'a> {
    tape: &'t mut Tape<'a>,
    body: String,
    /// The named values, in order.
    values: Vec<(String, TensorType)>,
    used: [bool; BLOCKS.len()],
    names: usize,
}

/// The text of a file with one model `Random(x: [3, H, W], width: int = N) -> [2, H, W]`. Its second line is
/// `// size: HxW`, the size that the model was written for.
pub fn model(tape: &mut Tape) -> String {
    let [h, w] = [0; 2].map(|_: usize| 6 + tape.below(27));
    let width = 1 + tape.below(6);
    let image = TensorType::Tensor(Shape::map(3, h, w));
    let statements = 1 + tape.below(9);
    let values = vec![("x".to_string(), image)];
    let mut writer = Writer { tape, body: String::new(), values, used: [false; BLOCKS.len()], names: 0 };
    for _ in 0..statements {
        match writer.tape.below(8) {
            0 => writer.block(),
            1 => writer.indexed_bindings(),
            2 => writer.list_comprehension(),
            _ => writer.operators(width),
        }
    }
    let result = writer.result();
    let mut text = format!("npc 1\n// size: {h}x{w}\n");
    for ((_, block, _), used) in BLOCKS.iter().zip(writer.used) {
        if used {
            let _ = write!(text, "\n{block}");
        }
    }
    let body = writer.body;
    let _ = write!(text, "\nmodel Random(x: [3, H, W], width: int = {width}) -> [2, H, W] {{\n{body}{result}}}\n");
    text
}

fn spelled(pair: &[usize; 2]) -> String {
    if pair[0] == pair[1] { pair[0].to_string() } else { format!("{pair:?}") }
}

impl Writer<'_, '_> {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    /// Returns a value that `fits`, the newest first, so that graphs grow deep.
    fn value(&mut self, fits: impl Fn(&TensorType) -> bool) -> Option<(String, TensorType)> {
        let fitting: Vec<&(String, TensorType)> = self.values.iter().rev().filter(|(_, ty)| fits(ty)).collect();
        let far = if self.tape.below(3) == 0 { fitting.len() } else { 2 };
        let at = self.tape.below(far.min(fitting.len()));
        fitting.get(at).map(|v| (*v).clone())
    }

    fn map(&mut self) -> (String, [usize; 3]) {
        let is_map = |ty: &TensorType| ty.tensor().is_some_and(|s| s.dims().len() == 3);
        let (name, ty) = self.value(is_map).expect("the image is a map");
        let dims = ty.shape().dims();
        (name, [dims[0], dims[1], dims[2]])
    }

    fn bind(&mut self, name: String, ty: TensorType) {
        self.values.push((name, ty));
    }

    /// `let n = a |> op(...) |> op(...)`: one to four calls.
    fn operators(&mut self, width: usize) {
        let mut chain: Option<(String, TensorType)> = None;
        for _ in 0..1 + self.tape.below(4) {
            // Not every draw fits; a few attempts are free.
            for _ in 0..12 {
                let Some((text, types)) = self.call(chain.as_ref(), width) else { continue };
                if let [ty] = &types[..] {
                    chain = Some((text, ty.clone()));
                    break;
                }
                let names: Vec<String> = types.iter().map(|_| self.name()).collect();
                let _ = writeln!(self.body, "  let ({}) = {text}", names.join(", "));
                names.into_iter().zip(types).for_each(|(name, ty)| self.bind(name, ty));
                return;
            }
        }
        if let Some((text, ty)) = chain {
            let name = self.name();
            let _ = writeln!(self.body, "  let {name} = {text}");
            self.bind(name, ty);
        }
    }

    /// Returns one call with its first input piped in, and the types of its outputs.
    fn call(&mut self, chain: Option<&(String, TensorType)>, width: usize) -> Option<(String, Vec<TensorType>)> {
        let signature = &SIGNATURES[self.tape.below(SIGNATURES.len())];
        let (op, args) = self.tape.operator(signature)?;
        let (mut first, mut ty) = match chain {
            Some(chain) => chain.clone(),
            None => self.value(|_| true)?,
        };
        let (mut types, mut inputs) = (Vec::new(), Vec::new());
        if let Op::Unpool(_) = op {
            // A random choice would hardly ever find a pool's indices and a map of their shape.
            let (index, at) = self.value(|ty| ty.tensor().is_none())?;
            if chain.is_none() {
                (first, ty) = self.value(|ty| ty.tensor() == Some(at.shape()))?;
            }
            types.push(at);
            inputs.push(index);
        }
        let count = match op.arity() {
            Arity::Exactly(n) => n,
            Arity::AtLeast(n) => n + self.tape.below(3),
        };
        types.insert(0, ty);
        while types.len() < count {
            let same = types[0].clone();
            let near = self.tape.below(4) > 0;
            let (name, ty) = self.value(|ty| !near || ty.tensor().is_some() && ty.shape() == same.shape())?;
            inputs.push(name);
            types.push(ty);
        }
        let outputs = op.infer(&types).ok()?;
        let small = |n: u64| n <= LARGEST;
        let fits = outputs.iter().all(|t| small(t.shape().elements()))
            && op.params(&types).iter().all(|p| small(p.elements()));
        if !fits {
            return None;
        }
        let symbol = ["+", "-", "*", "/"].iter().zip(["add", "sub", "mul", "div"]).find(|(_, name)| *name == op.name());
        if let (Some((symbol, _)), [other]) = (symbol, &inputs[..])
            && self.tape.below(2) == 0
        {
            let first = if first.contains("|>") { format!("({first})") } else { first };
            return Some((format!("({first} {symbol} {other})"), outputs));
        }
        let mut like = inputs.clone().into_iter();
        let mut given = Vec::new();
        if signature.variadic || signature.inputs.len() > 1 {
            given.extend(like.by_ref());
        }
        for (name, value) in &args.0 {
            let value = match value {
                ArgValue::Int(n) if *n == width && self.tape.below(2) == 0 => "width".to_string(),
                ArgValue::Int(n) => n.to_string(),
                ArgValue::Pair(pair) | ArgValue::Pad(ConvPadding::Explicit(pair)) => spelled(pair),
                ArgValue::Pad(ConvPadding::Same) => "same".to_string(),
                ArgValue::Float(x) => format!("{x:?}"),
                ArgValue::Bool(b) => b.to_string(),
                ArgValue::Word(word) => word.to_string(),
                ArgValue::Size(size) => format!("{size:?}"),
                ArgValue::Sides(sides) => format!("{sides:?}"),
                ArgValue::Dims(dims) => {
                    let dims: Vec<_> = dims.iter().map(|d| d.map_or("-1".into(), |d| d.to_string())).collect();
                    format!("[{}]", dims.join(", "))
                }
                ArgValue::Like => like.next()?,
            };
            given.push(format!("{name} = {value}"));
        }
        let call = match &given[..] {
            [] => signature.name.to_string(),
            given => format!("{}({})", signature.name, given.join(", ")),
        };
        Some((format!("{first} |> {call}"), outputs))
    }

    /// `let n = a |> block(out)`
    fn block(&mut self) {
        let (from, [c, h, w]) = self.map();
        let (at, out) = (self.tape.below(BLOCKS.len()), 1 + self.tape.below(6));
        let (block, _, rule) = BLOCKS[at];
        self.used[at] = true;
        let ty = match rule {
            Rule::Wide => Shape::map(out, h, w),
            Rule::Same => Shape::map(c, h, w),
            Rule::Halved => Shape::map(out, h.div_ceil(2), w.div_ceil(2)),
        };
        let name = self.name();
        let _ = writeln!(self.body, "  let {name} = {from} |> {block}({out})");
        self.bind(name, TensorType::Tensor(ty));
    }

    /// Nodes by index, bound in a loop, and read one by one or all together.
    fn indexed_bindings(&mut self) {
        let (from, [_, h, w]) = self.map();
        let (name, out, rounds) = (self.name(), 1 + self.tape.below(4), self.tape.below(4));
        self.used[0] = true;
        let _ = writeln!(self.body, "  let {name}[0] = {from} |> conv({out}, k = 1)");
        let _ = writeln!(self.body, "  for i in 0..{rounds} {{");
        match self.tape.below(3) {
            0 => {
                let _ = writeln!(self.body, "    let {name}[i + 1] = {name}[i] |> cbr({out}, dilation = i + 1)");
            }
            1 => {
                let _ = writeln!(self.body, "    let {name}[i + 1] = concat({name}[0..i + 1]) |> cbr({out})");
            }
            _ => {
                let _ = writeln!(self.body, "    require i < {rounds}, \"round {{i}}\"");
                let _ = writeln!(self.body, "    let {name}[i + 1] = {name}[i] + ({name}[0] |> conv({out}))");
            }
        }
        self.body.push_str("  }\n");
        let ty = |c| TensorType::Tensor(Shape::map(c, h, w));
        if self.tape.below(2) == 0 {
            self.bind(format!("{name}[{rounds}]"), ty(out));
        } else {
            let all = self.name();
            let _ = writeln!(self.body, "  let {all} = concat({name}[0..len({name})])");
            self.bind(all, ty(out * (rounds + 1)));
        }
    }

    /// A list over a list of numbers, joined.
    fn list_comprehension(&mut self) {
        let (from, [_, h, w]) = self.map();
        let (name, out, n) = (self.name(), 1 + self.tape.below(3), 1 + self.tape.below(3));
        let rates: Vec<usize> = (0..n).map(|_| 1 + self.tape.below(5)).collect();
        let _ = writeln!(self.body, "  let {name} = concat([{from} |> conv({out}, dilation = r) for r in {rates:?}])");
        self.bind(name, TensorType::Tensor(Shape::map(out * n, h, w)));
    }

    /// The newest value, and now and then a second, brought to `[2, H, W]`.
    fn result(&mut self) -> String {
        let mut parts = Vec::new();
        for _ in 0..1 + self.tape.below(2) {
            let Some((name, ty)) = self.value(|ty| ty.tensor().is_some()) else { continue };
            let map = if ty.shape().dims().len() == 1 { " |> unflatten" } else { "" };
            parts.push(format!("({name}{map} |> conv(2, k = 1) |> resize(to = x))"));
        }
        format!("  return {}\n", parts.join(" + "))
    }
}
