//! A finished chart, as a part of a page or as a file.

use super::theme::{ChartTheme, chart_style};
use crate::base::atomic::write_named_file;
use crate::base::error::Result;
use crate::base::xml::escaped;
use std::path::Path;

/// Height of the title above a chart in a file.
const TITLE_HEIGHT: f64 = 30.0;

/// How far a page may enlarge a chart.
const MOST_ENLARGED: f64 = 1.2;

/// Endings of the files that [`ChartDrawing::write`] writes.
#[cfg(feature = "data")]
pub(crate) const CHART_ENDINGS: &[&str] = &["svg", "png"];
#[cfg(not(feature = "data"))]
pub(crate) const CHART_ENDINGS: &[&str] = &["svg"];

/// A chart without its title, in its own units.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartDrawing {
    pub title: String,
    /// Width and height.
    pub size: [f64; 2],
    /// SVG elements.
    pub body: String,
}

impl ChartDrawing {
    /// Returns the SVG element for a page that has the title, the style and the colours.
    pub(crate) fn inline(&self) -> String {
        let [width, height] = self.size;
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" style=\"max-width: {:.0}px\" role=\"img\" aria-label=\"{}\">\n\
             {}</svg>",
            width * MOST_ENLARGED,
            escaped(&self.title),
            self.body
        )
    }

    /// Returns an SVG file with the title above the chart.
    pub fn file(&self, theme: ChartTheme) -> String {
        let ([width, height], title) = (self.size, escaped(&self.title));
        let height = height + TITLE_HEIGHT;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<style>\n{}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
             <text class=\"title\" x=\"14\" y=\"22\">{title}</text>\n\
             <g transform=\"translate(0 {TITLE_HEIGHT})\">\n{}</g>\n</svg>\n",
            chart_style(theme),
            self.body
        )
    }

    /// Writes the chart as PNG where the name ends in `.png`, else as SVG. A PNG file is light unless the theme is dark.
    ///
    /// Returns a note where no font has some letters of a PNG file. Errors: the file cannot be written, or this build has no PNG.
    pub(crate) fn write(&self, path: &Path, theme: ChartTheme) -> Result<Option<String>> {
        let is_png = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
        if is_png {
            return self.write_png(path, theme);
        }
        write_named_file(path, self.file(theme).as_bytes())?;
        Ok(None)
    }

    #[cfg(feature = "data")]
    fn write_png(&self, path: &Path, theme: ChartTheme) -> Result<Option<String>> {
        let theme = if theme == ChartTheme::Dark { theme } else { ChartTheme::Light };
        let picture = crate::show::raster::svg_to_png(&self.file(theme))?;
        write_named_file(path, &picture.png)?;
        Ok(picture.note())
    }

    #[cfg(not(feature = "data"))]
    fn write_png(&self, _: &Path, _: ChartTheme) -> Result<Option<String>> {
        Err(crate::base::problem::problem!(E0702, "this npc is built without the feature `data`, which PNG files need"))
    }
}
