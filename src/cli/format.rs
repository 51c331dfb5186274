//! `--format`: which of the formats a command has.

use crate::show::table::OutputFormat;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Formats of a command, each with what `--help` says of it; nothing where its name says enough.
pub(super) type Formats = &'static [(OutputFormat, &'static str)];

/// For people, and for programs.
pub(super) const TEXT_OR_JSON: Formats = &[(OutputFormat::Text, ""), (OutputFormat::Json, "")];

/// Everything that a table is printed in.
pub(super) const TABLES: Formats = &[
    (OutputFormat::Text, ""),
    (OutputFormat::Json, ""),
    (OutputFormat::Csv, ""),
    (OutputFormat::Markdown, ""),
    (OutputFormat::Latex, "For the booktabs package"),
];

/// Reads one of the formats; `--help` and the message for any other word list them.
pub(super) fn one_of(formats: Formats) -> impl TypedValueParser<Value = OutputFormat> {
    let value = |(format, help): &(OutputFormat, &'static str)| {
        let value = PossibleValue::new(format.name());
        if help.is_empty() { value } else { value.help(*help) }
    };
    PossibleValuesParser::new(formats.iter().map(value)).try_map(|name| name.parse::<OutputFormat>())
}
