//! `npc sweep --static`: counts, filters and compares the models of a sweep.

use super::counted_table::{key_label, sweep_text, sweep_title};
use super::options::SweepOptions;
use crate::base::count::{counted, counted_of};
use crate::base::problem::problem;
use crate::cli::details::ModelFiles;
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::file_format::check_ending;
use crate::cli::terminal::{print, print_problems, say_written};
use crate::desk::{CountRequest, CountedSweep, ModelOrder, check_outputs_of_model, count_models, counted_chart};
use crate::show::chart::CHART_ENDINGS;
use crate::study::cost::Convention;
use crate::study::explore::MeasureKey;

pub(super) fn run(opts: &SweepOptions) -> CommandResult {
    if let Some(path) = &opts.plot {
        check_ending(path, CHART_ENDINGS)?;
    }
    check_outputs_of_model(opts.plot.clone(), &opts.file, None)?;
    let request = CountRequest {
        file: &opts.file,
        sweep: &opts.name,
        on: &opts.on,
        size: &opts.table.size,
        keep: &opts.table.keep,
        sort: opts.table.sort.unwrap_or(ModelOrder::By(MeasureKey::Params)),
        top: opts.table.top,
        axes: front_axes(&opts.table.axes)?,
        convention: opts.look.convention.unwrap_or(Convention::Conv),
        batch: opts.table.batch,
    };
    let sweep = count_models(&ModelFiles, &request)?;
    print(&sweep_text(&sweep, opts.look.format))?;
    if let Some(path) = &opts.plot {
        let chart = counted_chart(&sweep, &sweep_title(&sweep), key_label)
            .ok_or_else(|| problem!(E0501, path, "no model is left to draw"))?;
        say_written(path, chart.write(path, opts.theme)?);
    }
    if sweep.broken == 0 {
        return Ok(());
    }
    report_broken_models(&sweep);
    Err(CommandError::AlreadyReported)
}

/// Returns the two keys of the front.
fn front_axes(given: &[MeasureKey]) -> Result<[MeasureKey; 2], CommandError> {
    match *given {
        [] => Ok([MeasureKey::Params, MeasureKey::Macs]),
        [x, y] if x != y => Ok([x, y]),
        [x, y] if x == y => {
            Err(CommandError::usage(problem!(E0503, "`--axes` names `{x}` twice"; help: "name two different keys")))
        }
        _ => Err(CommandError::usage(
            problem!(E0503, "`--axes` takes two keys, and {} given", if given.len() == 1 { "one is" } else { "more are" };
            help: "write two keys with a comma between them, for example `--axes params,macs`"),
        )),
    }
}

/// Number of errors shown for models that cannot be built; a grid may repeat the same error hundreds of times.
const SHOWN: usize = 5;

fn report_broken_models(sweep: &CountedSweep) {
    let problems = &sweep.failures.problems;
    let errors = problems.iter().filter(|d| d.is_error()).count();
    print_problems(&sweep.failures.sources, &problems.iter().filter(|d| d.is_error()).take(SHOWN).cloned().collect());
    let more = if errors > SHOWN { format!("; {} more", counted(errors - SHOWN, "message")) } else { String::new() };
    eprintln_lossy!("{} cannot be built or measured{more}", counted_of(sweep.broken, sweep.tried, "model"));
}
