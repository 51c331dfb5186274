//! The workbench: from files and requests to values, with all their problems.
//!
//! Every front stands on it: the command line, and whatever edits, checks or draws models from outside. It prints nothing,
//! knows no options and no exit codes, and reads model files through [`Files`](crate::text::files::Files), so that texts in
//! memory can be laid over the disk. What cannot be had is a [`Failure`], which holds the problems and the texts that they
//! point into.
//!
//! - [`Workbench`]: files with texts laid over them; [`Workbench::analyze`] says everything about one.
//! - [`analyze_file`]: the same for other places to read from.
//! - [`select`] and [`build`]: some models of a file, by name, hyper-parameters and size.
//! - [`compared`]: two models, of two files or of two revisions of one.
//! - `sweep` (feature `data`): the runs of a sweep, planned and started.
//! - `resolve_run`, `reopen` (feature `data`): a run of a file, or of a run folder, with all its settings.

mod analysis;
mod arguments;
mod claims;
mod config_problems;
mod counted_sweep;
#[cfg(feature = "data")]
mod data;
#[cfg(feature = "data")]
mod data_blocks;
mod defaults;
mod difference;
mod entry;
mod exploration;
mod failure;
mod finding;
mod fitting;
mod fix;
#[doc(hidden)]
pub mod internals;
mod levels;
mod memory;
mod models;
mod open;
mod pair;
#[cfg(feature = "data")]
mod resume;
mod revision;
#[cfg(feature = "data")]
mod run;
mod run_size;
#[cfg(feature = "run")]
pub mod runs;
mod selection;
mod sizes_that_fit;
#[cfg(feature = "data")]
pub mod sweep;
mod sweep_columns;
mod workbench;

pub use analysis::{AnalysisRequest, FileAnalysis, analyze_file};
pub use arguments::ArgumentTexts;
pub(crate) use arguments::value_text;
pub use claims::{JudgedClaim, judge_claims};
pub use counted_sweep::{CountRequest, CountedRow, CountedSweep, Sort, count_models};
#[cfg(feature = "data")]
pub use data::{DataRequest, ResolvedData, resolve_data};
#[cfg(feature = "data")]
pub use data_blocks::{DataBlock, data_blocks};
pub use difference::{Change, Group, ModelDifference};
pub use entry::{Entry, build, freeze, macs_by};
pub use exploration::{Exploration, HoleFit, SweepCounts, SweepPoint};
pub use failure::{Failure, Report};
pub use finding::{Finding, Fix, Place};
pub use fitting::{FitRequest, FittedModel, fit_model};
pub use fix::{FixedFile, fix_file};
pub use levels::LintLevels;
pub(crate) use levels::{lint_name, lint_or_all};
pub use memory::{EntryMemory, MemoryRequest};
pub use models::{build_models, build_one};
pub use open::{ModelFile, open};
pub use pair::{ComparedAt, ComparedModel, compared};
#[cfg(feature = "data")]
pub use resume::resume;
#[cfg(feature = "data")]
pub use run::{ResolvedRun, RunRequest, is_settings, reopen, resolve_run};
pub use run_size::RunSize;
pub use selection::{Selected, Selection, Size, parse_size, select};
pub(crate) use sweep_columns::{cells, settings};
pub use workbench::Workbench;
