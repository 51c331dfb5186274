//! `npc sweep` without `--static`: trains, evaluates and compares the runs of a sweep.

use super::notes::notes;
use super::options::{SweepOptions, SweepRunOptions, TrainedSweepOptions};
use super::run_steps::{read_scores, score_runs, train_runs};
use super::trained_table::TrainedSweep;
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::cli::details::{ModelFiles, StageClock, detail};
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::file_format::check_ending;
use crate::cli::terminal::{print, print_report, say_written};
use crate::desk::check_outputs_of_sweep;
use crate::desk::sweep::{
    CostChartRequest, PlannedRun, RunState, SweepPlan, SweepRequest, cost_chart_of, plan_sweep, shell_lines,
    write_slurm,
};
use crate::score::sweep_scores::check_same_images;
use crate::show::chart::{CHART_ENDINGS, ChartTheme};
use crate::show::sweep_cost::CostKey;
use crate::show::table::OutputFormat;
use crate::study::cost::Convention;
use crate::text::config::Metric;
use std::path::Path;

pub(super) fn run(opts: &SweepOptions, runs: &TrainedSweepOptions) -> CommandResult {
    let common = &runs.common;
    if opts.on.len() > 1 {
        return Err(CommandError::usage(problem!(
            E0503,
            "the runs of a sweep are on one data block: name one with --on"
        )));
    }
    let plot =
        opts.plot.as_deref().map(|path| CostPlot { path, key: runs.cost.unwrap_or_default(), theme: opts.theme });
    if let Some(plot) = &plot {
        check_ending(plot.path, CHART_ENDINGS)?;
        if common.print_jobs || common.slurm.is_some() {
            let problem = problem!(E0503, "`--plot` draws scores, and nothing is trained or scored with `--print-jobs` and `--slurm`";
                help: "leave out `--plot` here, and give it with `--collect`");
            return Err(CommandError::usage(problem));
        }
    }
    let wanted = SweepRequest {
        file: &opts.file,
        sweep: &opts.name,
        run: runs.run.as_deref(),
        on: opts.on.first().map(String::as_str),
        seeds: common.seeds,
        set: &common.settings.set,
        with: &common.settings.with,
        data_root: common.data_root.as_deref(),
        device: common.device.as_deref(),
        out: common.out.as_deref(),
        figures_for: common.beside.as_deref(),
        convention: opts.look.convention.unwrap_or(Convention::Conv),
    };
    run_sweep(&wanted, runs.train, common, opts.look.format, plot.as_ref())
}

/// Endings of scripts for `sbatch`.
const SCRIPT_ENDINGS: &[&str] = &["sh", "bash", "sbatch", "slurm", "job"];

/// The chart of scores against costs that the options request.
pub(crate) struct CostPlot<'a> {
    path: &'a Path,
    key: CostKey,
    theme: ChartTheme,
}

