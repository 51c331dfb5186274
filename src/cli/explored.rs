//! Sweeps and holes as `npc check` shows them.

use super::load::{Choice, default_data, expected_size, has_hole, sweep_run};
use super::table::{Align, columns, thousands};
use crate::graph::check::Checked;
use crate::graph::elaborate::Argument;
use crate::graph::resolve::Program;
use crate::study::claim::Peaks;
use crate::study::cost::{Convention, count};
use crate::study::explore::{self, Asked, Fit, Point};
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::recipe::schema;
use crate::text::source::SourceMap;
use crate::text::syntax::ast::{self, ItemKind};
use serde_json::{Value, json};
use std::fmt::Write;

/// Fitting values that are listed in text.
const SHOWN: usize = 12;

/// Hyper-parameters and their values as written.
pub(super) type Spelled = Vec<(String, String)>;

/// A point of a sweep: the model and its hyper-parameters, parameters, MACs.
type Row = (String, Spelled, u64, u64);

/// The points of a sweep at one size.
struct Grid {
    name: String,
    of: String,
    /// None where no row is left and the models say their size themselves.
    input: Option<String>,
    rows: Vec<Row>,
    /// Points that `keep where` leaves out.
    left_out: usize,
}

#[derive(Default)]
pub struct Explored {
    grids: Vec<Grid>,
    /// Model, what was tried, what fits.
    fits: Vec<(String, Fit, Vec<Spelled>)>,
    convention: Convention,
}

pub(super) fn spelled(sources: &SourceMap, args: &[Argument]) -> Spelled {
    let value = |a: &Argument| match &a.value.kind {
        // Values of a range have the range's place.
        ast::ExprKind::Int(n) => n.to_string(),
        _ => sources.snippet(a.value.span).to_string(),
    };
    args.iter().map(|a| (a.name.node.clone(), value(a))).collect()
}

/// Evaluates the root's sweeps, and tries the holes of its models against their claims.
pub fn explore(
    program: &Program<'_>,
    sources: &SourceMap,
    choice: &Choice,
    convention: Convention,
) -> (Explored, Problems) {
    let mut all = Explored { convention, ..Explored::default() };
    let mut problems = Problems::new();
    // Both are about the models as written.
    if !choice.with.is_empty() {
        return (all, problems);
    }
    for item in &program.file.items {
        let ItemKind::Sweep(sweep) = &item.kind else { continue };
        let mut bases: Vec<&str> = sweep.models.grids.iter().map(|g| g.base.node.as_str()).collect();
        bases.dedup();
        let wanted = choice.model.as_ref().is_none_or(|m| bases.contains(&m.as_str()));
        if !wanted || program.is_broken(&sweep.name.node) {
            continue;
        }
        let named =
            choice.on.first().and_then(|on| program.data.get(on.as_str())).and_then(|d| schema::data_spec(d).ok());
        let data = named.or_else(|| default_data(program, bases[0]).map(|(_, spec)| spec));
        let size = choice.size.first().copied().or(data.map(|d| d.size));
        let kept = explore::bounds(&sweep.models.keep, Convention::Conv).and_then(|bounds| {
            let run = sweep_run(program, sweep);
            let peaks = |checked: &Checked| run.peaks(checked, None);
            let asked = Asked { sizes: &[size], bounds: &bounds, peaks: &peaks };
            let see = |checked: &Checked, _: &dyn Fn() -> Peaks| {
                let report = count(checked, convention);
                (checked.input().to_string(), report.params, report.macs)
            };
            Ok(explore::thin(program, sweep, &asked, see)?)
        });
        let kept = match kept {
            Ok(kept) => kept,
            Err(p) => {
                problems.extend(p);
                continue;
            }
        };
        let left_out = kept.unwanted();
        problems.extend(kept.problems);
        if kept.broken == kept.tried {
            continue;
        }
        let input = kept.kept.first().map(|(_, seen)| seen[0].0.clone());
        let input = input.or(size.map(|[h, w]| format!("{h}x{w}")));
        let row = |(point, seen): (Point<'_>, Vec<(String, u64, u64)>)| {
            (point.model.node.clone(), spelled(sources, &point.args), seen[0].1, seen[0].2)
        };
        let rows = kept.kept.into_iter().map(row).collect();
        all.grids.push(Grid { name: sweep.name.node.clone(), of: bases.join(" | "), input, rows, left_out });
    }
    for name in program.entries() {
        let wanted = choice.model.as_ref().is_none_or(|m| *m == name.node);
        if !wanted || program.is_broken(&name.node) || !has_hole(program, &name.node, &[]) {
            continue;
        }
        let claims = claims_about(program, name);
        if claims.is_empty() {
            let message = format!("`{name}` has a hole and no claim to fit it to");
            let d = Diagnostic::new(Code::N0901, name.span, message);
            problems.push(d.help("give it a value with `--with`, or write an `expect` block"));
            continue;
        }
        match explore::fit(program, name, &claims) {
            Ok(fit) => {
                let values = fit.fitting.iter().map(|args| spelled(sources, args)).collect();
                all.fits.push((name.node.clone(), fit, values));
            }
            Err(d) => problems.push(d),
        }
    }
    (all, problems)
}

