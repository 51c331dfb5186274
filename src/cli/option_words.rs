//! Options whose value is a word from a list, such as `--format`; each command supports its own formats.

use crate::show::table::OutputFormat;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::str::FromStr;

/// Formats of a command, each with its text in `--help`, which may be empty.
pub(super) type Formats = &'static [(OutputFormat, &'static str)];

/// Text, and JSON for programs.
pub(super) const TEXT_OR_JSON: Formats = &[(OutputFormat::Text, ""), (OutputFormat::Json, "")];

/// All formats of a table.
pub(super) const TABLES: Formats = &[
    (OutputFormat::Text, ""),
    (OutputFormat::Json, ""),
    (OutputFormat::Csv, ""),
    (OutputFormat::Markdown, ""),
    (OutputFormat::Latex, "For the booktabs package"),
];

/// Returns a parser for one of the formats; `--help` and the error for any other word list them.
pub(super) fn format_parser(formats: Formats) -> impl TypedValueParser<Value = OutputFormat> {
    word_parser(formats, OutputFormat::name)
}

/// Returns a parser for one of the values by its name. Each value has a text for `--help`.
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
