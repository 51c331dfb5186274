//! `npc completions` and `npc man`: what shells and `man` read names every command that this npc has.

use crate::support::program::npc;
use std::fs;
use std::path::Path;
use tempfile::tempdir;

/// The commands that `npc --help` lists, without `help`.
fn commands() -> Vec<String> {
    let help = npc(Path::new("."), &["--help"]).stdout;
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> = names.filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect();
    let names: Vec<String> = names.into_iter().filter(|name| name != "help").collect();
    assert!(names.len() >= 10 && names.contains(&"check".to_string()), "{help}");
    names
}

#[test]
fn the_script_of_each_shell_names_all_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = npc(Path::new("."), &["completions", shell]);
        assert!(output.code == 0 && output.stderr.is_empty(), "{shell}: {}", output.stderr);
        let words: Vec<&str> = output.stdout.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        for name in commands() {
            assert!(words.contains(&name.as_str()), "{shell} lacks `{name}`");
        }
        let option = if shell == "fish" { "unfold" } else { "--unfold" };
        assert!(words.contains(&option), "{shell} lacks `--unfold`");
        assert!(words.contains(&"mermaid"), "{shell} lacks the values of `--format`");
    }
    let output = npc(Path::new("."), &["completions", "tcsh"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{}", output.stderr);
}

/// Words of the options that take one of a list, each with a word that no other text of the scripts has.
#[test]
fn scripts_and_help_name_the_words_of_options() {
    let mut words = vec![
        (&["graph"][..], "--theme", &["auto", "light", "dark"][..]),
        (&["graph"], "--direction", &["auto", "u", "down", "right"]),
        (&["graph"], "--convention", &["conv", "thop", "thop-0.1", "fvcore", "torchinfo", "flop-counter"]),
        (&["check"], "--convention", &["conv", "thop-0.1", "flop-counter"]),
        (&["check"], "--columns", &["field", "effective"]),
        (&["fit"], "--convention", &["thop-0.1"]),
        (&["sweep"], "--sort", &["params", "macs", "inference", "training", "field", "sweep"]),
        (&["sweep"], "--axes", &["params", "macs", "inference", "training", "field"]),
        (&["sweep"], "--convention", &["flop-counter"]),
        (&["sweep"], "--theme", &["auto", "light", "dark"]),
    ];
    if cfg!(feature = "data") {
        words.extend([
            (&["compare"][..], "--metrics", &["dice", "boundary_iou", "assd"][..]),
            (&["compare"], "--theme", &["auto", "light", "dark"]),
            (&["report"], "--theme", &["auto", "light", "dark"]),
            (&["runs"], "--sort", &["name", "dice", "test"]),
            (&["data", "show"], "--split", &["train", "val", "test"]),
        ]);
    }
    if cfg!(feature = "run") {
        words.extend([
            (&["sweep"][..], "--cost", &["macs", "params", "inference", "training", "time"][..]),
            (&["sweep"], "--metrics", &["dice", "boundary_iou"]),
            (&["bench"], "--backend", &["engine", "burn"]),
            (&["predict"], "--probabilities", &["png16", "npy", "nifti"]),
        ]);
    }
    let fish = npc(Path::new("."), &["completions", "fish"]).stdout;
    for (command, option, expected) in words {
        let help = npc(Path::new("."), &[command, &["--help"]].concat()).stdout;
        let from = help.find(&format!(" {option} ")).unwrap_or_else(|| panic!("{command:?} has no {option}: {help}"));
        let text = help[from..].split("\n      --").next().unwrap();
        let named: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && !"-_.".contains(c)).collect();
        // `npc data show` is the command `show` below `data`.
        let last = command[command.len() - 1];
        let lines =
            || fish.lines().filter(|line| line.contains(last) && line.contains(&format!("-l {} ", &option[2..])));
        let offered = lines().map(|line| fish[fish.find(line).unwrap()..].split("\ncomplete ").next().unwrap());
        let offered: Vec<&str> = offered.collect();
        for word in expected {
            assert!(named.contains(word), "the help of {command:?} lacks {word}: {text}");
            let whole = |c: char| !c.is_alphanumeric() && !"-_.".contains(c);
            let has = |line: &&str| line.split(whole).any(|part| part == *word);
            assert!(offered.iter().any(has), "{command:?} {option} does not complete {word}: {offered:?}");
        }
    }
    if cfg!(feature = "data") {
        assert!(npc(Path::new("."), &["completions", "bash"]).stdout.contains("-W \"cpu cuda\""), "devices");
    }
    let lints = npc(Path::new("."), &["completions", "bash"]).stdout;
    assert!(lints.contains("gridding") && lints.contains("value_units warnings"), "names of lints");
}

