//! The workbench: functions that turn files and requests into values with all their problems.
//!
//! Every front end is built on it: the command line, and tools that edit, check or draw models. It prints nothing and does
//! not depend on options or exit codes. It reads model files through [`Files`](crate::text::files::Files), so that texts in
//! memory can replace files on disk. Functions that cannot return a value return a [`WorkbenchError`] with the problems and their
//! source texts.
//!
//! - [`Workbench`]: files, some replaced by texts in memory; [`Workbench::analyze`] analyses one of them completely.
//! - [`analyze_file`]: the same for other implementations of `Files`.
//! - [`select`] and [`build`]: models of a file by name, hyper-parameters and size.
//! - [`compared`]: two models, from two files or from two revisions of one file.
//! - `sweep` (feature `data`): the runs of a sweep, planned and started.
//! - `resolve_run`, `reopen` (feature `data`): a run of a file, or of a run folder, with all its settings.

mod analysis;
mod arguments;
mod build;
mod check_document;
mod check_tables;
mod claim_list;
mod claims;
mod command_inputs;
mod compared;
mod config_problems;
mod counted_chart;
mod counted_sweep;
#[cfg(feature = "data")]
mod cuda_kernels;
#[cfg(feature = "data")]
mod data_blocks;
mod defaults;
mod difference_text;
mod equality_text;
mod error;
mod exploration;
mod exploration_text;
mod fit_text;
mod fitted_model;
mod fixed_file;
mod image_size;
#[doc(hidden)]
pub mod internals;
mod lint_levels;
mod located;
mod memory;
mod memory_settings;
mod memory_text;
mod model_difference;
mod model_entry;
mod model_file;
mod model_reference;
#[cfg(feature = "data")]
mod project;
#[cfg(feature = "data")]
mod resolved_data;
#[cfg(feature = "data")]
mod resolved_run;
#[cfg(feature = "data")]
mod resume;
mod revision;
#[cfg(feature = "run")]
pub mod runs;
mod selection;
mod setting_tip;
mod size_suggestions;
mod size_text;
#[cfg(feature = "data")]
pub mod sweep;
mod sweep_axes;
mod workbench;

pub use analysis::{AnalysisRequest, FileAnalysis, analyze_file};
pub use arguments::ArgumentTexts;
pub use build::{build_models, build_one};
pub(crate) use check_document::check_document;
pub(crate) use check_tables::{claims_text, data_table, overview_table};
pub(crate) use claim_list::{ClaimChoice, ClaimList};
pub use claims::{JudgedClaim, judge_claims};
pub(crate) use command_inputs::check_outputs_of_model;
#[cfg(feature = "data")]
pub(crate) use command_inputs::{check_folders_of_run, check_outputs_of_runs, check_report};
#[cfg(feature = "run")]
pub(crate) use command_inputs::{check_output_of_weights, check_outputs_of_sweep};
pub use compared::{ComparedAt, ComparedModel, compared};
pub(crate) use counted_chart::counted_chart;
pub use counted_sweep::{CountRequest, CountedFunction, CountedSweep, ModelOrder, count_models};
#[cfg(feature = "data")]
pub use cuda_kernels::{CudaKernels, CudaRequest, cuda_kernels};
#[cfg(feature = "data")]
pub use data_blocks::{DataBlock, data_blocks};
pub(crate) use difference_text::DifferenceView;
pub(crate) use equality_text::{comparison_json, comparison_text};
pub use error::{ProblemReport, WorkbenchError};
pub use exploration::{Exploration, HoleFit, SweepCounts, SweepPoint};
pub(crate) use exploration_text::exploration_text;
pub(crate) use fit_text::{fit_json, fit_text};
pub use fitted_model::{FitRequest, FittedModel, fit_model};
pub use fixed_file::{FixedFile, fix_file};
pub use image_size::{ImageSize, parse_size};
pub use lint_levels::LintLevels;
pub(crate) use lint_levels::{lint_name, lint_or_all};
pub use located::{Fix, LocatedDiagnostic, TextRange};
pub use memory::{EntryMemory, MemoryRequest};
pub use memory_settings::MemorySettings;
pub(crate) use memory_text::memory_text;
pub use model_difference::{ModelDifference, NodeChange, NodeGroup};
pub use model_entry::{ModelEntry, build, freeze, macs_by};
pub use model_file::{ModelFile, open};
pub use model_reference::{NamedModel, named_model};
#[cfg(feature = "data")]
pub(crate) use project::{NewProject, ProjectRequest, new_project};
#[cfg(feature = "data")]
pub use resolved_data::{DataRequest, ResolvedData, resolve_data};
#[cfg(feature = "data")]
pub use resolved_run::{ResolvedRun, RunRequest, is_settings, reopen, resolve_run};
#[cfg(feature = "data")]
pub use resume::{keep_epochs, resume};
pub use selection::{SelectedModel, Selection, select};
pub(crate) use setting_tip::setting_tip;
pub(crate) use size_text::{contract_text, formulas_text};
pub(crate) use sweep_axes::{cells, settings};
pub use workbench::Workbench;
