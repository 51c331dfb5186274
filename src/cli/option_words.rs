//! Options whose value is a word from a list, such as `--format`; each command supports its own formats. `--help`, the scripts of
//! shells and the manual pages name the words.

use crate::show::chart::ChartTheme;
use crate::show::table::OutputFormat;
use crate::study::cost::Convention;
use crate::text::config::ProductPrecision;
use crate::text::diag::{WARNINGS, lints};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command};
use std::ffi::OsStr;
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

/// Colours of charts and pictures.
pub(super) const THEMES: &[(ChartTheme, &str)] = &[
    (ChartTheme::Auto, "Those of the reader's setting in .svg and .html; light in .png"),
    (ChartTheme::Light, ""),
    (ChartTheme::Dark, ""),
];

/// Products on a GPU.
pub(super) const PRECISIONS: &[(ProductPrecision, &str)] = &[
    (ProductPrecision::Tf32, "One product of TF32: factors keep 10 bits"),
    (ProductPrecision::F32, "Three products of TF32, which keep nearly 32 bits"),
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

/// Returns a parser for counting conventions, which also have a spelling for model files: `thop_0_1`.
pub(super) fn convention_parser() -> impl TypedValueParser<Value = Convention> {
    ListedWords { parse: str::parse::<Convention>, words: Convention::ALL.map(Convention::name).to_vec() }
}

/// Returns a parser for metrics.
#[cfg(feature = "data")]
pub(super) fn metric_parser() -> impl TypedValueParser<Value = crate::text::config::Metric> {
    use crate::text::config::Metric;
    let words = Metric::ALL.map(Metric::name);
    let parse = |name: &str| {
        let known = || Metric::ALL.map(Metric::name).join(", ");
        Metric::from_name(name).ok_or_else(|| format!("the metrics are {}", known()))
    };
    ListedWords { parse, words: words.to_vec() }
}

/// Returns a parser for the names of lints; `parse` says what is similar to an unknown one.
pub(super) fn lint_parser(parse: fn(&str) -> Result<String, String>) -> impl TypedValueParser<Value = String> {
    ListedWords { parse, words: lints().collect() }
}

/// Returns a parser for the names of lints and `warnings`.
pub(super) fn lint_or_all_parser(parse: fn(&str) -> Result<String, String>) -> impl TypedValueParser<Value = String> {
    ListedWords { parse, words: lints().chain([WARNINGS]).collect() }
}

/// Returns a parser for devices. Of the cards of a machine the first one is listed.
#[cfg(feature = "run")]
pub(super) fn device_parser() -> impl TypedValueParser<Value = crate::compute::device::DeviceChoice> {
    ListedWords { parse: str::parse::<crate::compute::device::DeviceChoice>, words: vec!["cpu", "cuda"] }
}

/// Returns a parser for the text of a device, which settings hold.
#[cfg(feature = "data")]
pub(super) fn device_text_parser() -> impl TypedValueParser<Value = String> {
    #[cfg(feature = "run")]
    let parse = |text: &str| text.parse::<crate::compute::device::DeviceChoice>().map(|device| device.to_string());
    // Without training and prediction nothing is computed on the device.
    #[cfg(not(feature = "run"))]
    let parse = |text: &str| Ok(text.to_string());
    ListedWords { parse, words: vec!["cpu", "cuda"] }
}

/// A parser with its own message for a wrong word, which lists the words for help and completions.
#[derive(Clone)]
struct ListedWords<T> {
    parse: fn(&str) -> Result<T, String>,
    words: Vec<&'static str>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for ListedWords<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, option: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        self.parse.parse_ref(command, option, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().map(PossibleValue::new)))
    }
}
