//! The program `npc` as a user starts it.

use std::path::Path;
use std::process::Command;

/// The output of a finished program, and its exit code.
pub struct ProgramOutput {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `npc` with these arguments in a folder.
pub fn npc(folder: &Path, args: &[&str]) -> ProgramOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_npc"));
    let output = command.args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    ProgramOutput { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}
