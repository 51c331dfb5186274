//! Settings that are changed on the command line: what is misspelt or misplaced, and what a change takes away.

use crate::support::program::npc;
use crate::support::run_settings::SETTINGS;
use npc::desk::{RunRequest, keep_epochs, resolve_run, resume};
use npc::internals::learn::run_folder::RunFolder;
use npc::text::files::Disk;
use std::path::Path;
use tempfile::{TempDir, tempdir};

const NET: &str = "npc 1

enum Attention { none, se }

model Net(x: [1, H, W], classes: int = 2, width: int[] = [4, 8], attention: Attention = none) -> [classes, H, W] {
  let y = x |> conv(width[0])
  return match attention { none => y, se => y |> relu } |> conv(classes)
}

variant Wide = Net(attention = se)

data d {
  images = \"i/*.png\"
  masks = \"m/*.png\"
  size = [8, 8]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  empty = one
  split = random(val = 0.1, test = 0.2, seed = 0, group = \"{group}_z*\")
}

train t = Net on d { epochs = 10 }
";

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("net.model"), NET).unwrap();
    folder
}

/// The error of a change of settings.
fn error(folder: &Path, changes: &[&str]) -> String {
    let output = npc(folder, &[&["data", "show", "net.model", "--run", "t", "--out", "a.png"], changes].concat());
    assert_ne!(output.code, 0, "{}", output.stdout);
    output.stderr
}

#[test]
fn misspelt_and_misplaced_settings_name_the_right_one() {
    let folder = folder();
    let of = |change: &str| error(folder.path(), &["--set", change]);
    let optimizer = of("optim=sgd");
    assert!(optimizer.contains("no key `optim`") && optimizer.contains("did you mean `optimizer`?"), "{optimizer}");
    for changes in [&["--set", "width=[3]"][..], &["--model", "Wide", "--set", "width=[3]"]] {
        let width = error(folder.path(), changes);
        if changes.len() == 2 {
            assert!(width.contains("`width` is a hyper-parameter of the model"), "{width}");
            assert!(width.contains("`--set model.width=VALUE`"), "{width}");
        }
    }
    let nothing = of("nothing=3");
    assert!(nothing.contains("no key `nothing`") && !nothing.contains("hyper-parameter"), "{nothing}");
    let attention = of("model.attention=true");
    assert!(attention.contains("--set model.attention:1:1") && !attention.contains("--with:"), "{attention}");
    let with = error(folder.path(), &["--with", "attention=true"]);
    assert!(with.contains("--with attention:1:1"), "{with}");
}

/// `npc sweep` takes `--set` as `npc train` does.
#[test]
fn an_option_that_is_a_setting_names_set() {
    let folder = folder();
    let output = npc(folder.path(), &["sweep", "net.model", "s", "--epochs", "3"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("`epochs` is a setting of the run: `--set epochs=3`"), "{}", output.stderr);
}

#[test]
fn a_run_folder_as_a_model_names_the_model_in_it() {
    let folder = folder();
    std::fs::create_dir_all(folder.path().join("runs/a")).unwrap();
    std::fs::write(folder.path().join("runs/a/model.model"), NET).unwrap();
    let output = npc(folder.path(), &["graph", "runs/a"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("its network is `runs/a/model.model`"), "{}", output.stderr);
    let output = npc(folder.path(), &["graph", "runs"]);
    assert!(!output.stderr.contains("its network is"), "{}", output.stderr);
}

fn request<'a>(file: &'a Path, set: &'a [String]) -> RunRequest<'a> {
    RunRequest { file, run: Some("t"), model: None, set, with: &[], data_root: None, device: None }
}

/// A split of the command line without the groups of the file's split is data leakage.
#[test]
fn a_split_without_the_groups_of_the_file_is_told() {
    let folder = folder();
    let file = folder.path().join("net.model");
    let of = |change: &str| resolve_run(&Disk, &request(&file, &[change.to_string()])).unwrap().warnings;
    let [warning] = &of("data.split=kfold(k = 5, fold = 1, val = 0.1)")[..] else { panic!("one warning") };
    assert!(warning.contains("drops `group = \"{group}_z*\"`"), "{warning}");
    let whole = "--set data.split='kfold(k = 5, fold = 1, val = 0.1, seed = 0, group = \"{group}_z*\")'";
    assert!(warning.contains(whole), "{warning}");
    assert_eq!(of("data.split=kfold(k = 5, fold = 1, group = \"{group}_*\")"), [""; 0]);
    assert_eq!(of("epochs=3"), [""; 0]);
}

/// The run folder of 3 epochs, whose model file says 10.
#[test]
fn a_run_goes_on_with_its_own_epochs() {
    let folder = folder();
    let file = folder.path().join("net.model");
    let run_folder = RunFolder::new(folder.path().join("r"));
    std::fs::create_dir(run_folder.root()).unwrap();
    std::fs::write(run_folder.settings(), SETTINGS).unwrap();
    let epochs = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        let mut run = resolve_run(&Disk, &request(&file, &set)).unwrap();
        let note = keep_epochs(&mut run, &run_folder, &set);
        (run.settings.train.epochs, note)
    };
    let (kept, note) = epochs(&["batch=2"]);
    let note = note.unwrap();
    assert!(kept == 3 && note.contains("is of 3 epochs, and the model file says 10"), "{note}");
    assert!(note.contains("`--set epochs=10`"), "{note}");
    assert_eq!(epochs(&["batch=2,epochs=5"]), (5, None));
    assert_eq!(epochs(&["batch=2", "train.epochs = 6"]), (6, None));
}

/// A hyper-parameter in another spelling is the same value, and another value another run.
#[test]
fn hyper_parameters_are_compared_by_value() {
    let folder = folder();
    let file = folder.path().join("net.model");
    let run_folder = RunFolder::new(folder.path().join("r"));
    let of = |change: &str| resolve_run(&Disk, &request(&file, &[change.to_string()])).unwrap();
    let first = of("model.width=[4,8,16]");
    std::fs::create_dir(run_folder.root()).unwrap();
    run_folder.begin(NET, &[], &first.settings).unwrap();
    resume(&mut of("model.width=[4, 8,  16]"), &run_folder).unwrap();
    let Err(error) = resume(&mut of("model.width=[4, 8]"), &run_folder) else { panic!("another width") };
    assert!(format!("{error:?}").contains("args.width"), "{error:?}");
}
