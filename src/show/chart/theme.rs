//! Fonts and colours of all charts, for a page that has a colour scheme and for files of their own.
//!
//! Colours are written out in files, because many SVG viewers do not support CSS variables, and some no media queries.

use std::fmt::Write;
use std::str::FromStr;

const RULES: &str = include_str!("chart.css");

/// Fonts of all texts. DejaVu Sans is the widest of them.
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/// Fonts of labels that are measured by their letters.
const MONO: &str = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

/// Number of series with a colour of their own. Further series take the colours again, with dashed lines.
pub(crate) const SERIES_COLOURS: usize = 8;

/// Colour scheme of a chart in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChartTheme {
    /// Light, and dark where the reader's setting is dark (`prefers-color-scheme`).
    #[default]
    Auto,
    Light,
    Dark,
}

/// The colours of a scheme.
struct ChartColours {
    paper: &'static str,
    ink: &'static str,
    soft: &'static str,
    rule: &'static str,
    series: [&'static str; SERIES_COLOURS],
}

const LIGHT: ChartColours = ChartColours {
    paper: "#ffffff",
    ink: "#1c2024",
    soft: "#5d6670",
    rule: "#dde1e6",
    series: ["#0b62b0", "#c2540a", "#1d7f4f", "#8b3fa0", "#8a6d00", "#c0396b", "#12757f", "#6b7280"],
};

const DARK: ChartColours = ChartColours {
    paper: "#14171b",
    ink: "#e6e9ec",
    soft: "#9aa4af",
    rule: "#343b43",
    series: ["#6cb2f2", "#f0a05a", "#6ccb98", "#cf98e0", "#ddb449", "#ef7ba5", "#58c2d0", "#a6b0bd"],
};

impl ChartTheme {
    /// All themes.
    pub const ALL: [ChartTheme; 3] = [ChartTheme::Auto, ChartTheme::Light, ChartTheme::Dark];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ChartTheme::Auto => "auto",
            ChartTheme::Light => "light",
            ChartTheme::Dark => "dark",
        }
    }
}

impl FromStr for ChartTheme {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|theme| theme.name() == name).ok_or_else(|| format!("the themes are {}", known()))
    }
}

impl ChartColours {
    /// Returns each colour with its name.
    fn named(&self) -> Vec<(String, &'static str)> {
        let named = [("paper", self.paper), ("ink", self.ink), ("soft", self.soft), ("rule", self.rule)];
        let series = self.series.iter().enumerate().map(|(i, colour)| (format!("s{i}"), *colour));
        named.into_iter().map(|(name, colour)| (name.to_string(), colour)).chain(series).collect()
    }

    /// Returns the rules of all charts with the colours written out.
    fn rules(&self) -> String {
        let colours = self.named();
        rules_with(|name| colours.iter().find(|(n, _)| n == name).map(|(_, colour)| (*colour).to_string()))
    }

    /// Returns the colours as CSS variables of a page.
    #[cfg(feature = "data")]
    fn variables(&self) -> String {
        let all: String = self.named().iter().map(|(name, colour)| format!(" --{name}: {colour};")).collect();
        format!(":root {{{all} }}\n")
    }
}

/// Returns the rules of all charts; `colour` gives the value of a colour by its name.
fn rules_with(colour: impl Fn(&str) -> Option<String>) -> String {
    let mut out = format!("{RULES}{}", series_rules());
    for name in LIGHT.named().iter().map(|(name, _)| name) {
        let value = colour(name).unwrap_or_default();
        out = out.replace(&format!("${name};"), &format!("{value};"));
    }
    out.replace("$font;", &format!("{FONT};")).replace("$mono;", &format!("{MONO};"))
}

/// Returns the rules that give each series its colour.
fn series_rules() -> String {
    let mut out = String::new();
    for i in 0..SERIES_COLOURS {
        let _ = writeln!(
            out,
            ".chart .s{i} .line, .chart .s{i} .ring, .chart .s{i} .gap {{ stroke: $s{i}; }}\n\
             .chart .s{i} .dot, .chart .s{i} .bar, .chart .s{i} .strip, .chart .s{i} .gap, .chart .s{i} .hover:hover {{ fill: $s{i}; }}"
        );
    }
    out
}

/// Returns the style sheet of a page with charts. It defines the colours as variables, which are light on paper.
#[cfg(feature = "data")]
pub(crate) fn page_style() -> String {
    format!(
        "{}@media (prefers-color-scheme: dark) {{ {}}}\n@media print {{ {}}}\n{}",
        LIGHT.variables(),
        DARK.variables(),
        LIGHT.variables(),
        rules_with(|name| Some(format!("var(--{name})")))
    )
}

/// Returns the style sheet of a chart in a file.
pub(crate) fn chart_style(theme: ChartTheme) -> String {
    match theme {
        ChartTheme::Light => LIGHT.rules(),
        ChartTheme::Dark => DARK.rules(),
        ChartTheme::Auto => format!("{}@media (prefers-color-scheme: dark) {{\n{}}}\n", LIGHT.rules(), DARK.rules()),
    }
}

/// Returns the class of a series: its colour, and dashes once the colours are used up.
pub(crate) fn series_class(index: usize) -> String {
    let dashes = match index / SERIES_COLOURS {
        0 => "",
        1 => " dashed",
        _ => " dotted",
    };
    format!("s{}{dashes}", index % SERIES_COLOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_is_written_out() {
        for theme in ChartTheme::ALL {
            let style = chart_style(theme);
            assert!(!style.contains('$'), "{style}");
            assert_eq!(style.contains("prefers-color-scheme"), theme == ChartTheme::Auto);
            assert_eq!(theme.name().parse(), Ok(theme));
        }
        assert!("blue".parse::<ChartTheme>().is_err());
    }

    #[test]
    fn series_that_share_a_colour_differ_in_their_dashes() {
        let classes: Vec<String> = (0..3 * SERIES_COLOURS).map(series_class).collect();
        assert_eq!((&*classes[0], &*classes[8], &*classes[17]), ("s0", "s0 dashed", "s1 dotted"));
        assert!(classes.iter().enumerate().all(|(i, class)| !classes[..i].contains(class)));
    }
}
