//! The pages show what the program prints, and the data blocks and sweeps of the pages are valid.

use super::docs::{examples, reference};
use crate::support::program::npc;
use crate::support::repository::repository;

/// Returns the console block of a page that begins with this command: its output lines.
fn printed_output<'a>(text: &'a str, command: &str) -> Vec<&'a str> {
    let start = format!("$ {command}");
    let lines = text.lines().skip_while(|line| *line != start).skip(1);
    let printed: Vec<&str> = lines.take_while(|line| *line != "```").collect();
    assert!(!printed.is_empty(), "no page shows `{start}`");
    printed
}

/// Checks that a command prints what a page shows; a line `...` stands for the rest.
#[track_caller]
fn assert_prints(folder: &std::path::Path, args: &[&str], shown: &[&str]) {
    let output = npc(folder, args);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let end = shown.iter().position(|line| *line == "...").unwrap_or(shown.len());
    let printed: Vec<&str> = output.stdout.lines().collect();
    let compared = if end == shown.len() { printed.len() } else { end.min(printed.len()) };
    assert_eq!(printed[..compared].join("\n").trim_end(), shown[..end].join("\n").trim_end());
}

#[test]
fn the_first_file_of_the_reference_prints_what_the_page_shows() {
    let text = reference();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.model"), &examples(&text)[0].1).unwrap();
    let shown = printed_output(&text, "npc check small.model --size 64x64");
    assert_prints(folder.path(), &["check", "small.model", "--size", "64x64"], &shown);
}

#[test]
fn the_first_sweep_prints_what_the_page_shows() {
    let page = std::fs::read_to_string(repository("docs/sweeps.md")).unwrap();
    let shown = printed_output(&page, "npc sweep models/npnet.model ablation --static --on cvc");
    let args = ["sweep", "models/npnet.model", "ablation", "--static", "--on", "cvc"];
    assert_prints(&repository("."), &args, &shown);
}

#[test]
fn a_bound_of_the_page_keeps_as_many_models_as_it_says() {
    let page = std::fs::read_to_string(repository("docs/sweeps.md")).unwrap();
    let (_, code) = examples(&page).into_iter().find(|(_, code)| code.starts_with("sweep affordable")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in ["npnet.model", "data.model"] {
        std::fs::copy(repository("models").join(file), folder.path().join(file)).unwrap();
    }
    let path = folder.path().join("npnet.model");
    let whole = std::fs::read_to_string(&path).unwrap() + "\n" + &code;
    std::fs::write(&path, whole).unwrap();
    let output = npc(folder.path(), &["sweep", "npnet.model", "affordable", "--static", "--size", "288x384"]);
    let first = output.stdout.lines().next().unwrap_or_default();
    let (kept, all) = (first.rsplit(", ").next().unwrap_or_default(), first.contains("10 models"));
    assert!(all && page.contains("At 288x384 this keeps 4 of the 10 models") && kept == "4 kept", "{first}");
}

/// The data blocks that `docs/data.md` shows as indented text are valid, apart from keys that they leave out on purpose.
#[test]
fn data_blocks_of_the_page_are_valid() {
    let page = std::fs::read_to_string(repository("docs/data.md")).unwrap();
    let blocks: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("    data ")).collect();
    assert!(blocks.len() >= 2, "only {} data blocks", blocks.len());
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example.model");
        let net = "model Net(x: [3, H, W]) -> [2, H, W] = x |> conv(2)";
        let name = block.split_whitespace().next().unwrap_or_default();
        let text = format!("npc 1\n\n{net}\n\ndata {block}\n\ntrain t = Net on {name} {{ epochs = 1 }}\n");
        std::fs::write(&path, text).unwrap();
        let output = npc(folder.path(), &["check", "example.model"]);
        assert_eq!(output.code, 0, "data {block}\n{}", output.stderr);
    }
}
