//! A column of a table: what it is called, and who sees it.

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Who reads a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableReader {
    /// Reads text, Markdown, LaTeX and HTML.
    Person,
    /// Reads CSV and JSON.
    Program,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What people read above it.
    pub title: String,
    name: Option<String>,
    pub(super) align: Align,
    only: Option<TableReader>,
}

impl Column {
    /// Cells on the left.
    pub fn words(title: impl Into<String>) -> Self {
        Self { title: title.into(), name: None, align: Align::Left, only: None }
    }

    /// Cells on the right.
    pub fn numbers(title: impl Into<String>) -> Self {
        Self { align: Align::Right, ..Self::words(title) }
    }

    /// What programs call the column; its title when not given.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// A column that CSV and JSON leave out.
    pub fn for_people(self) -> Self {
        Self { only: Some(TableReader::Person), ..self }
    }

    /// A column of CSV and JSON alone.
    pub fn for_programs(self) -> Self {
        Self { only: Some(TableReader::Program), ..self }
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.title)
    }

    pub(super) fn is_for(&self, reader: TableReader) -> bool {
        self.only.is_none_or(|only| only == reader)
    }
}
