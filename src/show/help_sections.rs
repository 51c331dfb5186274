//! The text below the options of `--help`, by its parts.

/// The parts of the text below the options of `--help`.
pub(crate) struct HelpSections {
    /// Paragraphs without line ends of their own, with empty lines between them.
    pub description: String,
    /// Lines of a shell.
    pub examples: Vec<String>,
    /// One line.
    pub exit_codes: String,
}

impl HelpSections {
    /// Divides the text by its empty lines and by how its paragraphs begin.
    pub(crate) fn of(help: &str) -> HelpSections {
        let mut paragraphs = Vec::new();
        let mut sections = HelpSections { description: String::new(), examples: Vec::new(), exit_codes: String::new() };
        for paragraph in help.split("\n\n") {
            let examples = ["Examples:", "Example:"].iter().find_map(|title| paragraph.strip_prefix(title));
            if let Some(examples) = examples {
                sections.examples = examples.lines().filter(|line| !line.is_empty()).flat_map(broken).collect();
            } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
                sections.exit_codes = on_one_line(codes);
            } else if !paragraph.trim().is_empty() {
                paragraphs.push(on_one_line(paragraph));
            }
        }
        sections.description = paragraphs.join("\n\n");
        sections
    }

    /// Returns the whole text. Its prose has no line ends, so that a terminal wraps it once, at its own width.
    pub(crate) fn to_text(&self) -> String {
        let mut parts = Vec::new();
        if !self.description.is_empty() {
            parts.push(self.description.clone());
        }
        if !self.examples.is_empty() {
            let title = if self.examples.len() == 1 { "Example:" } else { "Examples:" };
            parts.push(format!("{title}\n{}", self.examples.join("\n")));
        }
        if !self.exit_codes.is_empty() {
            parts.push(format!("Exit codes: {}", self.exit_codes));
        }
        parts.join("\n\n")
    }
}

/// Width of a line of a shell, which no terminal may wrap: a copy of it must still run.
const SHELL_WIDTH: usize = 78;

/// Breaks a line of a shell before an option, so that all parts fit into the width where that is possible.
fn broken(line: &str) -> Vec<String> {
    let (mut parts, mut rest) = (Vec::new(), line.to_string());
    while rest.len() > SHELL_WIDTH {
        let head = rest.get(..SHELL_WIDTH - 1).unwrap_or_default();
        let Some(at) = head.rfind(" --").filter(|at| !rest[..*at].trim_start().is_empty()) else { break };
        parts.push(format!("{} \\", &rest[..at]));
        rest = format!("    {}", &rest[at + 1..]);
    }
    parts.push(rest);
    parts
}

fn on_one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_commands_are_broken_before_an_option() {
        let line =
            "  npc predict runs/npnet_lung large.tif --out masks --tiles --overlap 0.5 --probabilities npy --flips";
        let parts = broken(line);
        assert_eq!(parts[0], "  npc predict runs/npnet_lung large.tif --out masks --tiles --overlap 0.5 \\");
        assert_eq!(parts[1], "    --probabilities npy --flips");
        assert_eq!(broken("  npc check net.model"), ["  npc check net.model"]);
    }

    #[test]
    fn prose_is_joined_and_examples_keep_their_lines() {
        let help = "One sentence\nof two lines.\n\nAnother.\n\nExamples:\n  npc a \\\n    --b\n  npc c\n\nExit codes: 0 success,\n1 failure";
        let sections = HelpSections::of(help);
        assert_eq!(sections.description, "One sentence of two lines.\n\nAnother.");
        assert_eq!(sections.examples, ["  npc a \\", "    --b", "  npc c"]);
        assert_eq!(
            sections.to_text(),
            "One sentence of two lines.\n\nAnother.\n\nExamples:\n  npc a \\\n    --b\n  npc c\n\nExit codes: 0 success, 1 failure"
        );
    }
}
