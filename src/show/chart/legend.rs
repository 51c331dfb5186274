//! The legend of every chart: marks with names, from left to right and in several rows where they do not fit into one.

use crate::base::xml::escaped;
use crate::show::text::{shortened, width};
use std::fmt::Write;

/// Height of a row.
pub(crate) const LEGEND_ROW: f64 = 16.0;
/// Font size of the names.
const SIZE: f64 = 11.0;
/// Width of a mark, and the gap behind it.
const MARK: f64 = 16.0;
const MARK_GAP: f64 = 5.0;
/// Gap between two entries.
const ENTRY_GAP: f64 = 14.0;
/// The most letters of a name. The tooltip has the whole name.
const MAX_LETTERS: usize = 40;

/// The mark of an entry, drawn as the chart draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LegendMark {
    /// A line: `line`.
    Line,
    /// A filled dot: `dot`.
    Dot,
    /// A ring, such as a marked point of a line: `ring`.
    Ring,
    /// A bar or an area: `bar`.
    Area,
    /// The gap between two values: `gap`.
    Gap,
    /// A dashed line that helps to read the chart: `mark`.
    Guide,
    /// The level of chance: `line chance`.
    Chance,
}

/// An entry of a legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LegendEntry {
    /// CSS classes of the group around the mark, as of [`series_class`](super::theme::series_class).
    pub class: String,
    pub mark: LegendMark,
    pub name: String,
}

impl LegendEntry {
    pub(crate) fn new(class: impl Into<String>, mark: LegendMark, name: impl Into<String>) -> LegendEntry {
        LegendEntry { class: class.into(), mark, name: name.into() }
    }

    fn text(&self) -> String {
        shortened(&self.name, MAX_LETTERS)
    }

    fn width(&self) -> f64 {
        MARK + MARK_GAP + width(&self.text(), SIZE)
    }
}

/// Returns left edge and row of each entry in a legend that is `width` wide. More than two rows stand in columns.
fn places(entries: &[LegendEntry], width: f64) -> Vec<(f64, usize)> {
    let (mut x, mut row) = (0.0, 0);
    let place = |entry: &LegendEntry| {
        if x > 0.0 && x + entry.width() > width {
            (x, row) = (0.0, row + 1);
        }
        let place = (x, row);
        x += entry.width() + ENTRY_GAP;
        place
    };
    let flowing: Vec<(f64, usize)> = entries.iter().map(place).collect();
    if row < 2 {
        return flowing;
    }
    let widest = entries.iter().map(LegendEntry::width).fold(0.0, f64::max) + ENTRY_GAP;
    let columns = (((width + ENTRY_GAP) / widest) as usize).max(1);
    (0..entries.len()).map(|i| ((i % columns) as f64 * widest, i / columns)).collect()
}

/// Returns the height of a legend that is `width` wide; 0 without entries.
pub(crate) fn legend_height(entries: &[LegendEntry], width: f64) -> f64 {
    places(entries, width).last().map_or(0.0, |(_, row)| (row + 1) as f64 * LEGEND_ROW)
}

/// Draws a legend that is `width` wide; `[left, top]` is its corner.
pub(crate) fn draw_legend(out: &mut String, entries: &[LegendEntry], [left, top]: [f64; 2], width: f64) {
    for (entry, (x, row)) in entries.iter().zip(places(entries, width)) {
        let (x, middle) = (left + x, top + (row as f64 + 0.5) * LEGEND_ROW);
        let mark = draw_mark(entry.mark, x, middle);
        let text = entry.text();
        let tooltip = escaped(&entry.name);
        let _ = writeln!(
            out,
            "<g class=\"key {}\"><title>{tooltip}</title>{mark}<text class=\"keytext\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            entry.class,
            x + MARK + MARK_GAP,
            middle + 4.0,
            escaped(&text)
        );
    }
}

/// Draws a mark whose left end is at `x`.
fn draw_mark(mark: LegendMark, x: f64, middle: f64) -> String {
    let line = |class: &str| format!("<path class=\"{class}\" d=\"M{x:.1} {middle:.1}h{MARK}\"/>");
    let dot =
        |class: &str| format!("<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"4\"/>", x + MARK / 2.0);
    let area = |class: &str| {
        let (x, y) = (x + (MARK - 11.0) / 2.0, middle - 5.5);
        format!("<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"11\" height=\"11\"/>")
    };
    match mark {
        LegendMark::Line => line("line"),
        LegendMark::Guide => line("mark"),
        LegendMark::Chance => line("line chance"),
        LegendMark::Dot => dot("dot"),
        LegendMark::Ring => dot("ring"),
        LegendMark::Area => area("bar"),
        LegendMark::Gap => area("gap"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_inside_and_do_not_overlap() {
        let names = ["a", "left ventricle", "a very long name of a class that does not fit into its entry", "b < c"];
        let entries: Vec<LegendEntry> =
            (0..20).map(|i| LegendEntry::new("s0", LegendMark::Line, names[i % 4])).collect();
        for wide in [100.0, 260.0, 800.0] {
            let places = places(&entries, wide);
            for (i, (x, row)) in places.iter().enumerate() {
                let end = x + entries[i].width();
                assert!(end <= wide || *x == 0.0, "{wide}: {places:?}");
                assert!(places[i + 1..].iter().all(|(other, r)| r > row || *other >= end), "{wide}: {places:?}");
            }
            assert_eq!(legend_height(&entries, wide), (places[19].1 + 1) as f64 * LEGEND_ROW);
        }
        assert_eq!(legend_height(&[], 100.0), 0.0);
    }

    #[test]
    fn names_are_escaped_and_whole_in_the_tooltip() {
        let mut out = String::new();
        let long = "x".repeat(50);
        let entries =
            [LegendEntry::new("s1", LegendMark::Dot, "b < c"), LegendEntry::new("s2", LegendMark::Area, &*long)];
        draw_legend(&mut out, &entries, [10.0, 20.0], 300.0);
        assert!(out.contains("b &lt; c") && out.contains(&format!("<title>{long}</title>")), "{out}");
        assert_eq!((out.matches("class=\"dot\"").count(), out.matches("class=\"bar\"").count()), (1, 1));
    }
}
