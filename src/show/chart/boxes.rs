//! Draws box plots: for each metric a panel, with a row for each group of cases.
//!
//! A row shows the quartiles with the median, Tukey's whiskers, a dot for each case, and the mean. Dots are spread by a fixed pattern.
//! Where two groups hold the same cases, faint lines join the two dots of each.

use super::axis::TickRange;
use super::drawing::ChartDrawing;
use super::legend::{LegendEntry, LegendMark, draw_legend, legend_height};
use super::rectangle::Rect;
use super::scale::AxisScale;
use super::theme::SERIES_COLOURS;
use crate::base::xml::escaped;
use crate::metric::BoxSummary;
use crate::show::distinct_names::{DistinctNames, distinct_names};
use crate::show::text::{width, wrapped};
use std::fmt::Write;

const WIDTH: f64 = 820.0;
const SIDE: f64 = 16.0;
/// Width of the notes at the right of the rows.
const NOTES: f64 = 190.0;
/// Least and greatest width of the names at the left.
const NAMES: [f64; 2] = [70.0, 200.0];
/// Font size of all texts.
const SIZE: f64 = 11.0;
/// The most letters of a name. The tooltip has the whole name. No two different names of a panel become the same text.
const MAX_LETTERS: usize = 30;
/// Height of a row where there are few, and where there are many.
const ROW_HEIGHTS: [f64; 2] = [58.0, 38.0];
/// The most rows of a panel that are high.
const FEW_ROWS: usize = 4;
/// Height of a panel without its rows: its title above them, and its axis below.
const PANEL_HEAD: f64 = 24.0;
const PANEL_FOOT: f64 = 32.0;
const LINE: f64 = 15.0;
/// Share of a row's height that the box takes, and that the dots are spread over.
const BOX_SHARE: f64 = 0.5;
const DOT_SHARE: f64 = 0.62;
/// The steps of the golden ratio spread any number of dots evenly.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// A box plot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BoxPlot {
    pub title: String,
    /// What a dot is: `one image`.
    pub case: String,
    /// Names of the cases, in the order of the values of every group.
    pub cases: Vec<String>,
    pub panels: Vec<BoxPanel>,
    /// Sentences below the panels.
    pub notes: Vec<String>,
}

/// A panel, such as that of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BoxPanel {
    pub title: String,
    pub groups: Vec<BoxGroup>,
}

/// A row of a panel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BoxGroup {
    pub name: String,
    /// The value of each case; NaN where it has none.
    pub values: Vec<f64>,
    /// The mean that the ring shows. It may be another one than that of the values, such as a mean over classes first.
    pub mean: Option<f64>,
    /// Up to two lines beside the row.
    pub notes: Vec<String>,
}

/// Draws the plot, or returns `None` where no case has a value.
pub(crate) fn box_plot(plot: &BoxPlot) -> Option<ChartDrawing> {
    let panels: Vec<&BoxPanel> = plot.panels.iter().filter(|panel| !panel.values().all(f64::is_nan)).collect();
    if panels.is_empty() {
        return None;
    }
    let legend = legend(plot, &panels);
    let mut out = String::new();
    draw_legend(&mut out, &legend, [SIDE, 2.0], WIDTH - 2.0 * SIDE);
    let mut top = 2.0 + legend_height(&legend, WIDTH - 2.0 * SIDE) + 8.0;
    let names = row_names(panels[0]);
    let widths = panels.iter().flat_map(|panel| row_names(panel).texts).map(|name| width(&name, SIZE));
    let left = SIDE + widths.fold(NAMES[0], f64::max).min(NAMES[1]) + 10.0;
    for panel in panels {
        top = draw_panel(&mut out, plot, panel, [left, top]);
    }
    let folder = names.folder.map(|folder| format!("The names of all rows begin with {folder}, which is left out."));
    for note in folder.iter().chain(&plot.notes).flat_map(|note| wrapped(note, SIZE, WIDTH - 2.0 * SIDE)) {
        top += LINE;
        let _ = writeln!(out, "<text class=\"note\" x=\"{SIDE}\" y=\"{top:.1}\">{}</text>", escaped(&note));
    }
    Some(ChartDrawing { title: plot.title.clone(), size: [WIDTH, (top + SIDE).ceil()], body: out })
}

impl BoxPanel {
    fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.groups.iter().flat_map(|group| group.values.iter().copied())
    }

    /// Checks whether lines join the cases of two groups.
    fn is_paired(&self) -> bool {
        self.groups.len() == 2
    }
}

/// Returns the names of the rows of a panel as they are drawn.
fn row_names(panel: &BoxPanel) -> DistinctNames {
    let names: Vec<&str> = panel.groups.iter().map(|group| group.name.as_str()).collect();
    distinct_names(&names, MAX_LETTERS)
}

