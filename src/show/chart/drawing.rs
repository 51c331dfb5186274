//! A finished chart, as a part of a page or as a file.

use super::theme::{ChartTheme, chart_style};
use crate::base::xml::escaped;

/// Height of the title above a chart in a file.
const TITLE_HEIGHT: f64 = 30.0;

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
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n{}</svg>",
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
}