/// Bash takes the script and completes the beginning of a command with it.
#[cfg(unix)]
#[test]
fn bash_completes_with_the_script() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("npc.bash"), npc(folder.path(), &["completions", "bash"]).stdout).unwrap();
    let commands = "source ./npc.bash; COMP_WORDS=(npc expl); COMP_CWORD=1; _npc npc expl npc; echo ${COMPREPLY[@]}";
    let bash = std::process::Command::new("bash").args(["-c", commands]).current_dir(folder.path()).output();
    // Not every machine has bash.
    let Ok(output) = bash else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "explain\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = tempdir().unwrap();
    let output = npc(folder.path(), &["man", "--out", "share/man1"]);
    assert!(output.code == 0 && output.stderr.is_empty(), "{}", output.stderr);
    let pages = folder.path().join("share/man1");
    let read = |name: &str| fs::read_to_string(pages.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    for name in commands() {
        let page = read(&format!("npc-{name}.1"));
        let title = format!(".TH npc-{name} 1 \"\" \"npc {}\" \"npc manual\"\n", env!("CARGO_PKG_VERSION"));
        assert!(page.contains(&title), "{page}");
        assert!(page.contains(&format!(".SH NAME\nnpc\\-{name} \\- ")), "{page}");
        assert!(page.contains(".SH SYNOPSIS\n\\fBnpc "), "{page}");
        // `npc data` holds two commands and has no examples of its own.
        assert!(name == "data" || page.contains(".SH EXAMPLES\n.nf\nnpc "), "{page}");
        assert!(read("npc.1").contains(&format!("npc\\-{name}(1)")), "npc.1 lacks {name}");
    }
    if cfg!(feature = "data") {
        assert!(read("npc-data-check.1").contains(".SH \"EXIT STATUS\"\n"));
    }
    assert!(read("npc-graph.1").contains("\\-\\-unfold"));
    let count = fs::read_dir(&pages).unwrap().count();
    assert_eq!(output.stdout, format!("{count} pages in share/man1\n"));
}

#[test]
fn pages_are_replaced_and_never_written_in_part() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("man")).unwrap();
    fs::write(folder.path().join("man/npc.1"), ".TH npc 1 \"\" \"npc 0.0.1\"\nold\n").unwrap();
    assert_eq!(npc(folder.path(), &["man", "--out", "man"]).code, 0);
    assert!(fs::read_to_string(folder.path().join("man/npc.1")).unwrap().starts_with(".TH npc 1 "));
    let names = fs::read_dir(folder.path().join("man")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| name.to_string_lossy().ends_with(".1")), "no temporary file is left");

    fs::write(folder.path().join("file"), "").unwrap();
    let output = npc(folder.path(), &["man", "--out", "file"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    assert!(output.stderr.contains("error[E0702]") && output.stderr.contains("file"), "{}", output.stderr);
    // Files of others stay, under a page's name and behind a link with it.
    fs::create_dir(folder.path().join("pages")).unwrap();
    for (name, is_link) in [("npc-check.1", false), ("npc-diff.1", true)] {
        let (page, notes) = (folder.path().join("pages").join(name), folder.path().join("notes"));
        fs::write(&notes, "mine").unwrap();
        let file = if is_link { &notes } else { &page };
        #[cfg(unix)]
        if is_link {
            std::os::unix::fs::symlink(&notes, &page).unwrap();
        }
        fs::write(file, "mine").unwrap();
        let output = npc(folder.path(), &["man", "--out", "pages"]);
        let what = format!("pages/{name}: a manual page would replace this file, and npc did not write it");
        assert!(cfg!(not(unix)) && is_link || output.code == 1 && output.stderr.contains(&what), "{}", output.stderr);
        assert_eq!(fs::read_to_string(file).unwrap(), "mine");
        assert!(!folder.path().join("pages/npc.1").exists());
        let _ = fs::remove_file(&page);
    }
    let output = npc(folder.path(), &["man"]);
    assert!(output.code == 2 && output.stderr.contains("--out <DIR>"), "{}", output.stderr);
}