fn legend(plot: &BoxPlot, panels: &[&BoxPanel]) -> Vec<LegendEntry> {
    let mut legend = vec![
        LegendEntry::new("weak", LegendMark::Area, "quartiles, median"),
        LegendEntry::new("weak", LegendMark::Line, "whiskers, at most 1.5 IQR"),
        LegendEntry::new("weak", LegendMark::Ring, "mean"),
        LegendEntry::new("weak", LegendMark::Dot, plot.case.as_str()),
    ];
    if panels.iter().any(|panel| panel.is_paired()) {
        legend.push(LegendEntry::new(
            "pair",
            LegendMark::Line,
            format!("the same {}", plot.case.trim_start_matches("one ")),
        ));
    }
    legend
}

/// Draws a panel, and returns where it ends.
fn draw_panel(out: &mut String, plot: &BoxPlot, panel: &BoxPanel, [left, top]: [f64; 2]) -> f64 {
    let row_height = ROW_HEIGHTS[usize::from(panel.groups.len() > FEW_ROWS)];
    let first = top + PANEL_HEAD;
    let bottom = first + row_height * panel.groups.len() as f64;
    let area = Rect { left, top: first, right: WIDTH - NOTES - SIDE, bottom };
    let means = panel.groups.iter().filter_map(|group| group.mean);
    let finite = panel.values().chain(means).filter(|v| v.is_finite());
    let Some(range) = TickRange::covering(finite, 6) else { return top };
    let x = AxisScale::plain(range, [area.left + 8.0, area.right - 8.0]);
    let title = escaped(&panel.title);
    let _ = writeln!(out, "<text class=\"panel\" x=\"{SIDE}\" y=\"{:.1}\">{title}</text>", top + 12.0);
    for (at, text) in x.ticks() {
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{at:.1} {first:.1}V{bottom:.1}\"/>\
             <text class=\"tick mid\" x=\"{at:.1}\" y=\"{:.1}\">{text}</text>",
            bottom + 15.0
        );
    }
    let _ = writeln!(out, "<path class=\"axis\" d=\"M{:.1} {bottom:.1}H{:.1}\"/>", area.left, area.right);
    let middle = |row: usize| first + row_height * (row as f64 + 0.5);
    let dot = |row: usize, case: usize| middle(row) + (jitter(case) - 0.5) * row_height * DOT_SHARE;
    if let ([a, b], true) = (&panel.groups[..], panel.is_paired()) {
        let pairs = a.values.iter().zip(&b.values).enumerate().filter(|(_, (a, b))| a.is_finite() && b.is_finite());
        let lines: String = pairs
            .map(|(case, (a, b))| format!("M{:.1} {:.1}L{:.1} {:.1}", x.at(*a), dot(0, case), x.at(*b), dot(1, case)))
            .collect();
        let _ = writeln!(out, "<g class=\"pair\"><path class=\"line\" d=\"{lines}\"/></g>");
    }
    for ((row, group), name) in panel.groups.iter().enumerate().zip(row_names(panel).texts) {
        // Rows have their names beside them, so colours may repeat.
        let _ = writeln!(out, "<g class=\"s{}\">", row % SERIES_COLOURS);
        draw_box(out, group, &x, middle(row), row_height * BOX_SHARE / 2.0);
        for (case, value) in group.values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let name = plot.cases.get(case).map_or("", String::as_str);
            let _ = writeln!(
                out,
                "<circle class=\"strip\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.3\"><title>{}: {value:.4}</title></circle>",
                x.at(*value),
                dot(row, case),
                escaped(name)
            );
        }
        draw_mean(out, group, &x, middle(row));
        out.push_str("</g>\n");
        draw_texts(out, (group, &name), area, middle(row));
    }
    bottom + PANEL_FOOT
}

/// Returns a fixed number in 0..1 for a case. A case has the same in every row, so that lines of pairs run alike.
fn jitter(case: usize) -> f64 {
    (0.5 + case as f64 * GOLDEN).fract()
}

fn draw_box(out: &mut String, group: &BoxGroup, x: &AxisScale, y: f64, half: f64) {
    let Some(found) = BoxSummary::of(&group.values) else { return };
    let [low, high] = found.quartiles.map(|v| x.at(v));
    let [least, greatest] = found.whiskers.map(|v| x.at(v));
    let (median, cap) = (x.at(found.median), half * 0.5);
    let _ = writeln!(
        out,
        "<path class=\"line thin\" d=\"M{least:.1} {y:.1}H{low:.1}M{high:.1} {y:.1}H{greatest:.1}\
         M{least:.1} {:.1}v{:.1}M{greatest:.1} {:.1}v{:.1}\"/>",
        y - cap,
        2.0 * cap,
        y - cap,
        2.0 * cap
    );
    let (top, height) = (y - half, 2.0 * half);
    let _ = writeln!(
        out,
        "<rect class=\"bar body\" x=\"{low:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{}</title></rect>",
        (high - low).max(1.0),
        escaped(&format!(
            "{}: median {:.4}, quartiles {:.4} and {:.4}, n = {}",
            group.name, found.median, found.quartiles[0], found.quartiles[1], found.n
        ))
    );
    let _ = writeln!(
        out,
        "<path class=\"line thin\" d=\"M{low:.1} {top:.1}H{high:.1}V{:.1}H{low:.1}Z\"/>\
         <path class=\"line\" d=\"M{median:.1} {top:.1}v{height:.1}\"/>",
        top + height
    );
}

