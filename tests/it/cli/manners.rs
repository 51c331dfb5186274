//! What every command shares: global options, both spellings of hyper-parameters, and help that wraps once.

use crate::support::program::{ProgramOutput, npc, npc_with};
use std::fs;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// A model with a warning (W0404), two data blocks, a run, and claims of all kinds.
const NET: &str = "npc 1

enum Act { relu, gelu }

model Net(x: [1, H, W], classes: int = 2, act: Act = relu) -> [classes, H, W] {
  return x |> conv(4, k = 3, dilation = 30) |> match act { relu => relu, gelu => gelu } |> conv(classes, k = 1)
}

data small {
  source = phantoms(count = 8)
  size = [32, 32]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  empty = one
}

data large {
  source = phantoms(count = 8)
  size = [64, 64]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  empty = one
}

train net_small = Net on small { epochs = 1  batch = 2  optimizer = adam(lr = 1e-3) }

expect Net on small {
  params ~= 50
  dice ~= 0.9
  iou ~= 0.8
}

expect Net on large {
  params ~= 50
}
";

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("net.model"), NET).unwrap();
    fs::write(folder.path().join("wrong.model"), NET.replace("conv(4,", "convv(4,")).unwrap();
    folder
}

fn run(args: &[&str]) -> ProgramOutput {
    npc(folder().path(), args)
}

#[test]
fn quiet_leaves_the_result_and_the_errors() {
    for args in [&["check", "net.model"][..], &["check", "net.model", "--format", "json"], &["graph", "net.model"]] {
        let plain = run(args);
        for option in ["--quiet", "-q"] {
            for quiet in [run(&[args, &[option]].concat()), run(&[&[option], args].concat())] {
                assert_eq!((quiet.code, quiet.stderr.as_str()), (plain.code, ""), "{args:?}");
                assert_eq!(quiet.stdout, plain.stdout, "{args:?}");
            }
        }
    }
    assert!(run(&["check", "net.model"]).stderr.contains("W0404"));
    for format in ["text", "json"] {
        let args = ["check", "wrong.model", "--message-format", format];
        let (plain, quiet) = (run(&args), run(&[&args[..], &["--quiet"]].concat()));
        assert_eq!((plain.code, quiet.code), (1, 1));
        assert!(quiet.stderr.contains("convv") && quiet.stderr.contains("E0201"), "{}", quiet.stderr);
    }
    let both = run(&["check", "net.model", "--quiet", "--verbose"]);
    assert_eq!(both.code, 2, "{}", both.stdout);
}

#[test]
fn verbose_names_files_and_times_on_standard_error() {
    let folder = folder();
    fs::write(folder.path().join("top.model"), "npc 1\n\nimport \"net.model\"\n\nvariant Other = Net(act = gelu)\n")
        .unwrap();
    let plain = npc(folder.path(), &["check", "top.model", "--size", "32x32"]);
    for option in ["--verbose", "-v"] {
        let said = npc(folder.path(), &["check", "top.model", "--size", "32x32", option]);
        assert_eq!((said.code, &said.stdout), (plain.code, &plain.stdout));
        for words in ["read     top.model\n", "read     net.model\n", "time     "] {
            assert!(said.stderr.contains(words), "`{words}` is not in: {}", said.stderr);
        }
        assert_eq!(said.stderr.matches("read     net.model").count(), 1, "{}", said.stderr);
    }
    // Lines of JSON stay alone.
    let json = npc(folder.path(), &["check", "top.model", "--size", "32x32", "-v", "--message-format", "json"]);
    assert!(json.stderr.lines().all(|line| line.starts_with('{')), "{}", json.stderr);
}

#[test]
fn colours_follow_the_option_and_the_variables() {
    let folder = folder();
    let coloured = |args: &[&str], variables: &[(&str, &str)]| {
        let all = [&["check", "wrong.model"], args].concat();
        npc_with(folder.path(), &all, variables).stderr.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "standard error is a file");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&["--color=always"], &[("NO_COLOR", "1")]), "the option comes first");
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "0")]), "0 forces nothing");
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    let help = |variables: &[(&str, &str)]| npc_with(folder.path(), &["--help"], variables).stdout.contains('\u{1b}');
    assert!(help(&[("CLICOLOR_FORCE", "1")]) && !help(&[("CLICOLOR_FORCE", "0")]), "the help as well");
    assert!(coloured(&["--color", "auto"], &[("CLICOLOR_FORCE", "1")]));
    // Messages of the parser are coloured in the same way.
    let parser = |color: &str| npc_with(folder.path(), &["check", "--nothing", "--color", color], &[]);
    assert!(parser("always").stderr.contains('\u{1b}'));
    assert!(!parser("never").stderr.contains('\u{1b}'));
    let wrong = run(&["check", "net.model", "--color", "green"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("[possible values: auto, always, never]"), "{}", wrong.stderr);
}

