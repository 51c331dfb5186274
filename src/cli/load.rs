//! What all commands on a model file share: reading it, choosing models, arguments and sizes.

use super::fitting::with_sizes_that_fit;
use super::memory::RunSize;
use super::{Stop, report};
use crate::graph::check::{Checked, Frozen, check, class_warning, unknown_result};
use crate::graph::elaborate::{Argument, elaborate};
use crate::graph::ir::Outlet;
use crate::graph::resolve::Program;
use crate::study::claim::{Judged, judge};
use crate::study::explore::holes;
use crate::text::diag::{Code, Diagnostic, Problems, did_you_mean};
use crate::text::import::{self, Bundle};
use crate::text::recipe::{DataSpec, schema};
use crate::text::source::{SourceMap, Span, Spanned};
use crate::text::syntax::{self, ast};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A model file, and what of it.
#[derive(Args, Clone, Default)]
pub struct Select {
    /// Model file
    pub file: PathBuf,
    #[command(flatten)]
    pub choice: Choice,
}

/// Which models, with which values and at which sizes.
#[derive(Args, Clone, Default)]
pub struct Choice {
    /// Model or variant; all of them when not given
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Hyper-parameters, for example --with attention=se,width=[16,32,64]
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub with: Vec<String>,
    /// Take the input size from this data block; several with commas
    #[arg(long, value_name = "DATA,...", value_delimiter = ',', conflicts_with = "size")]
    pub on: Vec<String>,
    /// Input height and width, for example 288x384; may be given several times
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    pub size: Vec<Size>,
}

/// Height and width.
pub type Size = [usize; 2];

/// `288x384` to `[288, 384]`.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let parse = |s: &str| s.trim().parse::<usize>().ok().filter(|n| (1..=1 << 20).contains(n));
    match text.split_once(['x', 'X']) {
        Some((h, w)) => parse(h).zip(parse(w)).map(|(h, w)| [h, w]),
        None => None,
    }
    .ok_or_else(|| format!("`{text}` is no size; write height x width, for example 288x384"))
}

/// A file and its texts, before names are known.
pub struct Source {
    pub sources: SourceMap,
    pub bundle: Bundle,
    pub problems: Problems,
}

pub fn read(path: &Path) -> Result<Source, Stop> {
    let mut sources = SourceMap::new();
    match import::load(&mut sources, path) {
        Ok((bundle, problems)) => Ok(Source { sources, bundle, problems }),
        Err(d) => {
            report(&sources, &d.into());
            Err(Stop::Problems)
        }
    }
}

/// `key=value,key=value` to arguments; commas inside brackets and quotes do not separate.
pub fn arguments(sources: &mut SourceMap, option: &str, texts: &[String]) -> Result<Vec<Argument>, Problems> {
    let mut args = Vec::new();
    let mut problems = Problems::new();
    for part in texts.iter().flat_map(|t| split_commas(t)) {
        let id = sources.add(option, part.clone());
        let whole = Span::new(id, 0, part.len());
        let Some((name, value)) = part.split_once('=') else {
            let d = Diagnostic::new(Code::E0503, whole, format!("`{part}` is not `key=value`"));
            problems.push(d.help(format!("write for example `{option} attention=se`")));
            continue;
        };
        let value_id = sources.add(option, value.trim().to_string());
        match syntax::parse_value(sources, value_id) {
            Ok(value) => {
                let name = Spanned::new(name.trim().to_string(), Span::new(id, 0, name.len()));
                args.push(Argument { name, value });
            }
            Err(p) => problems.extend(p),
        }
    }
    if problems.is_empty() { Ok(args) } else { Err(problems) }
}

/// The hyper-parameters of `--with`; problems are printed here.
pub fn with_arguments(sources: &mut SourceMap, choice: &Choice) -> Result<Vec<Argument>, Stop> {
    arguments(sources, "--with", &choice.with).map_err(|p| {
        report(sources, &p);
        Stop::Usage("the value of --with cannot be read".into())
    })
}

