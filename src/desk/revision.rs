//! Checks out a model file of an earlier revision of its git repository, with the other model files of that revision.

use super::error::WorkbenchError;
use crate::base::error::RunError;
use crate::base::path::folder_of;
use crate::base::problem::problem;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

/// Files of a revision in a temporary folder, which is removed when this value is dropped.
pub(super) struct Checkout {
    folder: PathBuf,
    /// The requested file.
    pub file: PathBuf,
}

impl Checkout {
    /// Checks out a revision. Errors: git, the repository, the revision or the file does not exist.
    pub(super) fn new(file: &Path, revision: &str) -> Result<Checkout, WorkbenchError> {
        let folder = folder_of(file);
        let name = file
            .file_name()
            .ok_or_else(|| WorkbenchError::request(problem!(E0503, "`{}` is not a file", file.display())))?;
        if revision.starts_with('-') {
            return Err(WorkbenchError::request(problem!(E0503, "`{revision}` is not a git revision")));
        }
        let prefix = PathBuf::from(git_text(folder, &["rev-parse", "--show-prefix"])?.trim_end_matches('\n'));
        let listed = git_text(folder, &["ls-tree", "-r", "-z", "--name-only", "--full-tree", revision])?;
        let wanted = prefix.join(name);
        if !listed.split('\0').any(|path| Path::new(path) == wanted) {
            return Err(problem!(E0701, file, "revision `{revision}` does not contain this file").into());
        }
        let temporary = std::env::temp_dir().join(format!("npc-{}-{:p}", std::process::id(), &listed));
        // The folder must not exist, so that no other user of the machine has put a link there.
        std::fs::create_dir(&temporary).map_err(|e| RunError::create_dir(&temporary, e))?;
        let checkout = Checkout { file: temporary.join(&wanted), folder: temporary };
        let extension = wanted.extension().map(|e| e.to_os_string());
        for path in listed.split('\0').filter(|p| Path::new(p).extension().map(|e| e.to_os_string()) == extension) {
            // Git stores any text as a path, and `/etc/x.model` or `../x.model` would be written there.
            if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
                let shown = path.escape_debug();
                return Err(problem!(
                    E0750,
                    file,
                    "revision `{revision}` holds a path that leads out of it: `{shown}`"
                )
                .into());
            }
            let text = git_bytes(folder, &["cat-file", "blob", &format!("{revision}:{path}")])?;
            let place = checkout.folder.join(path);
            let written = std::fs::create_dir_all(place.parent().unwrap_or(&checkout.folder))
                .and_then(|()| std::fs::write(&place, text));
            written.map_err(|e| RunError::write(&place, e))?;
        }
        Ok(checkout)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // If this fails, the files stay in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Runs git and returns its output as text.
fn git_text(folder: &Path, args: &[&str]) -> Result<String, WorkbenchError> {
    String::from_utf8(git_bytes(folder, args)?)
        .map_err(|_| problem!(E0750, "the output of `git {}` is not UTF-8", args.join(" ")).into())
}

/// Settings that take every way to start a program from the configuration of a repository, which may come from a stranger.
const HARMLESS: [&str; 8] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
    "-c",
    "core.pager=cat",
];

/// Runs git and returns its output. It reads objects that are there, fetches none, and starts no other program.
fn git_bytes(folder: &Path, args: &[&str]) -> Result<Vec<u8>, WorkbenchError> {
    let mut git = Command::new("git");
    git.args(HARMLESS).arg("--no-pager").arg("-C").arg(folder).args(args);
    for (name, value) in [
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_ALLOW_PROTOCOL", ""),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
    ] {
        git.env(name, value);
    }
    let run = git.stdin(Stdio::null()).output();
    let output = run.map_err(|e| problem!(E0750, "git cannot be started: {e}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reason = stderr.trim().trim_start_matches("fatal: ");
        return Err(problem!(E0750, "git failed: {reason}"; help: "the command was `git {}`", args.join(" ")).into());
    }
    Ok(output.stdout)
}
