//! Files that are no plain files, and names that steer a terminal: each ends in a message, and nothing waits or is written elsewhere.

use crate::support::data_sets::small_set;
use crate::support::program::npc;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_secs(60);

fn data_block(keys: &str) -> String {
    format!(
        "npc 1\ndata d {{ {keys} size = [8, 8] classes = [\"background\", \"object\"] labels = [0, 255] empty = one }}\n"
    )
}

/// Runs `npc data check` and asserts that it ends soon, with exit code 1 and this text.
#[track_caller]
fn refused(root: &Path, keys: &str, wanted: &str) {
    fs::write(root.join("d.model"), data_block(keys)).unwrap();
    let began = Instant::now();
    let output = npc(root, &["data", "check", "d.model", "d", "--data-root", "."]);
    assert!(began.elapsed() < LONGEST, "{keys}: {:?}", began.elapsed());
    assert!(output.code == 1 && output.stdout.contains(wanted), "{keys}\n{}{}", output.stdout, output.stderr);
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

const FILES: &str = "images = \"images/*\" masks = \"masks/*\"";

#[test]
fn pipes_devices_and_sockets_are_refused_at_once() {
    for name in ["images/a1.png", "masks/a1.png"] {
        let dir = small_set(6);
        let path = dir.path().join(name);
        fs::remove_file(&path).unwrap();
        pipe(&path);
        refused(dir.path(), FILES, "it is not a plain file");
        fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        refused(dir.path(), FILES, "it is not a plain file");
        fs::remove_file(&path).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        refused(dir.path(), FILES, "it is not a plain file");
    }
    let dir = small_set(6);
    pipe(&dir.path().join("list.csv"));
    symlink("/dev/zero", dir.path().join("zero.txt")).unwrap();
    refused(dir.path(), "list = \"list.csv\"", "it is not a plain file");
    let lists = format!("{FILES} split = lists(train = \"zero.txt\", test = \"zero.txt\")");
    refused(dir.path(), &lists, "it is not a plain file");
    for folder in ["images", "masks"] {
        fs::create_dir(dir.path().join("v")).ok();
        pipe(&dir.path().join("v").join(format!("{folder}.nii.gz")));
    }
    refused(dir.path(), "images = \"v/images*.nii.gz\" masks = \"v/masks*.nii.gz\"", "no image file matches");
    pipe(&dir.path().join("v/imagesx.nii.gz"));
    pipe(&dir.path().join("v/masksx.nii.gz"));
    refused(dir.path(), "images = \"v/images*.nii.gz\" masks = \"v/masks*.nii.gz\"", "it is not a plain file");
}

#[test]
fn names_from_files_do_not_steer_the_terminal() {
    let dir = small_set(6);
    let names = [("gpj.\u{202e}png", 0), ("b\u{1b}]0;title\u{7}", 1)];
    for (name, i) in names {
        for folder in ["images", "masks"] {
            let at = |name: &str| dir.path().join(folder).join(format!("{name}.png"));
            fs::rename(at(&format!("a{i}")), at(name)).unwrap();
        }
    }
    let text = data_block(FILES).replace("object", "ob\u{1b}[2Jject\u{202e}");
    fs::write(dir.path().join("d\u{1b}c.model"), text).unwrap();
    let steers = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
    for format in ["text", "json"] {
        let args = ["data", "check", "d\u{1b}c.model", "d", "--data-root", ".", "--format", format];
        let output = npc(dir.path(), &args);
        assert!(!steers(&output.stdout) && !steers(&output.stderr), "{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains("U+001B"), "{}", output.stdout);
        if format == "json" {
            let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
            assert_eq!(
                document["data"][0]["classes"][1]["name"].as_str().or(document["data"][0]["classes"][1].as_str()),
                Some("ob\u{1b}[2Jject\u{202e}")
            );
        }
    }
    let output = npc(dir.path(), &["check", "no\u{1b}[31mfile.model"]);
    assert!(output.code == 1 && !steers(&output.stderr) && output.stderr.contains('\u{241b}'), "{}", output.stderr);
}

#[test]
fn imports_stay_in_the_folder_behind_links_too() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("in")).unwrap();
    fs::write(at("secret.model"), "secret text\n").unwrap();
    symlink("../secret.model", at("in/link.model")).unwrap();
    symlink("..", at("in/up")).unwrap();
    symlink("other.model", at("in/own.model")).unwrap();
    fs::write(at("in/other.model"), "npc 1\nblock b(x: [c, h, w]) = x |> relu\n").unwrap();
    for (name, wanted) in [("link.model", "E0209"), ("up/secret.model", "E0209"), ("own.model", "")] {
        let text = format!("npc 1\nimport \"{name}\"\nmodel M(x: [3, H, W]) -> [2, H, W] = x |> b |> conv(2)\n");
        fs::write(at("in/m.model"), text).unwrap();
        let output = npc(dir.path(), &["check", "in/m.model", "--size", "8x8"]);
        assert!(!output.stderr.contains("secret text"), "{}", output.stderr);
        assert!(output.stderr.contains(wanted) && (output.code == 0) == wanted.is_empty(), "{}", output.stderr);
    }
}

#[test]
fn files_that_the_user_names_are_written_behind_their_links() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("real.model"), "npc 1\nmodel  M(x: [3,H,W]) -> [2,H,W] = x |> conv(2)\n").unwrap();
    fs::set_permissions(at("real.model"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("real.model", at("link.model")).unwrap();
    assert_eq!(npc(dir.path(), &["fmt", "link.model"]).code, 0);
    assert!(fs::symlink_metadata(at("link.model")).unwrap().is_symlink());
    assert!(fs::read_to_string(at("real.model")).unwrap().contains("[3, H, W]"));
    assert_eq!(fs::metadata(at("real.model")).unwrap().permissions().mode() & 0o777, 0o600);
    pipe(&at("pipe.svg"));
    let output = npc(dir.path(), &["graph", "real.model", "--size", "8x8", "--format", "svg", "--out", "pipe.svg"]);
    assert!(output.code == 1 && output.stderr.contains("it is not a plain file"), "{}", output.stderr);
}