fn split_commas(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0i32, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' | '(' if !quoted => depth += 1,
            ']' | ')' if !quoted => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

/// A model with the size it was checked at.
pub struct Entry {
    pub checked: Checked,
    /// It does not have a channel for each class of the data that was named.
    pub warning: Option<Diagnostic>,
    /// The data block that gave the size.
    pub on: Option<String>,
    /// Of the run that trains it.
    pub run: Option<RunSize>,
    /// What that run does not train.
    pub frozen: Frozen,
}

/// The entries that `select` names, as `(name, size, data block)`.
pub struct Plan {
    pub name: ast::Ident,
    pub size: Option<[usize; 2]>,
    pub on: Option<(String, DataSpec)>,
    /// The data block was named, and not only taken for its size.
    pub asked: bool,
}

/// Decides what to look at. Errors are about the command line.
pub fn plan(program: &Program<'_>, choice: &Choice) -> Result<Vec<Plan>, Problems> {
    let entries = program.entries();
    let chosen: Vec<&ast::Ident> = match &choice.model {
        None => entries,
        Some(name) => match entries.iter().find(|e| e.node == *name) {
            Some(entry) => vec![entry],
            None => return Err(no_such("model or variant", name, entries.iter().map(|e| e.node.as_str())).into()),
        },
    };
    if chosen.is_empty() && program.items.is_empty() && program.file.broken.is_empty() {
        return Err(Diagnostic::bare(Code::E0501, "the file holds no model").into());
    }
    let mut named = Vec::new();
    for on in &choice.on {
        match program.data.get(on.as_str()) {
            Some(data) => named.push((on.clone(), schema::data_spec(data)?)),
            None => return Err(no_such("data block", on, program.data.keys().copied()).into()),
        }
    }
    let mut plans = Vec::new();
    for name in chosen {
        let plan = |size, on| Plan { name: name.clone(), size, on, asked: !named.is_empty() };
        if !named.is_empty() {
            plans.extend(named.iter().map(|on| plan(Some(on.1.size), Some(on.clone()))));
        } else if !choice.size.is_empty() {
            plans.extend(choice.size.iter().map(|&size| plan(Some(size), None)));
        } else {
            let on = default_data(program, &name.node);
            plans.push(plan(on.as_ref().map(|(_, spec)| spec.size), on));
        }
    }
    Ok(plans)
}

/// The first run of this model, else the first run of its base.
fn default_run<'a>(program: &Program<'a>, name: &str) -> Option<&'a ast::Train> {
    let base = program.entry(name).map(|(model, _)| model.name.node.as_str());
    program.first_train.get(name).or_else(|| program.first_train.get(base?)).copied()
}

/// The data of the run that trains the model, else the first data block.
pub fn default_data(program: &Program<'_>, name: &str) -> Option<(String, DataSpec)> {
    let data = default_run(program, name).and_then(|t| program.data.get(t.data.node.as_str())).copied();
    let data = data.or(program.first_data)?;
    // A block with mistakes is reported by itself.
    schema::data_spec(data).ok().map(|spec| (data.name.node.clone(), spec))
}

/// Of the run that trains the model.
fn run_size(program: &Program<'_>, name: &str) -> Option<RunSize> {
    // A run with mistakes is reported by itself.
    let (spec, _) = default_run(program, name).and_then(|t| schema::train_spec(t, BTreeMap::new()).ok())?;
    Some(spec.into())
}

/// Of the first run that trains a model of the sweep: its models are compared with the same settings.
pub fn sweep_run(program: &Program<'_>, sweep: &ast::Sweep) -> RunSize {
    sweep.models.grids.iter().find_map(|g| run_size(program, &g.base.node)).unwrap_or_default()
}