/// The `expect` blocks of a model, each with its size.
fn claims_about<'a>(program: &Program<'a>, name: &ast::Ident) -> Vec<(&'a ast::Expect, Option<[usize; 2]>)> {
    let mut claims = Vec::new();
    for item in &program.file.items {
        let ItemKind::Expect(expect) = &item.kind else { continue };
        // One with arguments is about another model, and is held against that.
        if expect.model.node == name.node && expect.args.is_empty() {
            // A data block with mistakes is reported by itself.
            claims.push((expect, expected_size(program, expect).unwrap_or_default()));
        }
    }
    claims
}

impl Explored {
    pub fn text(&self) -> String {
        let mut out = String::new();
        for grid in &self.grids {
            let at = grid.input.as_ref().map_or(String::new(), |input| format!(" at {input}"));
            let kept = match grid.left_out {
                0 => String::new(),
                n => format!(", {n} of {} left out by `keep where`", grid.rows.len() + n),
            };
            let _ = writeln!(out, "\nsweep {} of {}{at}{kept}\n", grid.name, grid.of);
            if grid.rows.is_empty() {
                continue;
            }
            let mut header: Vec<&str> = Vec::new();
            let many = grid.rows.iter().any(|row| row.0 != grid.rows[0].0);
            for (name, _) in grid.rows.iter().flat_map(|row| &row.1) {
                if !header.contains(&name.as_str()) {
                    header.push(name);
                }
            }
            let names = header.clone();
            if many || names.is_empty() {
                header.insert(0, "model");
            }
            let mut align = vec![Align::Left; header.len()];
            let macs = format!("MACs, {}", self.convention);
            header.extend(["params", macs.as_str()]);
            align.extend([Align::Right; 2]);
            let row = |(model, args, params, macs): &Row| {
                let value =
                    |name: &&str| args.iter().find(|(n, _)| n == name).map_or(String::new(), |(_, v)| v.clone());
                let model = (many || names.is_empty()).then(|| model.clone());
                let values = model.into_iter().chain(names.iter().map(value));
                values.chain([thousands(*params), thousands(*macs)]).collect()
            };
            out.push_str(&columns(&header, &align, &grid.rows.iter().map(row).collect::<Vec<_>>()));
        }
        for (model, fit, values) in &self.fits {
            let holes: Vec<_> = fit.holes.iter().map(|h| format!("`{h}`")).collect();
            let _ = writeln!(
                out,
                "\nhole {} of {model}: {} of {} values satisfy {} claims",
                holes.join(", "),
                values.len(),
                fit.tried,
                fit.claims
            );
            for args in values.iter().take(SHOWN) {
                let args: Vec<_> = args.iter().map(|(n, v)| format!("{n} = {v}")).collect();
                let _ = writeln!(out, "  {}", args.join(", "));
            }
            if values.len() > SHOWN {
                let _ = writeln!(out, "  and {} more; --format json has them all", values.len() - SHOWN);
            }
        }
        out
    }

    /// `sweeps` and `holes` of the document, those that there are.
    pub fn json(&self) -> Vec<(&'static str, Vec<Value>)> {
        let object = |args: &[(String, String)]| {
            Value::Object(args.iter().map(|(n, v)| (n.clone(), Value::String(v.clone()))).collect())
        };
        let grids = self.grids.iter().map(|g| {
            let points: Vec<_> = (g.rows.iter())
                .map(|(model, args, params, macs)| {
                    json!({"model": model, "args": object(args), "params": params, "macs": macs})
                })
                .collect();
            let mut value = json!({"name": g.name, "of": g.of, "convention": self.convention.name(), "points": points});
            if g.left_out > 0 {
                value["left_out"] = g.left_out.into();
            }
            value
        });
        let fits = self.fits.iter().map(|(model, fit, values)| {
            let values: Vec<_> = values.iter().map(|args| object(args)).collect();
            json!({"model": model, "tried": fit.tried, "claims": fit.claims, "fitting": values})
        });
        let lists = [("sweeps", grids.collect()), ("holes", fits.collect())];
        lists.into_iter().filter(|(_, list): &(_, Vec<Value>)| !list.is_empty()).collect()
    }
}
