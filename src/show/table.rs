//! Tables whose cells are values. Each output format prints the values in its own way.

mod cell;
mod column;
mod latex;
mod output_format;
mod text_grid;

pub use cell::Cell;
pub(crate) use cell::Estimate;
pub use column::Column;
pub(crate) use output_format::OutputFormat;

use crate::base::csv;
use crate::base::xml::escaped;
use column::TableReader;
use serde_json::{Map, Value};
use text_grid::TextGrid;

/// A table of columns and rows of cells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Title, which is printed above the table in LaTeX only.
    pub title: String,
    /// The columns from left to right.
    pub columns: Vec<Column>,
    /// The rows, each with one cell for every column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Creates a table without a title.
    pub fn new(columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self { title: String::new(), columns, rows }
    }

    /// Prints the table in one of the formats. Picture formats print text.
    pub fn print(&self, format: OutputFormat) -> String {
        use OutputFormat::{Csv, Dot, Html, Json, Latex, Markdown, Mermaid, Png, Svg, Text};
        match format {
            Text | Svg | Png | Dot | Mermaid => self.to_text(),
            Markdown => self.to_markdown(),
            Latex => self.to_latex(),
            Csv => self.to_csv(),
            Json => format!("{:#}\n", self.to_json()),
            Html => self.to_html(""),
        }
    }

    /// Prints columns as wide as their widest cell, with two spaces between them.
    pub fn to_text(&self) -> String {
        self.text_grid().to_text()
    }

    /// Prints a Markdown table.
    pub fn to_markdown(&self) -> String {
        self.text_grid().to_markdown()
    }

    /// Prints a `tabular` for the package booktabs, with the title as a comment.
    pub fn to_latex(&self) -> String {
        latex::tabular(&self.title, &self.text_grid())
    }

    /// Prints comma-separated values (RFC 4180): the columns for programs, with numbers without separators and units.
    pub fn to_csv(&self) -> String {
        let columns = self.columns_for(TableReader::Program);
        let header = columns.iter().map(|&i| self.columns[i].name().to_string()).collect();
        let rows = self.rows.iter().map(|row| columns.iter().map(|&i| row[i].plain()).collect());
        csv::encode(std::iter::once::<Vec<String>>(header).chain(rows))
    }

    /// Returns an object for each row, with the names of the columns for programs as keys.
    pub fn to_json(&self) -> Value {
        let columns = self.columns_for(TableReader::Program);
        let cell = |row: &[Cell], i: usize| (self.columns[i].name().to_string(), row[i].json());
        let object = |row: &Vec<Cell>| columns.iter().map(|&i| cell(row, i)).collect::<Map<_, _>>();
        self.rows.iter().map(object).collect()
    }

    /// Prints an HTML `table` element; `class` may be empty.
    pub fn to_html(&self, class: &str) -> String {
        let columns = self.columns_for(TableReader::Person);
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{}\"", escaped(class)) };
        let head = |&i: &usize| format!("<th scope=\"col\">{}</th>", escaped(&self.columns[i].title));
        let row = |row: &Vec<Cell>| {
            let cells: String = columns.iter().map(|&i| format!("<td>{}</td>", row[i].html())).collect();
            format!("<tr>{cells}</tr>")
        };
        let (head, body): (String, String) = (columns.iter().map(head).collect(), self.rows.iter().map(row).collect());
        format!("<table{class}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    }

    /// Returns the indices of the columns for a kind of reader.
    fn columns_for(&self, reader: TableReader) -> Vec<usize> {
        (0..self.columns.len()).filter(|&i| self.columns[i].is_for(reader)).collect()
    }

    fn text_grid(&self) -> TextGrid {
        let columns = self.columns_for(TableReader::Person);
        TextGrid {
            header: columns.iter().map(|&i| self.columns[i].title.clone()).collect(),
            align: columns.iter().map(|&i| self.columns[i].align).collect(),
            rows: self.rows.iter().map(|row| columns.iter().map(|&i| row[i].text()).collect()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn some() -> Table {
        let columns = vec![
            Column::words("model"),
            Column::numbers("MACs, conv").named("macs"),
            Column::numbers("Dice").for_people(),
            Column::numbers("dice").for_programs(),
        ];
        let score = Estimate { deviation: Some(0.002), interval: Some([0.94, 0.96]), ..Estimate::new(0.95, 4) };
        let row = vec!["a|b, \"c\"".into(), Cell::Count(1_234_567), Cell::Estimate(score), Cell::decimal(0.95, 4)];
        let none = vec!["x\ry <z>".into(), Cell::Missing, Cell::Empty, Cell::Missing];
        Table { title: "some".into(), columns, rows: vec![row, none] }
    }

    #[test]
    fn people_read_separators_and_units() {
        let text = some().to_text();
        let header =
            text.lines().next().unwrap_or_default().split("  ").map(str::trim).filter(|title| !title.is_empty());
        assert_eq!(header.collect::<Vec<_>>(), ["model", "MACs, conv", "Dice"], "{text}");
        assert!(text.starts_with("model"));
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("1,234,567  0.9500 ± 0.0020 [0.9400, 0.9600]\n"), "{text}");
        assert!(some().to_markdown().contains("| a\\|b, \"c\" | 1,234,567 | 0.9500 ± 0.0020 [0.9400, 0.9600] |\n"));
        let hostile = "a|b\\|c\n<img src=x> \u{1b}[2J";
        let table = Table { rows: vec![vec![hostile.into(), Cell::Empty, Cell::Empty, Cell::Empty]], ..some() };
        assert_eq!(table.to_markdown().lines().count(), 3);
        assert!(
            table.to_markdown().contains("| a\\|b\\\\\\|c\u{240a}\\<img src=x> \u{241b}[2J |"),
            "{}",
            table.to_markdown()
        );
        assert_eq!(table.to_text().lines().count(), 3);
        let table = Table { title: "t\n\\input{x}".into(), ..table };
        assert!(table.to_latex().starts_with("% t \\input{x}\n\\begin{tabular}"), "{}", table.to_latex());
        assert!(some().to_html("wide").starts_with("<table class=\"wide\"><thead><tr><th scope=\"col\">model</th>"));
        assert!(
            some().to_html("").contains("<td>0.9500 ± 0.0020<span class=\"interval\">[0.9400, 0.9600]</span></td>")
        );
        assert!(some().to_html("").contains("&lt;z&gt;</td><td>-</td><td></td>"));
    }

    #[test]
    fn programs_read_values() {
        assert_eq!(some().to_csv(), "model,macs,dice\n\"a|b, \"\"c\"\"\",1234567,0.950000\n\"x\ry <z>\",,\n");
        assert_eq!(
            some().to_json(),
            json!([{"model": "a|b, \"c\"", "macs": 1_234_567, "dice": 0.95}, {"model": "x\ry <z>", "macs": null, "dice": null}])
        );
    }
}
