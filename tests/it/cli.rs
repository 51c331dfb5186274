//! The program as a user starts it: arguments and files in; text, files and exit codes out.

#[cfg(feature = "data")]
mod data;
mod diagnostics;
mod equal_diff;
mod file_formats;
mod files_of_runs;
mod fix;
mod front_commands;
mod graph;
mod levels;
#[cfg(unix)]
mod malicious_input;
mod manners;
mod model_references;
#[cfg(feature = "data")]
mod new_project;
#[cfg(feature = "data")]
mod new_project_traps;
mod outputs;
#[cfg(feature = "run")]
mod run;
mod shell_files;
mod sweep_static;
