//! The ending of a file names its format; what a command cannot write is refused before anything is computed.

use crate::support::program::{ProgramOutput, npc};
use std::fs;
use tempfile::{TempDir, tempdir};

const NET: &str = "npc 1

model Net(x: [3, H, W], width: int = 4) -> [2, H, W] = x |> conv(width) |> conv(2)

data cells {
  source = phantoms(count = 8)
  size = [32, 32]
  classes = [\"background\", \"cell\"]
  labels = [0, 255]
  empty = one
}

train fit = Net on cells {
  epochs = 1
}

sweep all = Net(width = 4 | 8 | 16)
";

fn project() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("net.model"), NET).unwrap();
    folder
}

/// Checks that the command ends with this code, that its message has these parts, and that it wrote nothing.
#[track_caller]
fn refused(args: &[&str], code: i32, parts: &[&str]) {
    let folder = project();
    let ProgramOutput { code: ended, stdout, stderr } = npc(folder.path(), args);
    assert_eq!((ended, stdout.as_str()), (code, ""), "{args:?}: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{args:?} lacks {part}: {stderr}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{args:?} wrote a file");
}

#[test]
fn a_graph_has_the_format_of_its_ending() {
    let starts = [
        ("a.svg", "<svg "),
        ("b.HTML", "<!DOCTYPE html>"),
        ("c.dot", "digraph "),
        ("c2.gv", "digraph "),
        ("d.mmd", "flowchart "),
        ("e.json", "{\n  \"schema\""),
        ("f.txt", "graph Net"),
        ("g", "graph Net"),
    ];
    let folder = project();
    let graph = |args: &[&str]| {
        let output = npc(folder.path(), &[&["graph", "net.model", "--on", "cells"], args].concat());
        assert!(output.code == 0 && output.stdout.is_empty(), "{args:?}: {}{}", output.stdout, output.stderr);
    };
    let text = npc(folder.path(), &["graph", "net.model", "--on", "cells"]).stdout;
    for (name, start) in starts {
        graph(&["--out", name]);
        let written = fs::read_to_string(folder.path().join(name)).unwrap();
        let start = if start == "graph Net" { &text } else { start };
        assert!(written.to_lowercase().starts_with(&start.to_lowercase()), "{name}: {}", &written[..60]);
    }
    // `--format` decides where the ending says nothing else.
    graph(&["--format", "svg", "--out", "x"]);
    graph(&["--format", "svg", "--out", "y.svg"]);
    graph(&["--format", "text", "--out", "z.snap"]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("x").starts_with("<svg ") && read("x") == read("y.svg") && read("z.snap") == text);
    graph(&["--depth", "1", "--out", "w.svg"]);
    graph(&["--theme", "dark", "--out", "dark.svg"]);
    graph(&["--direction", "right", "--out", "right.mmd"]);
    graph(&["--direction", "right", "--out", "right.dot"]);
    assert!(read("right.mmd").starts_with("flowchart LR\n") && read("right.dot").contains("rankdir=LR;"));
    assert!(!read("c.dot").contains("rankdir"));
    assert!(read("w.svg").contains("prefers-color-scheme") && !read("dark.svg").contains("prefers-color-scheme"));
}

/// A picture in pixels has two of them for each unit, and paper of its theme.
#[cfg(feature = "data")]
#[test]
fn graphs_are_drawn_in_pixels() {
    let folder = project();
    let draw = |args: &[&str], name: &str| {
        let output = npc(folder.path(), &[&["graph", "net.model", "--on", "cells", "--out", name], args].concat());
        assert_eq!(output.code, 0, "{}", output.stderr);
        image::open(folder.path().join(name)).unwrap().into_rgb8()
    };
    let svg = npc(folder.path(), &["graph", "net.model", "--on", "cells", "--format", "svg"]).stdout;
    let side = |key: &str| -> u32 {
        let from = svg.find(&format!(" {key}=\"")).unwrap() + key.len() + 3;
        svg[from..].split('"').next().unwrap().parse().unwrap()
    };
    let light = draw(&[], "a.png");
    assert_eq!(light.dimensions(), (2 * side("width"), 2 * side("height")));
    assert_eq!(light.get_pixel(2, 2).0, [255; 3]);
    assert!(light.pixels().filter(|p| p.0.iter().all(|v| *v < 60)).count() > 500, "letters are dark");
    assert_eq!(draw(&["--theme", "light"], "b.png"), light);
    assert_eq!(draw(&["--theme", "dark"], "c.png").get_pixel(2, 2).0, [0x0f, 0x15, 0x1d]);
    refused(&["graph", "net.model", "--on", "cells", "--format", "png"], 2, &["written into a file", "--out FILE.png"]);
}

