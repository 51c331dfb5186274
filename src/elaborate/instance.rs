//! Blocks become nodes: arguments are matched to parameters, dims are bound and checked, promises are held.

use super::{Argument, Elaborator, Eval, Failed, Frame, LIMITS, Value};
use crate::diag::{Applicability, Code, Diagnostic, listed};
use crate::ir::{Path, Setting};
use crate::source::Span;
use crate::syntax::ast::*;
use crate::ty::{Cond, FormulaType, TensorType};

/// An argument matched to a parameter.
type Matched<'a> = (&'a Param, Value, Span);

fn is_tensor(param: &Param) -> bool {
    matches!(param.ty.kind, ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_))
}

/// The dims as a declaration writes them: those of the pooled map's source for indices.
fn written_dims(ty: &FormulaType) -> crate::ty::Dims {
    match ty {
        FormulaType::Tensor(dims) | FormulaType::Index { from: dims, .. } => dims.clone(),
    }
}

impl<'a> Elaborator<'_, 'a> {
    pub(super) fn bind_param(&mut self, param: &'a Param, value: Value) -> Eval<()> {
        let frame = self.frame();
        frame.values.insert(&param.name.node, value);
        frame.bound_at.insert(&param.name.node, param.name.span);
        Ok(())
    }

    /// Evaluates and binds the hyper-parameters of a model that are given: from outside, else by a variant.
    pub(super) fn model_arguments(&mut self, model: &'a Block, fixed: Vec<&'a Arg>, given: &'a [Argument]) -> Eval<()> {
        let params: Vec<&'a Param> = model.params.iter().filter(|p| !is_tensor(p)).collect();
        let mut chosen: Vec<(&'a Param, &'a Expr, Span)> = Vec::new();
        let mut failed = false;
        for arg in fixed {
            let found = match &arg.name {
                Some(name) => self.find_param(model, &params, name),
                None => params.first().copied().ok_or(Failed),
            };
            match found {
                Ok(param) => {
                    let span = arg.name.as_ref().map_or(arg.value.span, |n| n.span);
                    if let Some((_, _, before)) = chosen.iter().find(|(p, ..)| p.name.node == param.name.node) {
                        let message = format!("`{}` is fixed already", param.name);
                        let d = Diagnostic::new(Code::E0204, span, message).other(*before, "fixed here");
                        failed |= self.fail::<()>(d).is_err();
                    } else {
                        chosen.push((param, &arg.value, span));
                    }
                }
                Err(Failed) => failed = true,
            }
        }
        for arg in given {
            match self.find_param(model, &params, &arg.name) {
                Ok(param) => {
                    chosen.retain(|(p, ..)| p.name.node != param.name.node);
                    chosen.push((param, &arg.value, arg.name.span));
                }
                Err(Failed) => failed = true,
            }
        }
        for (param, expr, _) in chosen {
            failed |= self.model_value(model, param, expr).is_err();
        }
        if failed { Err(Failed) } else { Ok(()) }
    }

    fn model_value(&mut self, model: &Block, param: &'a Param, expr: &'a Expr) -> Eval<()> {
        if let ExprKind::Hole { .. } = expr.kind {
            let message = format!("`{}` of `{}` is a hole without a value", param.name, model.name);
            let help =
                format!("give one: `--with {}=...`; with an `expect` block `npc check` tries them all", param.name);
            let d = Diagnostic::new(Code::E0313, expr.span, message).label("to be filled in");
            return self.fail(d.help(help));
        }
        let value = self.typed(expr, &param.ty, &param.name.node)?;
        self.bind_param(param, value)
    }

    /// Binds one hyper-parameter of a model to its default, unless it has a value.
    pub(super) fn model_default(&mut self, model: &Block, param: &'a Param) -> Eval<()> {
        if self.frame().values.contains_key(param.name.node.as_str()) {
            return Ok(());
        }
        match &param.default {
            Some(default) => self.model_value(model, param, default),
            None => {
                let message = format!("`{}` of `{}` has no default and no value", param.name, model.name);
                let help = format!("give one: `--with {}=...`", param.name);
                self.fail(Diagnostic::new(Code::E0204, param.span, message).help(help))
            }
        }
    }

    /// Binds the hyper-parameters that have no value yet, in order, and keeps all of them as the graph's settings.
    pub(super) fn model_defaults(&mut self, model: &'a Block) -> Eval<()> {
        let mut failed = false;
        for param in model.params.iter().filter(|p| !is_tensor(p)) {
            failed |= self.model_default(model, param).is_err();
        }
        if failed {
            return Err(Failed);
        }
        for param in model.params.iter().filter(|p| !is_tensor(p)) {
            if let Some(value) = self.frame().values.get(param.name.node.as_str()) {
                let value = value.to_string();
                self.graph.settings.push(Setting { name: param.name.node.clone(), value });
            }
        }
        Ok(())
    }

    fn find_param(&mut self, block: &'a Block, params: &[&'a Param], name: &Ident) -> Eval<&'a Param> {
        if let Some(param) = params.iter().find(|p| p.name.node == name.node) {
            return Ok(param);
        }
        let message = format!("`{}` has no hyper-parameter `{name}`", block.name);
        let known = || params.iter().map(|p| p.name.node.as_str());
        let d = Diagnostic::new(Code::E0204, name.span, message).other(block.name.span, "declared here");
        let there = match params {
            [] => format!("`{}` takes no hyper-parameter", block.name),
            _ => format!("it takes {}", listed(known())),
        };
        self.fail(d.nearest(name.span, &name.node, known(), || Some(there)))
    }

    /// An argument as the type of its parameter asks: enum cases by bare name, integers as floats where floats are due.
    pub(super) fn typed(&mut self, expr: &'a Expr, ty: &'a ParamType, name: &str) -> Eval {
        match &ty.kind {
            ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_) => self.expr(expr),
            ParamTypeKind::Scalar(of) => self.scalar(expr, of, name),
            ParamTypeKind::List(of) => {
                if let ExprKind::List(items) = &expr.kind {
                    let values: Vec<_> = items.iter().map(|i| self.scalar(i, of, name)).collect();
                    return Ok(Value::List(values.into_iter().collect::<Eval<_>>()?));
                }
                match self.expr(expr)? {
                    Value::List(items) => {
                        let fitted: Vec<_> = items.into_iter().map(|v| self.fit(v, of, expr.span, name)).collect();
                        Ok(Value::List(fitted.into_iter().collect::<Eval<_>>()?))
                    }
                    other => self.type_error(expr.span, &format!("a list `{of}[]` for `{name}`"), &other),
                }
            }
        }
    }

    fn scalar(&mut self, expr: &'a Expr, of: &'a Ident, name: &str) -> Eval {
        if let (ExprKind::Name(word), Some(cases)) = (&expr.kind, self.program.enums.get(of.node.as_str())) {
            if self.program.has_case(&of.node, word) && !self.frame().values.contains_key(word.as_str()) {
                return Ok(Value::Case { of: of.node.clone(), case: word.clone() });
            }
            if !self.frame().values.contains_key(word.as_str()) {
                let known = || cases.cases.iter().map(|c| c.node.as_str());
                let d = Diagnostic::new(Code::E0206, expr.span, format!("`{of}` has no case `{word}`"))
                    .other(cases.name.span, format!("its cases are {}", listed(known())));
                return self.fail(d.nearest(expr.span, word, known(), || None));
            }
        }
        let value = self.expr(expr)?;
        self.fit(value, of, expr.span, name)
    }

    fn fit(&mut self, value: Value, of: &Ident, span: Span, name: &str) -> Eval {
        match (of.node.as_str(), value) {
            ("int", v @ (Value::Int(_) | Value::Dim(..)))
            | ("float", v @ Value::Float(_))
            | ("bool", v @ Value::Bool(_))
            | ("string", v @ Value::Str(_)) => Ok(v),
            ("float", Value::Int(n)) => Ok(Value::Float(n as f64)),
            ("float", v @ Value::Dim(n, _)) => {
                self.settled(v, span);
                Ok(Value::Float(n as f64))
            }
            (of, Value::Case { of: have, case }) if of == have => Ok(Value::Case { of: have, case }),
            (of, other) => {
                let wanted = match of {
                    "int" => "an integer".to_string(),
                    "float" => "a number".to_string(),
                    "bool" => "`true` or `false`".to_string(),
                    "string" => "a string".to_string(),
                    of => format!("a case of {of}"),
                };
                let found = self.describe(&other);
                self.error(Code::E0206, span, format!("`{name}` takes {wanted}, found {found}"))
            }
        }
    }

    /// Makes the nodes of one use of a block.
    pub(super) fn instance(
        &mut self,
        block: &'a Block,
        args: &'a [Arg],
        input: Option<Value>,
        name_span: Span,
        span: Span,
    ) -> Eval {
        if self.program.is_broken(&block.name.node) {
            return Err(Failed);
        }
        self.program.note_use(block);
        if self.calls.len() >= LIMITS.blocks {
            return self.error(Code::E0311, name_span, format!("blocks are nested more than {} deep", LIMITS.blocks));
        }
        let matched = self.match_args(block, args, input, name_span, span)?;
        let path: Path = self.path(&block.name.node);
        self.scope(path.clone(), &block.name.node, span);
        let outer = std::mem::replace(&mut self.prefix, path);
        self.calls.push((&block.name.node, name_span));
        self.frames.push(Frame { block: &block.name.node, ..Frame::default() });
        let result = self.inside(block, matched);
        self.frames.pop();
        self.calls.pop();
        self.prefix = outer;
        result
    }

    fn inside(&mut self, block: &'a Block, matched: Vec<Matched<'a>>) -> Eval {
        for (param, value, _) in matched.iter().filter(|(p, ..)| !is_tensor(p)) {
            self.bind_param(param, value.clone())?;
        }
        for (param, value, given) in matched.iter().filter(|(p, ..)| is_tensor(p)) {
            self.tensor_input(block, param, value, *given)?;
        }
        for param in &block.params {
            if !self.frame().values.contains_key(param.name.node.as_str()) {
                self.default(param)?;
            }
        }
        let (value, span) = self.body(&block.body)?;
        if let Some(promise) = &block.result {
            self.promise(promise, &value, span, &block.name.node)?;
        }
        Ok(value)
    }

    pub(super) fn default(&mut self, param: &'a Param) -> Eval<()> {
        let Some(default) = &param.default else { return Ok(()) };
        let value = self.typed(default, &param.ty, &param.name.node)?;
        self.bind_param(param, value)
    }

    fn match_args(
        &mut self,
        block: &'a Block,
        args: &'a [Arg],
        input: Option<Value>,
        span: Span,
        call: Span,
    ) -> Eval<Vec<Matched<'a>>> {
        let tensors: Vec<&'a Param> = block.params.iter().filter(|p| is_tensor(p)).collect();
        let hypers: Vec<&'a Param> = block.params.iter().filter(|p| !is_tensor(p)).collect();
        let all: Vec<&'a Param> = block.params.iter().collect();
        let mut matched: Vec<Matched<'a>> = Vec::new();
        if let Some(value) = input {
            let Some(first) = tensors.first() else {
                return self.error(Code::E0204, span, format!("block `{}` takes no tensor", block.name));
            };
            // An empty place: what is piped in is not written among the arguments.
            matched.push((first, value, span.before()));
        }
        let taken = |matched: &[Matched<'a>], p: &Param| matched.iter().any(|(q, ..)| q.name.node == p.name.node);
        let mut positional = 0;
        let mut failed = false;
        for arg in args {
            let param = match &arg.name {
                Some(name) => match self.find_param(block, &all, name) {
                    Ok(param) => param,
                    Err(Failed) => {
                        failed = true;
                        continue;
                    }
                },
                None => {
                    let named =
                        |p: &&&'a Param| args.iter().any(|a| a.name.as_ref().is_some_and(|n| n.node == p.name.node));
                    let next = tensors.iter().find(|p| !taken(&matched, p) && !named(p)).copied();
                    if let Some(tensor) = next {
                        let value = self.expr(&arg.value);
                        match value {
                            Ok(
                                value @ (Value::Int(_)
                                | Value::Dim(..)
                                | Value::Float(_)
                                | Value::Bool(_)
                                | Value::Str(_)),
                            ) => {
                                let found = self.describe(&value);
                                let message =
                                    format!("`{}` takes a tensor for `{}`, found {found}", block.name, tensor.name);
                                let d = Diagnostic::new(Code::E0304, arg.value.span, message)
                                    .label("not a tensor")
                                    .other(tensor.span, "declared here");
                                let help = format!("pipe a tensor into it: `x |> {}(...)`", block.name);
                                let d = d.suggest(help, span.before(), "... |> ", Applicability::HasPlaceholders);
                                failed |= self.fail::<()>(d).is_err();
                            }
                            Ok(value) => matched.push((tensor, value, arg.value.span)),
                            Err(Failed) => failed = true,
                        }
                        continue;
                    }
                    // The first hyper-parameter, and those without a default after it, may be positional, in order.
                    let at = positional;
                    positional += 1;
                    let next = hypers.get(at).copied().filter(|p| at == 0 || p.default.is_none());
                    let Some(param) = next else {
                        let message = match hypers.get(at) {
                            Some(p) => format!("`{}` of `{}` has a default and must be named", p.name, block.name),
                            None => format!("too many arguments for `{}`", block.name),
                        };
                        let d = Diagnostic::new(Code::E0204, arg.value.span, message).label("without a name");
                        let before = arg.value.span.before();
                        return self.fail(match hypers.get(at) {
                            Some(p) => {
                                let text = format!("{} = ", p.name);
                                d.suggest("name it", before, text, Applicability::MachineApplicable)
                            }
                            None => d.help(format!("`{}` takes no further argument", block.name)),
                        });
                    };
                    param
                }
            };
            if taken(&matched, param) {
                let message = format!("`{}` is given twice", param.name);
                return self.error(Code::E0204, arg.value.span, message);
            }
            match self.typed(&arg.value, &param.ty, &param.name.node) {
                Ok(value) => matched.push((param, value, arg.value.span)),
                Err(Failed) => failed = true,
            }
        }
        if failed {
            return Err(Failed);
        }
        for param in &block.params {
            if taken(&matched, param) || param.default.is_some() {
                continue;
            }
            let d = if is_tensor(param) {
                let message = format!("`{}` needs a tensor for `{}`", block.name, param.name);
                let d = Diagnostic::new(Code::E0304, span, message).label("a stage, not a value");
                let help = format!("pipe something into it: `x |> {}(...)`", block.name);
                d.suggest(help, span.before(), "... |> ", Applicability::HasPlaceholders)
            } else {
                let message = format!("`{}` needs a value for `{}`", block.name, param.name);
                let d = Diagnostic::new(Code::E0204, span, message);
                let (place, text) = super::mend::argument(&param.name.node, args, span, call);
                d.suggest(format!("add `{} = ...`", param.name), place, text, Applicability::HasPlaceholders)
            };
            return self.fail(d.other(param.span, "declared here"));
        }
        Ok(matched)
    }

    /// Binds the names among a parameter's dims and checks the rest.
    /// `given` is where the argument is written, an empty place where it was piped in.
    fn tensor_input(&mut self, block: &'a Block, param: &'a Param, value: &Value, given: Span) -> Eval<()> {
        let (_, site) = self.calls.last().copied().unwrap_or(("", param.span));
        let Value::Node(outlet) = value else {
            let found = self.describe(value);
            let message = format!("`{}` takes a tensor for `{}`, found {found}", block.name, param.name);
            return self.error(Code::E0304, site, message);
        };
        let ty = self.graph.ty(*outlet).clone();
        let formulas = written_dims(self.graph.formula(*outlet));
        let (dims, actual) = match (&param.ty.kind, &ty) {
            (ParamTypeKind::Tensor(dims), TensorType::Tensor(shape)) => (dims, shape.dims().to_vec()),
            (ParamTypeKind::Index(dims), TensorType::Index { from, .. }) => (dims, from.dims().to_vec()),
            _ => {
                let message = format!("`{}` of `{}` is given {ty}", param.name, block.name);
                let d =
                    Diagnostic::new(Code::E0304, site, message).other(param.ty.span, "another kind is declared here");
                return self.fail(d);
            }
        };
        if dims.len() != actual.len() {
            let kind = |n| if n == 1 { "a vector of 1 dim" } else { "a map of 3 dims" };
            let message = format!("`{}` of `{}` is {}, found {ty}", param.name, block.name, kind(dims.len()));
            let d = Diagnostic::new(Code::E0302, site, message)
                .label(format!("{} arrives here", kind(actual.len())))
                .other(param.ty.span, "declared here");
            return self.fail(match (dims.len(), actual.len()) {
                (1, 3) => super::mend::stage(
                    d.help("`flatten` keeps every number, `avgpool_to(1) |> flatten` one a channel"),
                    "make it a vector",
                    "avgpool_to(1) |> flatten",
                    given,
                    Applicability::MaybeIncorrect,
                ),
                (3, 1) => super::mend::stage(
                    d,
                    "`unflatten` makes it [c, 1, 1]",
                    "unflatten",
                    given,
                    Applicability::MaybeIncorrect,
                ),
                _ => d,
            });
        }
        for (axis, (dim, &n)) in dims.iter().zip(&actual).enumerate() {
            if let ExprKind::Name(name) = &dim.kind
                && !self.frame().values.contains_key(name.as_str())
            {
                // A dim may also be the name of a hyper-parameter that was left at its default.
                match block.params.iter().find(|p| p.name.node == *name) {
                    Some(hyper) => self.default(hyper)?,
                    None => {
                        self.frame().values.insert(name, Value::of_dim(n as i64, formulas[axis].clone()));
                        continue;
                    }
                }
            }
            let (want, formula) = self.dim(dim)?;
            if want == n
                && let Some(gap) = formula.minus(&formulas[axis])
            {
                let what = || format!("`{}` of `{}` is of the declared size", param.name, block.name);
                self.demand(vec![vec![Cond::Zero(gap)]], dim.span, what);
            }
            if want != n {
                let text = self.dims_text(dims)?;
                let message = format!("`{}` of `{}` must be {text}, found {ty}", param.name, block.name);
                let from = self.graph.node(outlet.node);
                let (from_span, from_path) = (from.span, from.path.clone());
                let mut d = Diagnostic::new(Code::E0302, site, message)
                    .label(format!("{ty} arrives here"))
                    .other(dim.span, format!("this is {want}"))
                    .other(from_span, format!("{ty} from `{from_path}`"));
                // The other side of the clash: the tensor that `c`, `h` or `w` was read from.
                if let Some(o) = self.source_of(&block.params, dim) {
                    let source = self.graph.node(o.node);
                    d = d.other(source.span, format!("{} from `{}`", self.graph.ty(o), source.path));
                }
                return self.fail(match (axis, dims.len()) {
                    (0, 3) => {
                        let stage = format!("conv({want}, k = 1)");
                        let help = format!("bring it to {want} channels, for example");
                        super::mend::stage(d, &help, &stage, given, Applicability::MaybeIncorrect)
                    }
                    (_, 3) => {
                        let help = "bring it to that size, for example";
                        let (to, trust) = match self.origin(&block.params, dim) {
                            Some(name) => (name, Applicability::MaybeIncorrect),
                            None => ("...".into(), Applicability::HasPlaceholders),
                        };
                        super::mend::stage(d, help, &format!("resize(to = {to})"), given, trust)
                    }
                    _ => d,
                });
            }
        }
        self.bind_param(param, value.clone())
    }

    /// `[64, h, 12]` with the values that are known.
    fn dims_text(&mut self, dims: &'a [Expr]) -> Eval<String> {
        let mut parts = Vec::new();
        for dim in dims {
            parts.push(match &dim.kind {
                ExprKind::Name(name) if !self.frame().values.contains_key(name.as_str()) => name.clone(),
                _ => self.dim(dim)?.0.to_string(),
            });
        }
        Ok(format!("[{}]", parts.join(", ")))
    }

    /// Compares what a body gives with what its head promises.
    pub(super) fn promise(&mut self, promise: &'a ResultType, value: &Value, span: Span, name: &str) -> Eval<()> {
        match (&promise.kind, value) {
            (ResultTypeKind::One(ty), value) => self.promise_one(ty, value, span, name),
            (ResultTypeKind::Tuple(types), Value::Tuple(values)) if types.len() == values.len() => {
                types.iter().zip(values).try_for_each(|(ty, v)| self.promise_one(ty, v, span, name))
            }
            (ResultTypeKind::Record(fields), Value::Record(values)) => {
                for (field, ty) in fields {
                    let Some((_, value)) = values.iter().find(|(n, _)| *n == field.node) else {
                        let message = format!("`{name}` promises a result `{field}` and gives none");
                        let given = values.iter().map(|(n, _)| n.as_str());
                        let d = Diagnostic::new(Code::E0302, field.span, message).other(span, "returned here");
                        return self.fail(d.nearest(field.span, &field.node, given, || None));
                    };
                    self.promise_one(ty, value, span, name)?;
                }
                if let Some((extra, _)) = values.iter().find(|(n, _)| !fields.iter().any(|(f, _)| f.node == *n)) {
                    let message = format!("`{name}` gives a result `{extra}` that it does not promise");
                    return self.fail(Diagnostic::new(Code::E0302, span, message).other(promise.span, "promised here"));
                }
                Ok(())
            }
            (_, value) => {
                let found = self.describe(value);
                let message = format!("`{name}` promises another number of results, its body gives {found}");
                self.fail(Diagnostic::new(Code::E0302, promise.span, message).other(span, "returned here"))
            }
        }
    }

    fn promise_one(&mut self, ty: &'a ParamType, value: &Value, span: Span, name: &str) -> Eval<()> {
        let Value::Node(outlet) = value else {
            let found = self.describe(value);
            let message = format!("`{name}` promises a tensor, its body gives {found}");
            return self.fail(Diagnostic::new(Code::E0302, ty.span, message).other(span, "returned here"));
        };
        let actual = self.graph.ty(*outlet).clone();
        let (dims, shape) = match (&ty.kind, &actual) {
            (ParamTypeKind::Tensor(dims), TensorType::Tensor(shape)) => (dims, shape),
            (ParamTypeKind::Index(dims), TensorType::Index { from, .. }) => (dims, from),
            _ => {
                let message = format!("`{name}` promises another kind of result, its body gives {actual}");
                return self.fail(Diagnostic::new(Code::E0302, ty.span, message).other(span, "returned here"));
            }
        };
        let mut wanted = Vec::new();
        let formulas = written_dims(self.graph.formula(*outlet));
        let mut held = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            let (n, formula) = self.dim(dim)?;
            wanted.push(n);
            held.extend(formulas.get(axis).and_then(|f| formula.minus(f)).map(Cond::Zero));
        }
        if wanted == shape.dims() {
            self.demand(vec![held], ty.span, || format!("`{name}` keeps its promise"));
            return Ok(());
        }
        let from = self.graph.node(outlet.node);
        let (from_path, wanted) = (from.path.clone(), format!("{wanted:?}"));
        let d = Diagnostic::new(Code::E0302, ty.span, format!("`{name}` promises {wanted}, its body gives {actual}"))
            .label(format!("this is {wanted}"))
            .other(span, format!("{actual} from `{from_path}`"));
        let text = self.dims_of(dims, shape.dims());
        let index = if matches!(ty.kind, ParamTypeKind::Index(_)) { "index" } else { "" };
        let help = "change the body so that the promise holds, or promise what it gives";
        self.fail(d.suggest(help, ty.span, format!("{index}[{text}]"), Applicability::MaybeIncorrect))
    }
}
