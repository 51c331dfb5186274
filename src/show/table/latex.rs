//! Prints tables as LaTeX.

use super::column::Align;
use super::text_grid::TextGrid;

/// Prints a `tabular` for the package booktabs, with the title above it as a comment.
pub(super) fn tabular(title: &str, grid: &TextGrid) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        format!("  {} \\\\\n", cells.join(" & "))
    };
    let columns: String = grid.align.iter().map(|a| if *a == Align::Left { 'l' } else { 'r' }).collect();
    let head = line(&grid.header);
    let body: String = grid.rows.iter().map(|row| line(row)).collect();
    format!(
        "% {}\n\\begin{{tabular}}{{{columns}}}\n  \\toprule\n{head}  \\midrule\n{body}  \\bottomrule\n\\end{{tabular}}\n",
        in_comment(title)
    )
}

/// Returns text for a comment, without control characters: a line feed would end the comment.
pub(super) fn in_comment(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Escapes text for LaTeX. Numbers get a true minus sign.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_control() => out.push(' '),
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
        let grid = TextGrid {
            header: vec!["run".into(), "Dice, 95 %".into()],
            align: vec![Align::Left, Align::Right],
            rows: vec![vec!["x_1 & {y}".into(), "-0.1 [-0.2, +0.3], < 1".into()]],
        };
        assert_eq!(
            tabular("a_b", &grid),
            "% a_b\n\\begin{tabular}{lr}\n  \\toprule\n  run & Dice, 95 \\% \\\\\n  \\midrule\n  \
             x\\_1 \\& \\{y\\} & $-$0.1 [$-$0.2, $+$0.3], $<$ 1 \\\\\n  \\bottomrule\n\\end{tabular}\n"
        );
    }
}