#[test]
fn endings_of_other_formats_are_refused() {
    let graph = |args: &[&'static str]| [&["graph", "net.model", "--on", "cells"], args].concat();
    let endings = "end the name with .svg, .png, .html, .dot, .mmd, .json, .txt";
    refused(&graph(&["--out", "g.jpg"]), 2, &["g.jpg: ", "does not write files of the format `.jpg`", endings]);
    refused(&graph(&["--format", "dot", "--direction", "u"]), 2, &["dot has no --direction u", "--format svg or html"]);
    refused(
        &graph(&["--format", "svg", "--direction", "right"]),
        2,
        &["svg has no --direction right", "mermaid or dot"],
    );
    refused(&graph(&["--direction", "down"]), 2, &["text has no --direction down"]);
    refused(&graph(&["--format", "json", "--theme", "dark"]), 2, &["--theme is for pictures"]);
    refused(&graph(&["--out", "g.PDF", "--format", "svg"]), 2, &["`.pdf`", endings]);
    refused(&graph(&["--out", "g.snap"]), 2, &["`.snap`", "or name the format: `--format text`"]);
    let both = "the ending of the file names html, and `--format` names svg";
    refused(&graph(&["--out", "g.html", "--format", "svg"]), 2, &[both, "leave out `--format svg`"]);
    refused(&graph(&["--out", "g.txt", "--depth", "1"]), 2, &["are for pictures"]);
    let plot = ["sweep", "net.model", "all", "--static", "--plot", "p.pdf"];
    refused(&plot, 2, &["p.pdf: ", "`.pdf`", "end the name with .svg"]);
    if cfg!(feature = "data") {
        refused(&["report", "runs/a", "--out", "r.pdf"], 2, &["r.pdf: ", "`.pdf`", "end the name with .html"]);
        refused(&["data", "show", "net.model", "cells", "--out", "s.jpg"], 2, &["`.jpg`", "end the name with .png"]);
    }
}

#[test]
fn options_of_counted_sweeps_are_refused_without_static() {
    let sweep = |args: &[&'static str]| [&["sweep", "net.model", "all"], args].concat();
    let one = "`--top` is for `--static`, which counts models without training them";
    refused(&sweep(&["--top", "2"]), 2, &[one, "add `--static`", "or leave out `--top`"]);
    let all = ["--size", "8x8", "--keep", "macs < 1G", "--sort", "macs", "--axes", "macs,field"];
    let names = "`--size`, `--keep`, `--sort`, `--axes`, `--batch` are for `--static`";
    refused(&sweep(&[&all[..], &["--batch", "2"]].concat()), 2, &[names]);
    if cfg!(feature = "run") {
        refused(&sweep(&["--run", "fit", "--top", "1"]), 2, &["`--top` is for `--static`"]);
        refused(&sweep(&["--static", "--cost", "macs", "--plot", "p.svg"]), 2, &["--cost"]);
    }
    let folder = project();
    let output = npc(folder.path(), &sweep(&["--static", "--top", "2", "--sort", "macs", "--plot", "p.svg"]));
    assert!(output.code == 0 && folder.path().join("p.svg").exists(), "{}", output.stderr);
    let output = npc(folder.path(), &sweep(&["--static", "--plot", "p.png"]));
    let picture = fs::read(folder.path().join("p.png")).unwrap_or_default();
    // A build without pictures knows no other ending than .svg.
    assert_eq!(
        (output.code, picture.starts_with(b"\x89PNG")),
        if cfg!(feature = "data") { (0, true) } else { (2, false) }
    );
}
