//! The confusion matrix as tables: shares of each true class, and counts.

use super::table::{Cell, Column, OutputFormat, Table};
use super::text::shortened;
use crate::base::number::three_digits;
use crate::metric::ConfusionMatrix;

/// The most classes whose names are titles of columns in text. More are numbered.
const NAMED: usize = 6;
/// The most letters of a class in a table of many.
const MAX_LETTERS: usize = 24;

/// Prints the shares of each true class in percent, and below them the counts. `of` names what is counted, such as `pixels`.
pub(crate) fn confusion_tables(matrix: &ConfusionMatrix, of: &str, format: OutputFormat) -> String {
    let many = matrix.classes.len() > NAMED;
    let number = |i: usize| format!("{}", i + 1);
    let row_name = |i: usize, name: &str| {
        if many { format!("{} {}", number(i), shortened(name, MAX_LETTERS)) } else { name.to_string() }
    };
    let table = |title: String, total: bool, cell: &dyn Fn(usize, usize) -> Cell| {
        let mut columns = vec![Column::words("truth")];
        let names = matrix.classes.iter().enumerate();
        columns.extend(names.map(|(i, name)| Column::numbers(if many { number(i) } else { name.clone() })));
        columns.extend(total.then(|| Column::numbers(of)));
        let row = |(truth, name): (usize, &String)| {
            let cells = (0..matrix.classes.len()).map(|predicted| cell(truth, predicted));
            let all = total.then(|| count(matrix.row_total(truth), many));
            std::iter::once(row_name(truth, name).into()).chain(cells).chain(all).collect()
        };
        let rows = matrix.classes.iter().enumerate().map(row).collect();
        let head = match format {
            OutputFormat::Text => format!("{title}\n\n"),
            OutputFormat::Markdown => format!("{title}:\n\n"),
            _ => String::new(),
        };
        head + &Table { title, columns, rows }.print(format)
    };
    let share = |truth, predicted| match matrix.row_share(truth, predicted) {
        Some(share) if many => Cell::decimal(100.0 * share, 1),
        Some(share) => Cell::Text(format!("{:.2} %", 100.0 * share)),
        None => Cell::Missing,
    };
    let shares = table(
        format!(
            "confusion matrix of the {of}: a row for each true class, a column for each predicted class, in percent"
        ),
        false,
        &share,
    );
    let counts =
        table(format!("number of {of}"), true, &|truth, predicted| count(matrix.count(truth, predicted), many));
    format!("{shares}\n{counts}")
}

/// Returns a count, rounded where there are many columns.
fn count(n: u64, many: bool) -> Cell {
    if many { Cell::Text(three_digits(n)) } else { Cell::Count(n) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(classes: usize) -> ConfusionMatrix {
        let names = (0..classes).map(|i| format!("class {i}")).collect();
        let row = |i: usize| (0..classes).map(|j| if i == j { 1_234_567 } else { (i * j) as u64 }).collect();
        ConfusionMatrix { classes: names, counts: (0..classes).map(row).collect() }
    }

    #[test]
    fn few_classes_are_named() {
        let mut two = matrix(2);
        two.counts = vec![vec![990, 10], vec![0, 0]];
        let text = confusion_tables(&two, "pixels", OutputFormat::Text);
        for words in [
            "truth    class 0  class 1",
            "class 0  99.00 %   1.00 %",
            "class 1        -        -",
            "990       10   1,000",
        ] {
            assert!(text.contains(words), "`{words}` is not in\n{text}");
        }
        let markdown = confusion_tables(&two, "voxels", OutputFormat::Markdown);
        assert!(
            markdown.starts_with("confusion matrix of the voxels") && markdown.contains("| voxels |"),
            "{markdown}"
        );
    }

    #[test]
    fn many_classes_are_numbered() {
        let text = confusion_tables(&matrix(20), "pixels", OutputFormat::Text);
        assert!(text.contains("20 class 19") && text.contains("1.23M"), "{text}");
        assert!(text.lines().skip(2).all(|line| line.chars().count() <= 180), "{text}");
    }
}
