//! The columns of a table: title, name and kind of reader.

/// Alignment of the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// The kind of reader of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableReader {
    /// A person reads text, Markdown, LaTeX and HTML.
    Person,
    /// A program reads CSV and JSON.
    Program,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Header in the formats for people.
    pub title: String,
    name: Option<String>,
    pub(super) align: Align,
    only: Option<TableReader>,
}

impl Column {
    /// Creates a column whose cells are aligned to the left.
    pub fn words(title: impl Into<String>) -> Self {
        Self { title: title.into(), name: None, align: Align::Left, only: None }
    }

    /// Creates a column whose cells are aligned to the right.
    pub fn numbers(title: impl Into<String>) -> Self {
        Self { align: Align::Right, ..Self::words(title) }
    }

    /// Sets the name of the column in CSV and JSON. By default it is the title.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Leaves the column out of CSV and JSON.
    pub fn for_people(self) -> Self {
        Self { only: Some(TableReader::Person), ..self }
    }

    /// Restricts the column to CSV and JSON.
    pub fn for_programs(self) -> Self {
        Self { only: Some(TableReader::Program), ..self }
    }

    /// Returns the name of the column in CSV and JSON.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.title)
    }

    /// Checks whether a kind of reader sees the column.
    pub(super) fn is_for(&self, reader: TableReader) -> bool {
        self.only.is_none_or(|only| only == reader)
    }
}