/// Trains, evaluates or lists the runs of a sweep, as the options request, and prints the table.
pub(crate) fn run_sweep(
    wanted: &SweepRequest<'_>,
    train: bool,
    common: &SweepRunOptions,
    format: OutputFormat,
    plot: Option<&CostPlot<'_>>,
) -> CommandResult {
    let mut clock = StageClock::start();
    let mut plan = plan_sweep(&ModelFiles, wanted)?;
    plan.points.iter().filter_map(|p| p.failure.as_ref()).for_each(|failure| print_report(failure.report()));
    let outputs = common.slurm.iter().cloned().chain(plot.map(|plot| plot.path.to_path_buf()));
    let tables = TrainedSweep::files_in(&plan.out).filter(|_| train || common.collect);
    check_outputs_of_sweep(outputs.chain(tables), &plan, wanted.file, wanted.data_root)?;
    if let Some(path) = &common.slurm {
        check_ending(path, SCRIPT_ENDINGS)?;
        write_slurm(&plan, common.jobs, path)?;
        let n = plan.points.iter().map(|p| p.runs.len()).sum::<usize>();
        let runs = counted(n, "run");
        return print(&format!("{runs}: sbatch {}; then the same command with --collect\n", path.display()));
    }
    if common.print_jobs {
        return print(&(shell_lines(&plan)?.join("\n") + "\n"));
    }
    let to = reference_point(&plan, common.to.as_deref())?;
    if common.overwrite && !train {
        return Err(CommandError::usage(
            problem!(E0503, "`--overwrite` replaces runs by training them, and nothing is trained here";
            help: "add `--train`, or leave out `--overwrite`"),
        ));
    }
    if !common.overwrite {
        refuse_foreign_runs(&plan)?;
    }
    clock.lap("read the files, built the models, and looked at the run folders");
    detail("out", || plan.out.display().to_string());
    for run in plan.points.iter().flat_map(|point| &point.runs) {
        detail("run", || format!("{}: {}", run.label, run.state));
    }
    let mut failures = broken_points(&plan);
    if train {
        failures.extend(train_runs(&mut plan, usize::from(common.jobs), common.overwrite)?);
    }
    if train || common.collect {
        clock.lap("trained");
        score_runs(&plan, common, &mut failures)?;
        clock.lap("scored");
    }
    if common.collect {
        let open = |r: &&PlannedRun| matches!(r.state, RunState::Absent | RunState::Started);
        let open = plan.points.iter().flat_map(|p| &p.runs).filter(open);
        failures.extend(open.map(|r| (r.label.clone(), "not finished".to_string())));
    }
    let scores = read_scores(&plan)?;
    check_same_images(&scores)?;
    let mut table = TrainedSweep::new(&plan, &scores, &common.metrics, to, wanted.convention);
    table.notes = notes(&table, &scores);
    table.failures.clone_from(&failures);
    if train || common.collect {
        table.write_files(&plan.out)?;
    }
    print(&table.render(format))?;
    if let Some(plot) = plot {
        let metric = common.metrics.first().copied().unwrap_or(Metric::Dice);
        let of = CostChartRequest {
            title: table.title(),
            key: plot.key,
            convention: wanted.convention,
            metric,
            failures: failures.clone(),
        };
        say_written(plot.path, cost_chart_of(table.plan, &scores, of)?.write(plot.path, plot.theme)?);
    }
    if failures.is_empty() {
        return Ok(());
    }
    eprintln_lossy!("");
    for (label, message) in &failures {
        eprintln_lossy!("{label}: {message}");
    }
    Err(CommandError::AlreadyReported)
}

/// Returns the index of the named point, or of the first one.
fn reference_point(plan: &SweepPlan, name: Option<&str>) -> Result<usize, CommandError> {
    let Some(name) = name else { return Ok(0) };
    let labels = || plan.points.iter().map(|p| p.label.as_str());
    labels().position(|label| label == name).ok_or_else(|| {
        let known: Vec<&str> = labels().collect();
        CommandError::usage(problem!(E0503, "`{}` has no point `{name}`; it has {}", plan.sweep, known.join(", ")))
    })
}

/// Fails if a folder contains a run with other settings, so that it is neither used nor overwritten.
fn refuse_foreign_runs(plan: &SweepPlan) -> CommandResult {
    let others: Vec<(&PlannedRun, &String)> = plan
        .points
        .iter()
        .flat_map(|p| &p.runs)
        .filter_map(|r| if let RunState::Other(what) = &r.state { Some((r, what)) } else { None })
        .collect();
    let Some((first, what)) = others.first() else { return Ok(()) };
    let more = match others.len() {
        1 => String::new(),
        n => format!(" ({} in all)", counted(n, "folder")),
    };
    let problem = problem!(E0723, first.folder.root(), "holds a run with other settings{more}: {what}";
        help: "give the settings it was trained with, or another folder with `--out DIR`";
        help: "or replace such runs: `--train --overwrite`");
    Err(problem.into())
}

/// Returns the points whose model cannot be built; the reasons were printed before.
fn broken_points(plan: &SweepPlan) -> Vec<(String, String)> {
    let broken = plan.points.iter().filter(|p| p.runs.iter().any(|r| r.state == RunState::Broken));
    broken.map(|p| (p.label.clone(), "failed: the model cannot be built, see above".to_string())).collect()
}
