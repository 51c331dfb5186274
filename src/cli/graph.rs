//! `npc graph`: the graph as text, Graphviz dot or JSON.

use super::load::{self, Select};
use super::{Done, Stop, print, report};
use crate::check::Checked;
use crate::ir;
use crate::resolve::resolve_bundle;
use clap::{Args, ValueEnum};

/// Print the graph of a model in a canonical form
#[derive(Args)]
#[command(after_help = "The text is stable: equal networks print equally, so it can be kept as a snapshot.

Examples:
  npc graph models/npnet.model --model NPNet --size 64x64
  npc graph models/npnet.model --model NPNet --on cvc --format dot | dot -Tsvg > npnet.svg

Exit codes: 0 done, 1 problems found, 2 wrong usage")]
pub struct Opts {
    #[command(flatten)]
    select: Select,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Dot,
    Json,
}

pub fn run(opts: &Opts) -> Done {
    let checked = compile_all(&opts.select)?;
    match opts.format {
        Format::Text => print(&checked.iter().map(|c| ir::text(c.graph())).collect::<Vec<_>>().join("\n")),
        Format::Dot => print(&checked.iter().map(|c| ir::dot(c.graph())).collect::<String>()),
        Format::Json => {
            let graphs: Vec<_> = checked.iter().map(|c| ir::json(c.graph())).collect();
            print(&format!("{:#}\n", serde_json::json!({"schema": 1, "graphs": graphs})))
        }
    }
}

/// Every selected model, or all problems and a stop.
pub fn compile_all(select: &Select) -> Result<Vec<Checked>, Stop> {
    let load::Source { mut sources, bundle, mut problems } = load::read(&select.file)?;
    let args = load::with_arguments(&mut sources, &select.choice)?;
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    let mut checked = Vec::new();
    match load::plan(&program, &select.choice) {
        Ok(plans) => {
            for plan in plans.iter().filter(|p| !program.is_broken(&p.name.node)) {
                match load::compile(&program, plan, &args) {
                    Ok(entry) => checked.push(entry.checked),
                    Err(p) => problems.extend(p),
                }
            }
        }
        Err(p) => problems.extend(p),
    }
    if problems.has_errors() {
        report(&sources, &problems.sorted());
        return Err(Stop::Problems);
    }
    Ok(checked)
}
