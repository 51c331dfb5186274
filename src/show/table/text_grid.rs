//! Prints a table in columns of text for people.

use super::column::Align;
use crate::base::printable::printable_line;
use std::fmt::Write;

/// A table whose cells are texts.
pub(super) struct TextGrid {
    /// One for each column.
    pub header: Vec<String>,
    /// One for each column.
    pub align: Vec<Align>,
    /// The rows, each with one text for every column.
    pub rows: Vec<Vec<String>>,
}

impl TextGrid {
    /// Prints columns as wide as their widest cell, with two spaces between them and a line of dashes below the header.
    pub(super) fn to_text(&self) -> String {
        let width = |i: usize| {
            let cells = self.rows.iter().map(|r| r[i].chars().count());
            cells.chain([self.header[i].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut out = String::new();
        let mut line = |cells: &[String]| {
            let mut text = String::new();
            for (i, (cell, &w)) in cells.iter().zip(&widths).enumerate() {
                let gap = if i > 0 { "  " } else { "" };
                let _ = match self.align[i] {
                    Align::Left => write!(text, "{gap}{:<w$}", printable_line(cell)),
                    Align::Right => write!(text, "{gap}{:>w$}", printable_line(cell)),
                };
            }
            let _ = writeln!(out, "{}", text.trim_end());
        };
        line(&self.header);
        line(&widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>());
        self.rows.iter().for_each(|row| line(row));
        out
    }

    /// Prints a Markdown table.
    pub(super) fn to_markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| in_markdown(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = self.align.iter().map(|a| if *a == Align::Right { "---:" } else { "---" }.to_string());
        let body: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.header) + &line(&rule.collect::<Vec<_>>()) + &body
    }
}

/// Returns a cell for Markdown: on one line, its bars and backslashes escaped, and no HTML.
fn in_markdown(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let cell = printable_line(cell);
    let mut rest = cell.chars().peekable();
    while let Some(c) = rest.next() {
        let opens_html =
            c == '<' && rest.peek().is_some_and(|next| next.is_ascii_alphabetic() || "/!?".contains(*next));
        if matches!(c, '|' | '\\') || opens_html {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