fn draw_mean(out: &mut String, group: &BoxGroup, x: &AxisScale, y: f64) {
    let Some(mean) = group.mean.filter(|mean| mean.is_finite()) else { return };
    let _ = writeln!(
        out,
        "<circle class=\"ring\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"><title>mean {mean:.4}</title></circle>",
        x.at(mean)
    );
}

/// Draws the name at the left of a row, and the notes at its right.
fn draw_texts(out: &mut String, (group, name): (&BoxGroup, &str), area: Rect, y: f64) {
    let _ = writeln!(
        out,
        "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}<title>{}</title></text>",
        area.left - 8.0,
        y + 4.0,
        escaped(name),
        escaped(&group.name)
    );
    let first = y + 4.0 - LINE / 2.0 * (group.notes.len().max(1) - 1) as f64;
    for (line, note) in group.notes.iter().enumerate() {
        let _ = writeln!(
            out,
            "<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            area.right + 12.0,
            first + LINE * line as f64,
            escaped(note)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::theme::ChartTheme;
    use super::*;

    fn plot(groups: &[(&str, &[f64])]) -> BoxPlot {
        let group = |(name, values): &(&str, &[f64])| BoxGroup {
            name: name.to_string(),
            values: values.to_vec(),
            mean: values.first().map(|first| first / 4.0),
            notes: vec!["p = 0.03".into()],
        };
        let panel = BoxPanel { title: "Dice".into(), groups: groups.iter().map(group).collect() };
        let cases = (0..groups[0].1.len()).map(|i| format!("case_{i}")).collect();
        BoxPlot { title: "a & b".into(), case: "one image".into(), cases, panels: vec![panel], notes: vec!["n".into()] }
    }

    #[test]
    fn two_groups_are_paired_and_missing_values_are_no_dots() {
        let svg = box_plot(&plot(&[("a", &[0.1, 0.5, f64::NAN, 0.9]), ("<b>", &[0.2, 0.4, 0.3, 0.8])])).unwrap();
        let svg = svg.file(ChartTheme::Auto);
        assert_eq!(svg.matches("class=\"strip\"").count(), 7);
        assert_eq!(svg.matches("bar body").count(), 2);
        let pairs = svg.split("class=\"pair\"><path class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(pairs.matches('M').count(), 3);
        assert!(svg.contains("&lt;b&gt;") && svg.contains("a &amp; b") && svg.contains("case_3: 0.8000"));
        assert_eq!(svg.matches("p = 0.03").count(), 2);
        // The ring is the mean that is given, whatever the values are.
        assert!(svg.contains("<title>mean 0.0250</title>") && svg.contains("<title>mean 0.0500</title>"), "{svg}");
    }

    #[test]
    fn many_groups_have_no_lines_between_cases() {
        let groups: Vec<(String, Vec<f64>)> =
            (0..12).map(|i| (format!("runs/a_long_name_of_an_experiment_{i}"), vec![f64::from(i), 2.0, 3.0])).collect();
        let groups: Vec<(&str, &[f64])> = groups.iter().map(|(name, values)| (&name[..], &values[..])).collect();
        let svg = box_plot(&plot(&groups)).unwrap().body;
        assert!(!svg.contains("class=\"pair\""));
        assert_eq!(svg.matches("bar body").count(), 12);
    }

    #[test]
    fn names_lose_what_is_common_and_stay_different() {
        let at = |middle: &str| format!("runs/paper/experiment_of_lungs_{middle}_with_the_same_long_end_of_the_name");
        let (a, b) = (at("first"), at("second"));
        let svg = box_plot(&plot(&[(&a, &[0.1]), (&b, &[0.2])])).unwrap().body;
        let names: Vec<&str> =
            svg.split("class=\"end\"").skip(1).filter_map(|rest| rest.split(['>', '<']).nth(1)).collect();
        assert!(names.len() == 2 && names[0].contains("first") && names[1].contains("second"), "{names:?}");
        assert!(svg.contains(&format!("<title>{a}</title>")), "the tooltip has the whole name");
        assert!(svg.contains("begin with runs/paper/, which is left out"));
    }

    #[test]
    fn without_values_there_is_no_plot() {
        assert!(box_plot(&plot(&[("a", &[f64::NAN])])).is_none());
        assert!(box_plot(&plot(&[("a", &[0.5]), ("b", &[f64::NAN])])).is_some());
    }
}