pub fn no_such<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let d = Diagnostic::bare(Code::E0501, format!("the file has no {what} `{name}`"));
    match did_you_mean(name, known.clone()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => {
            let list: Vec<_> = known.map(|k| format!("`{k}`")).collect();
            if list.is_empty() {
                d.help(format!("it has no {what} at all"))
            } else {
                d.help(format!("there is {}", list.join(", ")))
            }
        }
    }
}

/// Elaborates and checks one entry.
pub fn compile(program: &Program<'_>, plan: &Plan, args: &[Argument]) -> Result<Entry, Problems> {
    let built = elaborate(program, &plan.name, args, plan.size).and_then(check);
    let checked = built.map_err(|p| with_sizes_that_fit(program, &plan.name, args, plan.size, p))?;
    let asked = plan.on.as_ref().filter(|_| plan.asked);
    let warning = asked.and_then(|(on, spec)| class_warning(&checked, &plan.name, on, spec.classes.len()));
    let run = run_size(program, &plan.name.node);
    let frozen = run.as_ref().map(|run| Frozen::known(&checked, &run.freeze)).unwrap_or_default();
    Ok(Entry { checked, warning, on: plan.on.as_ref().map(|(name, _)| name.clone()), run, frozen })
}

/// Problems of the root's runs: each model with the arguments of its run at the size of its data.
pub fn runs(program: &Program<'_>) -> Problems {
    let mut problems = Problems::new();
    for item in &program.file.items {
        let ast::ItemKind::Train(train) = &item.kind else { continue };
        let entry = program.find(&train.model.node);
        let data = program.data.get(train.data.node.as_str()).and_then(|d| schema::data_spec(d).ok());
        let (Some(name), Some(spec)) = (entry, data) else { continue };
        if program.is_broken(&name.node) || (train.args.is_empty() && has_hole(program, &name.node, &[])) {
            continue;
        }
        let found = match named_arguments(&train.args) {
            Ok(args) => elaborate(program, name, &args, Some(spec.size))
                .and_then(check)
                .map_err(|p| with_sizes_that_fit(program, name, &args, Some(spec.size), p)),
            Err(p) => Err(p),
        };
        match found {
            // What the model warns about by itself is told with the model.
            Ok(checked) => {
                let warning = class_warning(&checked, &train.model, &spec.name, spec.classes.len());
                warning.into_iter().for_each(|d| problems.push(d));
                schema::loss_problem(&train.entries, spec.classes.len()).into_iter().for_each(|d| problems.push(d));
                supervised(train, &checked, &mut problems);
                problems.extend(frozen(train, &checked));
            }
            Err(p) => problems.extend(p),
        }
    }
    problems
}

/// The results that a run supervises are results of its model.
fn supervised(train: &ast::Train, checked: &Checked, problems: &mut Problems) {
    let entry = train.entries.iter().find(|e| e.key.node == "supervise").map(|e| &e.value.kind);
    let Some(ast::ExprKind::Call(call)) = entry else { return };
    for name in call.args.iter().filter_map(|a| a.name.as_ref()) {
        if let Some(d) = unknown_result(checked, name) {
            problems.push(d);
        }
    }
}

/// The paths that a run freezes lead to parameters of its model, and leave some.
fn frozen(train: &ast::Train, checked: &Checked) -> Problems {
    let paths = schema::freeze_paths(&train.entries).unwrap_or_default();
    // A run with mistakes is reported by itself.
    let weights = schema::train_spec(train, BTreeMap::new()).map(|(spec, _)| spec.supervise).unwrap_or_default();
    Frozen::problems(checked, &paths, &checked.supervised(&weights))
}

