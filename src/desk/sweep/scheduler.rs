//! Writes the runs of a sweep as commands for others to start: as lines of a shell script, or as a Slurm array job.

use super::plan::{PlannedRun, SweepPlan};
use super::processes::npc_program;
use crate::base::atomic::write_named_file;
use crate::base::count::counted;
use crate::base::error::RunError;
use crate::base::input_files::check_replaces_own;
use crate::base::path::absolute;
use crate::base::problem::problem;
use crate::base::shell::quoted;
use crate::desk::error::WorkbenchError;
use std::fmt::Write;
use std::path::Path;

/// Returns one line for each run that trains and scores it, for any POSIX shell. A line may be started again at any time.
///
/// Errors: the operating system does not give the path of the running program, or a path or a value holds a control character,
/// with which a command would not be one line.
pub fn shell_lines(plan: &SweepPlan) -> Result<Vec<String>, WorkbenchError> {
    let npc = npc_program()?;
    let npc = quoted(&npc.display().to_string());
    let line = |run: &PlannedRun| {
        let train: Vec<String> = run.train.iter().map(|a| quoted(a)).collect();
        format!(
            "{npc} {} && {npc} eval {}",
            train.join(" "),
            quoted(&absolute(run.folder.root()).display().to_string())
        )
    };
    let lines: Vec<String> = plan.points.iter().flat_map(|p| &p.runs).map(line).collect();
    match lines.iter().find(|line| line.contains(char::is_control)) {
        None => Ok(lines),
        Some(line) => Err(WorkbenchError::request(problem!(
            E0503,
            "a command holds a control character, so it would not be one line: {}",
            line.escape_debug();
            help: "rename the file or folder, or set the value without it"
        ))),
    }
}

/// The line by which a script is known again.
const WRITTEN: &str = "# Written by npc sweep --slurm; it may be replaced by the same command.";

/// Returns a script for `sbatch` with one array task for each run. A requeued task resumes the run in its folder.
fn slurm_script(plan: &SweepPlan, jobs: u16) -> Result<String, WorkbenchError> {
    let lines = shell_lines(plan)?;
    let last = lines.len().saturating_sub(1);
    let most = if jobs > 1 { format!("%{jobs}") } else { String::new() };
    let logs = absolute(&plan.out).join("slurm-%A_%a.txt");
    let mut out = format!(
        "#!/bin/bash\n\
         {WRITTEN}\n\
         # {} of sweep {} with the settings of {}. Time, memory, partition and processors are for you to set.\n\
         #SBATCH --job-name={}\n\
         #SBATCH --array=0-{last}{most}\n\
         #SBATCH --requeue\n\
         #SBATCH --open-mode=append\n\
         #SBATCH --output={}\n\n\
         export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK:-1}}\"\n\
         case \"$SLURM_ARRAY_TASK_ID\" in\n",
        counted(lines.len(), "run"),
        plan.sweep,
        plan.run,
        plan.sweep,
        quoted(&logs.display().to_string())
    );
    for (i, line) in lines.iter().enumerate() {
        let _ = writeln!(out, "{i}) {line} ;;");
    }
    out.push_str("*) echo \"no run $SLURM_ARRAY_TASK_ID\" >&2; exit 2 ;;\nesac\n");
    Ok(out)
}

/// Writes a script for `sbatch` to `path`, with one array task for each run and at most `jobs` at once, and creates the folder
/// for its logs, which Slurm does not create. With `jobs` of 0 or 1, the script sets no limit.
///
/// Errors: those of [`shell_lines`], a file of this name that is no such script (E0702), and a folder or script that cannot be written.
pub fn write_slurm(plan: &SweepPlan, jobs: u16, path: &Path) -> Result<(), WorkbenchError> {
    check_script(path)?;
    std::fs::create_dir_all(&plan.out).map_err(|e| RunError::create_dir(&plan.out, e))?;
    Ok(write_named_file(path, slurm_script(plan, jobs)?.as_bytes())?)
}

/// Checks that a script replaces no file but an earlier script.
fn check_script(path: &Path) -> Result<(), RunError> {
    check_replaces_own(path, "the script", |text| text.lines().any(|line| line == WRITTEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_replaces_scripts_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.sh");
        check_script(&path).unwrap();
        for (text, is_own) in [(format!("#!/bin/bash\n{WRITTEN}\n"), true), ("#!/bin/bash\nmine\n".into(), false)] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(check_script(&path).is_ok(), is_own, "{text}");
        }
    }
}
