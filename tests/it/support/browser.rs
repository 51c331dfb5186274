//! Pages in a real browser, if one is installed.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::tempdir;

/// Finds Chromium or Chrome; `NPC_BROWSER` names another binary.
pub fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("NPC_BROWSER").map(PathBuf::from);
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|p| p.is_file());
    named.or(found)
}

/// Returns the command that opens a page with a profile of its own, at a width, in light or dark.
pub fn browser_command(browser: &Path, page: &Path, profile: &Path, width: u32, dark: bool) -> Command {
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.arg(format!("--window-size={width},1200"));
    if dark {
        command.arg("--force-dark-mode");
    }
    command.arg(format!("file://{}", page.display()));
    command
}

/// Returns the contents of `<pre id="measured">`, which a script of the page writes, as JSON.
pub fn measured(browser: &Path, page: &Path, width: u32, dark: bool) -> Value {
    let profile = tempdir().unwrap();
    let output = browser_command(browser, page, profile.path(), width, dark).arg("--dump-dom").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let dom = String::from_utf8(output.stdout).unwrap();
    let (_, found) = dom.split_once("<pre id=\"measured\">").expect("the page was measured");
    let found = found.split("</pre>").next().unwrap().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&found).unwrap()
}
