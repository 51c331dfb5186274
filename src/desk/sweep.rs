//! The runs of a sweep: planned, started side by side or handed to a scheduler.
//!
//! [`plan_sweep`] gives a run folder for each point and seed and says how far each is; [`run_tasks`] runs commands of npc as
//! processes of their own; [`shell_lines`] and [`write_slurm`] hand them to others.

mod plan;
mod processes;
mod reported_figures;
mod run_state;
mod scheduler;

pub use plan::{PlannedPoint, PlannedRun, SweepPlan, SweepRequest, plan_sweep};
pub use processes::{ProcessTask, TaskEnd, TaskEvent, run_tasks};
pub use run_state::RunState;
pub use scheduler::{shell_lines, write_slurm};
