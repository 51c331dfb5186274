//! Options whose value is one of some words: `--format` above all, of which each command has its own.

use crate::show::table::OutputFormat;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::str::FromStr;

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
pub(super) fn format_parser(formats: Formats) -> impl TypedValueParser<Value = OutputFormat> {
    word_parser(formats, OutputFormat::name)
}

/// Reads one of some values by its name. Each has what `--help` says of it.
pub(super) fn word_parser<T>(
    values: &[(T, &'static str)],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> + use<T>
where
    T: Copy + Send + Sync + FromStr<Err = String> + 'static,
{
    let value = |(value, help): &(T, &'static str)| {
        let value = PossibleValue::new(name(*value));
        if help.is_empty() { value } else { value.help(*help) }
    };
    PossibleValuesParser::new(values.iter().map(value)).try_map(|text| text.parse::<T>())
}
