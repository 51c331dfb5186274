//! Commands that the pages name without their output: clap accepts them, and the files of the repository in them exist.

use super::console::is_open;
use super::fences::{Fence, all_fences, fences, pages};
use crate::support::program::npc;
use crate::support::repository::repository;
use std::collections::BTreeMap;
use std::path::Path;

/// Splits a line of shell into its commands, and these into words. Quotes are taken off, a comment ends the line, and the file
/// behind `>` is left out. Variables and patterns stay as they are written.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![vec![]];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => {
                // At the end of a line it joins the next.
                if let Some(next) = chars.next().filter(|next| *next != '\n') {
                    word.get_or_insert_default().push(next);
                }
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | '&' | ';' | '>') => {
                commands.last_mut().expect("one is there").extend(word.take());
                commands.push(if c == '>' { vec![">".to_string()] } else { vec![] });
            }
            (None, _) if c.is_whitespace() => commands.last_mut().expect("one is there").extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    commands.last_mut().expect("one is there").extend(word);
    commands.retain(|command: &Vec<String>| !command.is_empty() && command[0] != ">");
    commands
}

/// Returns the commands of a block `sh`, each with its line of the page.
fn commands_of_block(fence: &Fence) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut open = String::new();
    for (i, line) in fence.text.lines().enumerate() {
        open.push_str(line);
        if is_open(line.split(" #").next().unwrap_or_default().trim_end()) || is_open(&open) && line.ends_with('\\') {
            open.push('\n');
            continue;
        }
        let commands = simple_commands(&std::mem::take(&mut open));
        found.extend(commands.into_iter().map(|words| (fence.line + i, words)));
    }
    assert!(open.is_empty(), "{}:{}: a quote is open", fence.page, fence.line);
    found
}

/// The arguments of npc in a command: behind `npc`, or behind `--` of `cargo run`. Variables may be set in front.
fn npc_arguments(words: &[String]) -> Option<&[String]> {
    let set = words.iter().take_while(|word| word.split_once('=').is_some_and(|(name, _)| name.starts_with("NPC_")));
    let words = &words[set.count()..];
    match words {
        [first, rest @ ..] if first == "npc" => Some(rest),
        [cargo, run, rest @ ..] if cargo == "cargo" && run == "run" && !rest.iter().any(|word| word == "--example") => {
            rest.iter().position(|word| word == "--").map(|at| &rest[at + 1..])
        }
        _ => None,
    }
}

/// Whether a build without training lacks the command, or options of it.
fn is_left_out(arguments: &[String], message: &str) -> bool {
    let partly_built = ["sweep", "report"].contains(&arguments[0].as_str());
    !cfg!(feature = "run") && (partly_built || message.contains("unrecognized subcommand"))
}

/// Files of the repository that a command names and that do not exist.
fn missing_files(words: &[String]) -> Vec<&str> {
    let folders = ["models/", "tests/", "scripts/", "benches/", "examples/"];
    let plain = |word: &str| word.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    let paths = words.iter().map(|word| word.split([':', '@']).next().unwrap_or_default());
    let ours = paths.filter(|word| folders.iter().any(|folder| word.starts_with(folder)) && plain(word));
    ours.filter(|word| !repository(word).exists()).collect()
}

#[test]
fn shell_blocks_have_options_that_exist() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for fence in all_fences("sh") {
        for (line, words) in commands_of_block(&fence) {
            let place = format!("{}:{line}: {}", fence.page, words.join(" "));
            wrong.extend(missing_files(&words).iter().map(|path| format!("{place}\n{path} does not exist")));
            let Some(arguments) = npc_arguments(&words) else { continue };
            seen += 1;
            let message = npc::cli::parse_arguments(arguments).err().filter(|message| !is_left_out(arguments, message));
            wrong.extend(message.map(|message| format!("{place}\n{message}")));
        }
    }
    assert!(seen >= 40, "{seen} commands");
    assert!(wrong.is_empty(), "{} commands of the pages are wrong:\n\n{}", wrong.len(), wrong.join("\n"));
}

/// Returns the spans between backticks that are a command of npc, each with its line. Fenced blocks are left out.
fn inline_commands(page: &str, text: &str) -> Vec<(usize, Vec<String>)> {
    let fenced: Vec<_> = fences(page, text).iter().map(|f| f.line..f.line + f.text.lines().count()).collect();
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let prose = lines.filter(|(i, _)| !fenced.iter().any(|range| range.contains(i)));
    let spans = prose.flat_map(|(i, line)| line.split('`').skip(1).step_by(2).map(move |span| (i, span)));
    let commands = spans.filter(|(_, span)| span.starts_with("npc "));
    commands.map(|(i, span)| (i, span.split_whitespace().map(str::to_string).collect())).collect()
}

/// Options that a command of prose names and that its help does not have. Values in prose stand for others, such as `N`.
fn unknown_options(words: &[String], helps: &mut BTreeMap<Vec<String>, Option<String>>) -> Vec<String> {
    let is_name = |word: &&String| word.chars().all(|c| c.is_ascii_lowercase());
    let names: Vec<String> = words[1..].iter().take_while(is_name).take(2).cloned().collect();
    let names =
        if names.first().is_some_and(|name| name == "data") { names } else { names.into_iter().take(1).collect() };
    let help = helps.entry(names.clone()).or_insert_with(|| {
        let arguments: Vec<&str> = names.iter().map(String::as_str).chain(["--help"]).collect();
        let output = npc(Path::new("."), &arguments);
        (output.code == 0).then_some(output.stdout)
    });
    let Some(help) = help else {
        return if cfg!(feature = "run") { names } else { Vec::new() };
    };
    let options = words.iter().filter(|word| word.starts_with("--"));
    let plain = options.map(|word| word.split(['=', '[']).next().unwrap_or_default().trim_end_matches([',', '.', ')']));
    let known = |option: &str| help.split(|c: char| c != '-' && !c.is_alphanumeric()).any(|word| word == option);
    plain.filter(|option| !known(option)).map(str::to_string).collect()
}

#[test]
fn commands_in_prose_have_options_that_exist() {
    let (mut wrong, mut helps, mut seen) = (Vec::new(), BTreeMap::new(), 0);
    for (page, text) in pages() {
        for (line, words) in inline_commands(&page, &text) {
            seen += 1;
            let unknown = unknown_options(&words, &mut helps);
            wrong.extend(unknown.iter().map(|name| format!("{page}:{line}: `{}`: {name}", words.join(" "))));
        }
    }
    assert!(seen >= 100, "{seen} commands");
    assert!(wrong.is_empty(), "options and commands that do not exist:\n  {}", wrong.join("\n  "));
}

#[test]
fn a_line_of_shell_is_split_into_words() {
    let words = |line: &str| simple_commands(line).iter().map(|words| words.join("|")).collect::<Vec<_>>();
    assert_eq!(words("npc a 'b  c' \"d\" # e"), ["npc|a|b  c|d"]);
    assert_eq!(words("npc a | head -3 && x > file; y"), ["npc|a", "head|-3", "x", "y"]);
    assert_eq!(words("npc a \\\n  --b=c"), ["npc|a|--b=c"]);
    assert_eq!(words("NPC_CPU=burn npc ''"), ["NPC_CPU=burn|npc|"]);
}