/// The commands of `npc --help`, each with the commands below it.
fn commands() -> Vec<Vec<String>> {
    let below = |prefix: &[String]| -> Vec<Vec<String>> {
        let args: Vec<&str> = prefix.iter().map(String::as_str).chain(["--help"]).collect();
        let help = npc(Path::new("."), &args).stdout;
        let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        names.map(|name| [prefix, &[name.to_string()]].concat()).collect()
    };
    let top = below(&[]);
    assert!(top.len() >= 10);
    let inner: Vec<Vec<String>> = top.iter().flat_map(|command| below(command)).collect();
    [vec![Vec::new()], top, inner].concat()
}

/// Lines of prose that a terminal of this width would have wrapped later: the first word of the next line fits behind them.
fn wrapped_early(help: &str, width: usize) -> Vec<String> {
    let prose = |line: &str| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
    let lines: Vec<&str> = help.lines().collect();
    let early = lines.windows(2).filter(|pair| {
        let word = pair[1].split(' ').next().unwrap_or_default();
        prose(pair[0]) && prose(pair[1]) && pair[0].chars().count() + 1 + word.chars().count() <= width
    });
    early.map(|pair| pair.join(" | ")).collect()
}

#[test]
fn help_wraps_once_at_the_width_of_the_terminal() {
    for command in commands() {
        for width in [80, 120] {
            let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
            let help = npc_with(Path::new("."), &args, &[("COLUMNS", &width.to_string())]).stdout;
            let long: Vec<&str> = help.lines().filter(|line| line.chars().count() > width).collect();
            assert!(long.is_empty(), "npc {command:?} at {width}: {long:#?}");
            let early = wrapped_early(&help, width);
            assert!(early.is_empty(), "npc {command:?} at {width} wraps twice: {early:#?}");
            for option in ["-q, --quiet", "-v, --verbose", "--color <WHEN>", "--message-format <FORMAT>"] {
                assert!(help.contains(option), "npc {command:?} has no {option}: {help}");
            }
        }
    }
    assert_eq!(wrapped_early("A first line\nand a second.", 80), ["A first line | and a second."]);
}

#[test]
fn claims_that_can_be_judged_are_listed_and_the_rest_is_one_line() {
    let said = run(&["check", "net.model"]).stdout;
    assert_eq!(said.matches("holds").count(), 2, "{said}");
    assert!(!said.contains("only training can tell"), "{said}");
    assert!(said.contains("2 more claims need training; --claims lists all\n"), "{said}");
    let all = run(&["check", "net.model", "--claims"]).stdout;
    assert_eq!((all.matches("holds").count(), all.matches("only training can tell").count()), (2, 2), "{all}");
    let one = run(&["check", "net.model", "--on", "large"]).stdout;
    assert_eq!(one.matches("holds").count(), 1, "{one}");
    assert!(one.contains("3 more claims are about other data or sizes; --claims lists all\n"), "{one}");
    let size = run(&["check", "net.model", "--size", "32x32"]).stdout;
    assert!(size.contains("3 more claims: 2 for training to judge, 1 about other data or sizes;"), "{size}");
    // After an error the claims do not come first; the document keeps all of them.
    let broken = NET.replace("params ~= 50\n}", "params ~= 60\n}");
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("net.model"), broken).unwrap();
    let failed = npc(folder.path(), &["check", "net.model"]);
    assert_eq!(failed.code, 1);
    assert!(!failed.stdout.contains("holds"), "{}", failed.stdout);
    assert!(failed.stdout.contains("3 claims; --claims lists all\n"), "{}", failed.stdout);
    let document = npc(folder.path(), &["check", "net.model", "--format", "json"]).stdout;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["claims"].as_array().unwrap().len(), 3);
}

#[test]
fn hyper_parameters_have_two_spellings() {
    for command in [&["check", "net.model"][..], &["graph", "net.model"], &["check", "net.model:Net"]] {
        let [with, set] = [["--with", "act=gelu,classes=3"], ["--set", "model.act=gelu,model.classes=3"]]
            .map(|option| run(&[command, &["--size", "32x32"], &option].concat()));
        assert_eq!((with.code, set.code), (0, 0), "{}", set.stderr);
        assert_eq!(with.stdout, set.stdout, "{command:?}");
        let [with, set] = [["--with", "act=gel"], ["--set", "model.act=gel"]]
            .map(|option| run(&[command, &["--size", "32x32"], &option].concat()));
        assert_eq!((with.code, set.code), (2, 2));
        assert_eq!(with.stderr, set.stderr.replace("--set:", "--with:"));
    }
    let run_setting = run(&["check", "net.model", "--set", "epochs=3"]);
    assert_eq!(run_setting.code, 2);
    for words in [
        "`epochs` is a setting of a run, and no run is involved here",
        "`--set model.KEY=VALUE`, or `--with KEY=VALUE`",
    ] {
        assert!(run_setting.stderr.contains(words), "{}", run_setting.stderr);
    }
}

