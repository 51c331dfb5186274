//! Tables in the formats that they are printed in: text, Markdown, LaTeX and CSV.

use super::table::{Align, columns, csv, markdown};
use clap::ValueEnum;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Csv,
    Markdown,
    /// For the booktabs package
    Latex,
}

/// One table.
pub struct Table {
    pub title: String,
    pub header: Vec<String>,
    /// Columns of words; the first is one always, the others hold numbers.
    pub words: Vec<usize>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn align(&self) -> Vec<Align> {
        let left = |i| i == 0 || self.words.contains(&i);
        (0..self.header.len()).map(|i| if left(i) { Align::Left } else { Align::Right }).collect()
    }

    /// JSON is not made of cells and has none here.
    pub fn print(&self, format: Format) -> String {
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        match format {
            Format::Text | Format::Json => columns(&header, &self.align(), &self.rows),
            Format::Markdown => markdown(&header, &self.align(), &self.rows),
            Format::Csv => csv(&header, &vec![Align::Left; header.len()], &self.rows),
            Format::Latex => latex(&self.title, &header, &self.align(), &self.rows),
        }
    }
}

/// Lines below a table, in the way of its format.
pub fn notes(lines: &[String], format: Format) -> String {
    let line = |text: &String| match format {
        Format::Text => format!("{text}\n"),
        Format::Markdown => format!("- {text}\n"),
        Format::Latex => format!("% {text}\n"),
        Format::Csv | Format::Json => String::new(),
    };
    let text: String = lines.iter().map(line).collect();
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// A tabular for the booktabs package.
fn latex(title: &str, header: &[&str], align: &[Align], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("  {} \\\\\n", cells.join(" & "));
    let columns: String = align.iter().map(|a| if *a == Align::Left { 'l' } else { 'r' }).collect();
    let head = line(header.iter().map(|h| escaped(h)).collect());
    let body: String = rows.iter().map(|row| line(row.iter().map(|c| escaped(c)).collect())).collect();
    format!(
        "% {title}\n\\begin{{tabular}}{{{columns}}}\n  \\toprule\n{head}  \\midrule\n{body}  \\bottomrule\n\\end{{tabular}}\n"
    )
}

/// Text that LaTeX prints as it is; numbers get a true minus sign.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '±' => out.push_str("$\\pm$"),
            '<' | '>' => out.extend(['$', c, '$']),
            '-' if matches!(before, ' ' | '[') && rest.peek().is_some_and(char::is_ascii_digit) => out.push_str("$-$"),
            '+' if matches!(before, ' ' | '[') && rest.peek().is_some_and(char::is_ascii_digit) => out.push_str("$+$"),
            _ => out.push(c),
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latex_is_escaped() {
        let table = Table {
            title: "a_b".into(),
            header: vec!["run".into(), "Dice, 95 %".into()],
            words: Vec::new(),
            rows: vec![vec!["x_1 & {y}".into(), "-0.1 [-0.2, +0.3], < 1".into()]],
        };
        assert_eq!(
            table.print(Format::Latex),
            "% a_b\n\\begin{tabular}{lr}\n  \\toprule\n  run & Dice, 95 \\% \\\\\n  \\midrule\n  \
             x\\_1 \\& \\{y\\} & $-$0.1 [$-$0.2, $+$0.3], $<$ 1 \\\\\n  \\bottomrule\n\\end{tabular}\n"
        );
    }
}