/// What `--freeze` names in a model, in place of what its run freezes.
pub fn freeze(sources: &mut SourceMap, entry: &mut Entry, paths: &[String]) -> Problems {
    if paths.is_empty() {
        return Problems::new();
    }
    let mut placed = Vec::new();
    for path in paths {
        let span = Span::new(sources.add("--freeze", path.clone()), 0, path.len());
        placed.push(Spanned::new(path.clone(), span));
    }
    let results: Vec<Outlet> = entry.checked.graph().results.iter().map(|(_, outlet)| *outlet).collect();
    entry.frozen = Frozen::new(paths.iter().cloned());
    Frozen::problems(&entry.checked, &placed, &results)
}

/// `(attention = se)` after a model's name.
pub fn named_arguments(args: &[ast::Arg]) -> Result<Vec<Argument>, Problems> {
    let (mut named, mut problems) = (Vec::new(), Problems::new());
    for arg in args {
        match &arg.name {
            Some(name) => named.push(Argument { name: name.clone(), value: arg.value.clone() }),
            None => problems.push(Diagnostic::new(Code::E0204, arg.value.span, "name this hyper-parameter")),
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(named) }
}

/// A claim that is as it should be.
pub struct Claimed {
    /// `NPNet on cvc`
    pub about: String,
    /// As written: `params ~= 0.71M`
    pub claim: String,
    pub judged: Judged,
}

/// Holds the root file's `expect` blocks against the models that they name; `only` chooses one model.
pub fn claims(program: &Program<'_>, sources: &SourceMap, only: Option<&str>) -> (Vec<Claimed>, Problems) {
    let (mut claimed, mut problems) = (Vec::new(), Problems::new());
    for item in &program.file.items {
        let ast::ItemKind::Expect(expect) = &item.kind else { continue };
        let model = &expect.model;
        let skipped = only.is_some_and(|m| m != model.node) || program.is_broken(&model.node);
        // The claims of a model with holes are what its holes are fitted to.
        if skipped || (expect.args.is_empty() && has_hole(program, &model.node, &[])) {
            continue;
        }
        match expected(program, expect) {
            Ok(checked) => {
                let on = expect.on.as_ref().map_or(String::new(), |on| format!(" on {on}"));
                for claim in &expect.claims {
                    match judge(claim, &checked) {
                        Ok(judged) => {
                            let written = sources.snippet(claim.quantity.span.to(match &claim.value {
                                ast::ClaimValue::Number { span, .. } => *span,
                                ast::ClaimValue::Expr(expr) => expr.span,
                            }));
                            let args: Vec<String> = (expect.args.iter())
                                .filter_map(|a| {
                                    Some(format!("{} = {}", a.name.as_ref()?, sources.snippet(a.value.span)))
                                })
                                .collect();
                            let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
                            let about = format!("{model}{args}{on}");
                            let claim = written.split_whitespace().collect::<Vec<_>>().join(" ");
                            claimed.push(Claimed { about, claim, judged });
                        }
                        Err(d) => problems.push(*d),
                    }
                }
            }
            Err(p) => problems.extend(p),
        }
    }
    (claimed, problems)
}

/// The model of an `expect` block at its size.
fn expected(program: &Program<'_>, expect: &ast::Expect) -> Result<Checked, Problems> {
    let Some(name) = program.find(&expect.model.node) else {
        // Resolution has said that there is no such model.
        return Err(Problems::new());
    };
    let args = named_arguments(&expect.args)?;
    let size = expected_size(program, expect)?;
    check(elaborate(program, name, &args, size)?)
}

/// Height and width that an `expect` block is about: those of its data, else of the model's.
pub fn expected_size(program: &Program<'_>, expect: &ast::Expect) -> Result<Option<Size>, Problems> {
    let data = match &expect.on {
        Some(on) => program.data.get(on.node.as_str()).map(|d| schema::data_spec(d)).transpose()?,
        None => default_data(program, &expect.model.node).map(|(_, spec)| spec),
    };
    Ok(data.map(|d| d.size))
}

/// Whether the entry has a hole that nothing fills.
pub fn has_hole(program: &Program<'_>, name: &str, args: &[Argument]) -> bool {
    !holes(program, name, args).is_empty()
}