/// Settings of a run that are spelled as other libraries do get the edit that is right.
#[cfg(feature = "data")]
/// A value of the command line is that of all variants, and says nothing of the file.
#[test]
fn values_of_the_command_line_make_no_variant_superfluous() {
    let folder = folder();
    let net = "npc 1\n\nmodel Net(x: [3, H, W], w: int = 8) -> [2, H, W] = x |> conv(w) |> conv(2)\n\n\
               variant Wide = Net(w = 16)\n\nvariant Same = Net(w = 8)\n";
    fs::write(folder.path().join("variants.model"), net).unwrap();
    let check =
        |args: &[&str]| npc(folder.path(), &[&["check", "variants.model", "--size", "16x16"], args].concat()).stderr;
    let written = check(&[]);
    assert!(
        written.contains("W0416") && written.contains("`Same` builds") && !written.contains("`Wide` builds"),
        "{written}"
    );
    for args in [&["--with", "w=16"][..], &["--set", "model.w=16"], &["--with", "w=8", "--model", "Wide"]] {
        assert_eq!(check(args), "", "{args:?}");
    }
}

#[cfg(feature = "data")]
#[test]
fn settings_of_the_wrong_place_get_the_right_one() {
    let said = |set: &str| {
        let args = ["data", "show", "net.model", "--run", "net_small", "--out", "a.png", "--set", set];
        let output = run(&args);
        assert_ne!(output.code, 0, "{set}");
        output.stderr
    };
    for (set, words) in [
        ("size=96x64", "height and width are a list: `data.size=[96,64]`"),
        ("data.size=96x64", "height and width are a list: `data.size=[96,64]`"),
        ("image_size=96x64", "height and width are a list: `data.size=[96,64]`"),
        ("size=[96,64]", "write `data.size=[96,64]`"),
        ("loss=ce+dice", "did you mean `cross_entropy`?"),
        ("loss=bce", "did you mean `cross_entropy`?"),
    ] {
        let stderr = said(set);
        assert!(stderr.contains(words), "{set}: {stderr}");
        assert!(!stderr.contains("dice+dice"), "{set}: {stderr}");
    }
}

#[test]
fn one_more_problem_is_in_the_singular() {
    // More problems than are shown in full.
    let lines = |n: usize| {
        (0..n).map(|i| format!("model M{i}(x: [1, H, W]) -> [1, H, W] = x |> nope{i}q(1)\n")).collect::<String>()
    };
    let folder = tempdir().unwrap();
    let mut rests = Vec::new();
    for n in 1..400 {
        fs::write(folder.path().join("many.model"), format!("npc 1\n\n{}", lines(n))).unwrap();
        let stderr = npc(folder.path(), &["check", "many.model"]).stderr;
        rests.extend(
            stderr.lines().find(|line| line.starts_with("and ") && line.contains("more problem")).map(str::to_string),
        );
        if rests.len() == 2 {
            break;
        }
    }
    assert_eq!(rests, ["and 1 more problem", "and 2 more problems"]);
}

#[cfg(feature = "run")]
#[test]
fn init_is_the_former_name_of_weights() {
    let folder = folder();
    let weights = npc(folder.path(), &["weights", "net.model", "--model", "Net", "--out", "a.safetensors"]);
    assert_eq!((weights.code, weights.stderr.as_str()), (0, ""));
    let init = npc(folder.path(), &["init", "net.model", "--model", "Net", "--out", "b.safetensors"]);
    assert_eq!(init.code, 0);
    assert_eq!(init.stderr, "note: `npc init` is `npc weights` now; `npc new DIR` makes a project\n");
    assert_eq!(
        fs::read(folder.path().join("a.safetensors")).unwrap(),
        fs::read(folder.path().join("b.safetensors")).unwrap()
    );
    let quiet = npc(folder.path(), &["-q", "init", "net.model", "--model", "Net", "--out", "b.safetensors"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    // Who expects a project gets the note as well.
    let project = npc(folder.path(), &["init", "lungs"]);
    assert_eq!(project.code, 2);
    assert!(project.stderr.contains("`npc new DIR` makes a project"), "{}", project.stderr);
    assert!(!npc(folder.path(), &["--help"]).stdout.contains("  init"));
}
