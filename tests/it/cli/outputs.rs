//! A file that a command writes is none of the files that it reads or that its model file names.

#[cfg(feature = "data")]
use crate::support::data_sets::grey;
use crate::support::program::npc;
use std::fs;
use std::path::Path;
use tempfile::{TempDir, tempdir};

const MODEL: &str = "npc 1

import \"part.model\"

data small {
  images = \"i/*.png\"
  masks = \"m/*.png\"
  size = [16, 16]
  classes = [\"background\", \"object\"]
  labels = [0, 255]
  empty = one
  split = lists(train = \"train.txt\", test = \"masks.txt\")
}

model Net(x: [1, H, W], classes: int = 2, width: int = 4) -> [classes, H, W]
  = x |> layer(width) |> conv(classes, k = 1)

train first = Net on small {
  epochs = 1
  batch = 2
}
";

const PART: &str = "npc 1

block layer(x: [c, h, w], out: int) -> [out, h, w]
  = x |> conv(out) |> relu
";

/// A folder with a model file under several names, its import and its data.
fn project() -> TempDir {
    let dir = tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("net.model"), MODEL).unwrap();
    fs::write(at("net.txt"), MODEL).unwrap();
    fs::write(at("part.model"), PART).unwrap();
    fs::hard_link(at("net.model"), at("twin.svg")).unwrap();
    fs::hard_link(at("part.model"), at("part.svg")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("net.model", at("link.svg")).unwrap();
    for name in ["train.txt", "masks.txt"] {
        fs::write(at(name), format!("{}\n", &name[..1])).unwrap();
    }
    #[cfg(feature = "data")]
    for (name, at_row) in [("t", 3), ("m", 8)] {
        let object = |p: usize| u8::from(p / 16 >= at_row && p / 16 < at_row + 5 && p % 16 > 4);
        let mask: Vec<u8> = (0..256).map(object).collect();
        for folder in ["i", "m"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let image: Vec<u8> = mask.iter().enumerate().map(|(p, m)| 20 + 150 * m + (p % 7) as u8).collect();
        grey(&at(&format!("i/{name}.png")), [16, 16], &image);
        grey(&at(&format!("m/{name}.png")), [16, 16], &mask.iter().map(|m| 255 * m).collect::<Vec<_>>());
    }
    dir
}

/// Runs a command whose output is `file`, which must be refused and stay as it is.
#[track_caller]
fn kept(dir: &Path, file: &str, what: &str, args: &[&str]) {
    let before = fs::read(dir.join(file)).unwrap();
    let output = npc(dir, args);
    assert_eq!(output.code, 1, "{args:?}: {}{}", output.stdout, output.stderr);
    let words = format!("error[E0702]: {file}: this is {what}, and the command would replace it");
    assert!(output.stderr.contains(&words), "`{words}` is not in: {}", output.stderr);
    assert!(output.stderr.contains("help: choose another file or folder"), "{}", output.stderr);
    assert_eq!(fs::read(dir.join(file)).unwrap(), before);
}

#[test]
fn a_picture_of_a_graph_replaces_no_model_file() {
    let dir = project();
    let graph = |file: &str, out: &str, what: &str| {
        kept(dir.path(), out, what, &["graph", file, "--size", "16x16", "--out", out]);
    };
    graph("net.txt", "net.txt", "the model file");
    graph("net.model", "twin.svg", "the model file");
    graph("net.model", "part.svg", "a file that the model file imports");
    #[cfg(unix)]
    graph("net.model", "link.svg", "the model file");
    #[cfg(feature = "data")]
    graph("net.model", "m/t.png", "a mask of a data block");
    #[cfg(feature = "data")]
    graph("net.model", "masks.txt", "a list of a data block");
    // Other files are replaced as before.
    for _ in 0..2 {
        let output = npc(dir.path(), &["graph", "net.model", "--size", "16x16", "--out", "new.svg"]);
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
}

#[test]
fn a_chart_of_a_sweep_replaces_no_model_file() {
    let dir = project();
    let sweep = ["sweep", "net.model", "Net(width = 4 | 8)", "--static", "--size", "16x16", "--plot"];
    kept(dir.path(), "twin.svg", "the model file", &[&sweep[..], &["twin.svg"]].concat());
    kept(dir.path(), "part.svg", "a file that the model file imports", &[&sweep[..], &["part.svg"]].concat());
}

#[cfg(feature = "data")]
#[test]
fn sheets_of_data_replace_no_data() {
    let dir = project();
    let show = |out: &str, what: &str| kept(dir.path(), out, what, &["data", "show", "net.model", "--out", out]);
    show("i/t.png", "an image of a data block");
    show("m/m.png", "a mask of a data block");
    let output = npc(dir.path(), &["data", "show", "net.model", "--out", "sheet.png"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    // `data check` writes a list with this name.
    kept(dir.path(), "masks.txt", "a list of a data block", &["data", "check", "net.model", "--out", "."]);
}

#[cfg(feature = "data")]
#[test]
fn a_folder_of_kernels_replaces_no_model_file() {
    let dir = project();
    let args = ["lower", "net.model", "--size", "16x16", "--cuda", "--kernels", "k"];
    let output = npc(dir.path(), &args);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let kernel = fs::read_dir(dir.path().join("k")).unwrap().flatten().next().unwrap().path();
    fs::remove_file(&kernel).unwrap();
    fs::hard_link(dir.path().join("net.model"), &kernel).unwrap();
    let name = format!("k/{}", kernel.file_name().unwrap().to_str().unwrap());
    kept(dir.path(), &name, "the model file", &args);
}
