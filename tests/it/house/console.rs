//! Console blocks of the pages: commands, and what they print.

use super::fences::Fence;

/// A command of a console block.
pub(super) struct ConsoleStep {
    /// Line of the page with the command.
    pub line: usize,
    /// The command as a shell reads it, which may have several lines.
    pub command: String,
    /// What the page shows below it. A line `...` stands for any number of lines.
    pub shown: Vec<String>,
}

/// Returns the commands of a console block. A command starts with `$ ` and continues while a quote is open or a line ends
/// with `\`.
pub(super) fn console_steps(fence: &Fence) -> Vec<ConsoleStep> {
    let mut steps: Vec<ConsoleStep> = Vec::new();
    let mut continues = false;
    for (i, line) in fence.text.lines().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(ConsoleStep { line: fence.line + i, command: command.to_string(), shown: Vec::new() });
        } else {
            let step = steps.last_mut().unwrap_or_else(|| panic!("{}:{}: no command", fence.page, fence.line));
            if !continues {
                step.shown.push(line.trim_end().to_string());
                continue;
            }
            step.command.extend(["\n", line]);
        }
        continues = is_open(&steps.last().expect("a command was added").command);
    }
    for step in &mut steps {
        while step.shown.last().is_some_and(String::is_empty) {
            step.shown.pop();
        }
    }
    steps
}

/// Whether a command goes on in the next line.
pub(super) fn is_open(command: &str) -> bool {
    let mut quote = None;
    for c in command.chars().filter(|c| matches!(c, '\'' | '"')) {
        match quote {
            None => quote = Some(c),
            Some(open) if open == c => quote = None,
            Some(_) => {}
        }
    }
    quote.is_some() || command.ends_with('\\')
}

/// Units of numbers that depend on the machine.
const MACHINE_UNITS: &[&str] = &["s", "ms", "min", "h", "images/s", "GFLOP/s", "GB"];

/// Replaces numbers that depend on the machine by `#`: those before a unit of time, speed or free space, and times such as
/// `0:50`. Columns may shift with their digits, so blanks of such a line count once.
fn without_machine(line: &str) -> String {
    let number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    let time = |word: &str| word.split_once(':').is_some_and(|(left, right)| number(left) && number(right));
    let bare = |word: &str| word.trim_end_matches([',', ';', ')', '.']).trim_start_matches('(').to_string();
    let words: Vec<&str> = line.split_whitespace().collect();
    let depends = |i: usize| {
        let unit = words.get(i + 1).map(|word| bare(word)).unwrap_or_default();
        time(&bare(words[i])) || number(&bare(words[i])) && MACHINE_UNITS.contains(&unit.as_str())
    };
    if !(0..words.len()).any(depends) {
        return line.trim_end().to_string();
    }
    let kept: Vec<&str> = (0..words.len()).map(|i| if depends(i) { "#" } else { words[i] }).collect();
    kept.join(" ")
}

/// Whether a line of a page is what is printed, numbers of the machine apart. ` ...` at its end stands for the rest of the
/// line.
fn is_line(shown: &str, printed: &str) -> bool {
    match shown.strip_suffix(" ...") {
        Some(start) => printed.starts_with(start),
        None => without_machine(shown) == without_machine(printed),
    }
}

/// Compares what a page shows with what is printed. Returns the first line that differs, counted from 0 in `shown`, and what was
/// printed in its place.
pub(super) fn first_difference(shown: &[String], printed: &[String]) -> Option<(usize, String)> {
    let mut from = 0;
    let mut part_start = 0;
    for part in shown.split(|line| line == "...") {
        let (first, last) = (part_start == 0, part_start + part.len() == shown.len());
        let latest = printed.len().saturating_sub(part.len());
        let starts: Vec<usize> = match (first, last) {
            (true, _) => vec![0],
            // The end of the output, after what is left out.
            (false, true) if !part.is_empty() => vec![latest.max(from)],
            (false, true) => return None,
            (false, false) => (from..=latest.max(from)).collect(),
        };
        let equal = |start: usize| {
            part.iter().zip(&printed[start.min(printed.len())..]).take_while(|(a, b)| is_line(a, b)).count()
        };
        let best = starts.into_iter().max_by_key(|&start| (equal(start), std::cmp::Reverse(start))).unwrap_or(from);
        let matched = equal(best);
        let line_of = |i: usize| printed.get(i).cloned().unwrap_or_else(|| "(the end of the output)".to_string());
        if matched < part.len() {
            return Some((part_start + matched, line_of(best + matched)));
        }
        from = best + part.len();
        if first && last && from < printed.len() {
            return Some((shown.len(), line_of(from)));
        }
        part_start += part.len() + 1;
    }
    None
}

/// The lines of a text, to compare.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_string).collect()
}

#[test]
fn differences_are_found_and_left_out_lines_are_not() {
    let printed = lines("a\nb\nc\nd\ne");
    assert!(is_line("disk 25 MB; ...", "disk 25 MB; 9 GB are free") && !is_line("disk", "disk 25 MB"));
    let none = ["a\nb\nc\nd\ne", "a\n...", "...\ne", "...\nb\nc\n...", "a\n...\nc\n...\ne", "...", "a\nb\n...\nd\ne"];
    for shown in none {
        assert_eq!(first_difference(&lines(shown), &printed), None, "{shown}");
    }
    let some = [
        ("a\nb", 2, "c"),
        ("b\n...", 0, "a"),
        ("...\nb\nd\n...", 2, "c"),
        ("a\n...\nd", 2, "e"),
        ("a\n...\nc\n...\nb\n...", 4, "d"),
        ("a\nb\nc\nd\ne\nf", 5, "(the end of the output)"),
    ];
    for (shown, line, text) in some {
        assert_eq!(first_difference(&lines(shown), &printed), Some((line, text.to_string())), "{shown}");
    }
}

#[test]
fn numbers_of_the_machine_are_left_out() {
    assert_eq!(without_machine("time     0.105 s a step, about 0:50"), "time # s a step, about #");
    assert_eq!(without_machine("disk     25 MB; 59.35 GB are free"), "disk 25 MB; # GB are free");
    assert_eq!(without_machine("weights  2.84 MB as floats  "), "weights  2.84 MB as floats");
    assert_eq!(without_machine("--> file.model:5:10"), "--> file.model:5:10");
}

#[test]
fn a_command_of_several_lines_is_one() {
    let text = "$ npc a 'x\n  y' \\\n  --z\nfirst\n\n$ npc b\n".to_string();
    let fence = Fence { page: "page".into(), line: 10, info: "console".into(), text };
    let steps = console_steps(&fence);
    let found: Vec<_> = steps.iter().map(|step| (step.line, step.command.as_str(), step.shown.len())).collect();
    assert_eq!(found, [(10, "npc a 'x\n  y' \\\n  --z", 1), (15, "npc b", 0)]);
}
