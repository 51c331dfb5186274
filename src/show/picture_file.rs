//! Pictures of graphs in files: which directions and themes a format has, one colour scheme or both, and PNG where the name of the file
//! ends with `.png`.

use super::chart::ChartTheme;
use super::picture::Direction;
use super::table::OutputFormat;
use crate::base::atomic::write_named_file;
use crate::base::error::Result;
use crate::base::problem::problem;
use std::path::Path;

/// Checks whether npc draws the picture itself, in its own layout and colours.
pub(crate) fn is_drawn(format: OutputFormat) -> bool {
    matches!(format, OutputFormat::Svg | OutputFormat::Png | OutputFormat::Html)
}

/// Fails for a direction or a theme that the format does not have.
pub(crate) fn check_picture_options(
    format: OutputFormat,
    direction: Option<Direction>,
    theme: Option<ChartTheme>,
) -> Result<()> {
    let drawn = is_drawn(format);
    if theme.is_some() && !drawn {
        return Err(problem!(E0503, "--theme is for pictures that npc draws itself";
            help: "add --format svg or html, or --out FILE.png"));
    }
    let Some(direction) = direction else { return Ok(()) };
    let own_layout = matches!(format, OutputFormat::Dot | OutputFormat::Mermaid);
    let (fits, formats) = match direction {
        Direction::Auto | Direction::Down => (drawn || own_layout, "svg, html, mermaid or dot, or --out FILE.png"),
        Direction::U => (drawn, "svg or html, or --out FILE.png"),
        Direction::Right => (own_layout, "mermaid or dot"),
    };
    match fits {
        true => Ok(()),
        false => {
            Err(problem!(E0503, "{format} has no --direction {}", direction.name(); help: "add --format {formats}"))
        }
    }
}

/// The rule around the colours of the dark scheme, up to its brace and without blanks.
const DARK_RULE: &str = "@media(prefers-color-scheme:dark)";

/// Returns a picture or a page with the colours of one scheme alone. [`ChartTheme::Auto`] keeps both.
///
/// The styles hold the dark colours in rules `@media (prefers-color-scheme: dark) { ... }` after the light ones, so that they win
/// where the rule applies. The light scheme is the text without these rules, the dark one the text with their content.
pub(crate) fn in_theme(text: &str, theme: ChartTheme) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, content, after)) = split_at_dark_rule(rest).filter(|_| theme != ChartTheme::Auto) {
        out.push_str(before);
        if theme == ChartTheme::Dark {
            out.push_str(content);
        }
        rest = after;
    }
    out + rest
}

/// Returns the text before the next rule of the dark scheme, the content of the rule, and the text after it.
fn split_at_dark_rule(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.match_indices("@media").map(|(at, _)| at).find(|&at| is_dark_rule(&text[at..]))?;
    let open = start + text[start..].find('{')?;
    let mut depth = 0usize;
    for (at, letter) in text[open..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return Some((&text[..start], &text[open + 1..open + at], &text[open + at + 1..])),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Checks whether a text starts with the rule of the dark scheme, with any blanks in it.
fn is_dark_rule(text: &str) -> bool {
    let head = text.split('{').next().unwrap_or_default();
    head.chars().filter(|c| !c.is_whitespace()).eq(DARK_RULE.chars())
}

/// Writes a picture into a file: as PNG where its name ends with `.png`, else as it is. A PNG file is light unless the theme is dark.
///
/// Returns a note where no font has some letters of a PNG file.
///
/// # Errors
/// The file cannot be written, or it is to be PNG in a build without the feature `data`.
pub(crate) fn write_picture(path: &Path, svg: &str, theme: ChartTheme) -> Result<Option<String>> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        return write_png(path, svg, theme);
    }
    write_named_file(path, in_theme(svg, theme).as_bytes())?;
    Ok(None)
}

#[cfg(feature = "data")]
fn write_png(path: &Path, svg: &str, theme: ChartTheme) -> Result<Option<String>> {
    let theme = if theme == ChartTheme::Dark { theme } else { ChartTheme::Light };
    let picture = super::raster::svg_to_png(&in_theme(svg, theme))?;
    write_named_file(path, &picture.png)?;
    Ok(picture.note())
}

#[cfg(not(feature = "data"))]
fn write_png(path: &Path, _: &str, _: ChartTheme) -> Result<Option<String>> {
    Err(
        crate::base::problem::problem!(E0503, path, "this npc is built without the feature `data`, which PNG files need";
        help: "end the name with .svg"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_alone_has_no_media_rule() {
        let svg = "<style>.a{fill:red}@media (prefers-color-scheme: dark) {\n.a{fill:blue}.b{x:y}}\n.c{}</style>@media print {}";
        assert_eq!(in_theme(svg, ChartTheme::Auto), svg);
        assert_eq!(in_theme(svg, ChartTheme::Light), "<style>.a{fill:red}\n.c{}</style>@media print {}");
        assert_eq!(
            in_theme(svg, ChartTheme::Dark),
            "<style>.a{fill:red}\n.a{fill:blue}.b{x:y}\n.c{}</style>@media print {}"
        );
        let open = "@media(prefers-color-scheme:dark){.a{}";
        assert_eq!(in_theme(open, ChartTheme::Dark), open);
    }
}
