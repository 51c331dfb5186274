//! The runs of a sweep: plans them, starts them in parallel, or writes them for a scheduler.
//!
//! [`plan_sweep`] returns a run folder for each point and seed with the state of the run. [`run_tasks`] runs npc commands
//! as child processes. [`shell_lines`] and [`write_slurm`] write them for others to start.

#[cfg(any(feature = "run", test))]
mod cost_chart;
mod data_changes;
mod plan;
mod processes;
mod reported_figures;
mod run_state;
mod scheduler;

#[cfg(feature = "run")]
pub(crate) use cost_chart::{CostChartRequest, cost_chart_of};
pub use plan::{PlannedPoint, PlannedRun, SweepPlan, SweepRequest, plan_sweep};
pub use processes::{ProcessTask, TaskEnd, TaskEvent, run_tasks};
pub use run_state::RunState;
pub(super) use run_state::differences;
pub use scheduler::{shell_lines, write_slurm};
