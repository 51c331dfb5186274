//! The program `npc` as a user starts it.

use std::path::Path;
use std::process::Command;

/// The output of a finished program, and its exit code.
pub struct ProgramOutput {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `npc` with these arguments in a folder, without colours.
pub fn npc(folder: &Path, args: &[&str]) -> ProgramOutput {
    npc_with(folder, args, &[("NO_COLOR", "1")])
}

/// Runs `npc` with these arguments and variables in a folder. Variables of the colours and of the terminal come from nowhere else.
pub fn npc_with(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> ProgramOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_npc"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    let output = command.args(args).current_dir(folder).envs(variables.iter().copied()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    ProgramOutput { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}
