//! The output formats of commands.

use super::latex::in_comment;
use crate::base::printable::printable_line;
use std::fmt;
use std::str::FromStr;

/// An output format. Each command supports some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// For the terminal.
    Text,
    /// For programs.
    Json,
    /// Comma-separated values.
    Csv,
    /// For READMEs.
    Markdown,
    /// For papers, with the package booktabs.
    Latex,
    /// A page or a part of one.
    Html,
    /// A picture.
    Svg,
    /// A picture of pixels.
    Png,
    /// A picture that Graphviz draws.
    Dot,
    /// A picture that Markdown viewers draw.
    Mermaid,
}

impl OutputFormat {
    /// All formats.
    pub const ALL: [OutputFormat; 10] = [
        OutputFormat::Text,
        OutputFormat::Json,
        OutputFormat::Csv,
        OutputFormat::Markdown,
        OutputFormat::Latex,
        OutputFormat::Html,
        OutputFormat::Svg,
        OutputFormat::Png,
        OutputFormat::Dot,
        OutputFormat::Mermaid,
    ];

    /// Returns the name of the format on the command line.
    pub fn name(self) -> &'static str {
        match self {
            OutputFormat::Text => "text",
            OutputFormat::Json => "json",
            OutputFormat::Csv => "csv",
            OutputFormat::Markdown => "markdown",
            OutputFormat::Latex => "latex",
            OutputFormat::Html => "html",
            OutputFormat::Svg => "svg",
            OutputFormat::Png => "png",
            OutputFormat::Dot => "dot",
            OutputFormat::Mermaid => "mermaid",
        }
    }

    /// Formats remarks below a table. Formats for programs leave them out.
    pub fn notes(self, lines: &[String]) -> String {
        let line = |text: &String| match self {
            OutputFormat::Text => format!("{}\n", printable_line(text)),
            OutputFormat::Markdown => format!("- {}\n", printable_line(text).replace('<', "\\<")),
            OutputFormat::Latex => format!("% {}\n", in_comment(text)),
            OutputFormat::Csv
            | OutputFormat::Json
            | OutputFormat::Html
            | OutputFormat::Svg
            | OutputFormat::Png
            | OutputFormat::Dot
            | OutputFormat::Mermaid => String::new(),
        };
        let text: String = lines.iter().map(line).collect();
        if text.is_empty() { text } else { format!("\n{text}") }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OutputFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|f| f.name() == name).ok_or_else(|| format!("the formats are {}", known()))
    }
}
