//! Draws a confusion matrix as a heat map: the fraction of each true class, and the number of pixels.

use super::drawing::ChartDrawing;
use super::legend::{LEGEND_ROW, LegendEntry, LegendMark, draw_legend};
use super::report_frame::{WIDTH, px};
use crate::base::number::{thousands, three_digits};
use crate::metric::ConfusionMatrix;
use crate::show::distinct_names::shortened_apart;
use crate::show::text::width;
use maud::{Markup, html};

/// Edge of the picture to the first label.
const MARGIN: f64 = 14.0;
/// Width of the letters of the axis name on the left, and height of the one at the top.
const AXIS_NAME: f64 = 18.0;
/// Width of the column of row totals.
const TOTALS: f64 = 52.0;
/// The most letters of a class name; its tooltip has them all.
const MAX_LETTERS: usize = 20;
/// Font size of names.
const SIZE: f64 = 11.0;
/// Opacity from which text on a cell has the colour of the paper.
const STRONG: f64 = 0.62;
/// Opacity of a cell without pixels.
const FAINTEST: f64 = 0.05;

/// Coordinates of the cells.
struct Grid {
    left: f64,
    top: f64,
    /// Side of a cell.
    cell: f64,
    classes: usize,
    /// Whether the names of columns are slanted.
    slanted: bool,
}

impl Grid {
    fn new(names: &[String]) -> Grid {
        let classes = names.len();
        let cell = match classes {
            0..=4 => 72.0,
            5..=8 => 54.0,
            9..=12 => 44.0,
            _ => 34.0,
        };
        let longest = names.iter().map(|name| width(name, SIZE)).fold(0.0, f64::max);
        let slanted = longest > cell - 4.0;
        let above = if slanted { longest * std::f64::consts::FRAC_1_SQRT_2 + 14.0 } else { 18.0 };
        Grid {
            left: MARGIN + AXIS_NAME + longest + 8.0,
            top: LEGEND_ROW + 8.0 + AXIS_NAME + above,
            cell,
            classes,
            slanted,
        }
    }

    /// Returns the left and upper corner of a cell.
    fn corner(&self, row: usize, column: usize) -> [f64; 2] {
        [self.left + column as f64 * self.cell, self.top + row as f64 * self.cell]
    }

    fn side(&self) -> f64 {
        self.classes as f64 * self.cell
    }
}

/// Draws the matrix. Cells on the diagonal are right, the others wrong; their opacity is the square root of the fraction of the true
/// class, so that small fractions stay visible. `of` names what is counted, such as `pixels`.
pub(crate) fn confusion_chart(title: &str, matrix: &ConfusionMatrix, of: &str) -> ChartDrawing {
    let names = shortened_apart(&matrix.classes, MAX_LETTERS);
    let grid = Grid::new(&names);
    let mut body = String::new();
    let kinds = [("s0", "right"), ("s1", "wrong")].map(|(c, name)| LegendEntry::new(c, LegendMark::Area, name));
    draw_legend(&mut body, &kinds, [MARGIN, 0.0], WIDTH);
    let middle = grid.left + grid.side() / 2.0;
    let drawn = html! {
        text class="keytext" x=(px(MARGIN + 138.0)) y="12" { "stronger: larger share of the true class" }
        text class="name mid" x=(px(middle)) y=(px(LEGEND_ROW + 20.0)) { "prediction" }
        text class="name mid" transform=(format!("translate({MARGIN} {:.1})rotate(-90)", grid.top + grid.side() / 2.0)) { "truth" }
        text class="tick end" x=(px(grid.left + grid.side() + TOTALS)) y=(px(grid.top - 8.0)) { (of) }
        @for (i, name) in names.iter().enumerate() { (names_of(&grid, i, name, &matrix.classes[i])) }
        @for row in 0..grid.classes {
            @for column in 0..grid.classes { (draw_cell(&grid, matrix, [row, column], of)) }
            (row_total(&grid, matrix, row))
        }
    };
    body += &drawn.into_string();
    // A slanted name reaches beyond its column.
    let beyond =
        if grid.slanted { names.last().map_or(0.0, |name| width(name, SIZE) * 0.71) - grid.cell / 2.0 } else { 0.0 };
    let right = grid.left + grid.side() + TOTALS.max(beyond) + MARGIN;
    ChartDrawing { title: title.into(), size: [right.max(WIDTH), grid.top + grid.side() + MARGIN], body }
}

/// Draws the name of a class at its row and at its column.
fn names_of(grid: &Grid, class: usize, name: &str, whole: &str) -> Markup {
    let [x, y] = grid.corner(class, class);
    let (x, y) = (x + grid.cell / 2.0, y + grid.cell / 2.0);
    html! {
        g {
            title { (whole) }
            text class="end" x=(px(grid.left - 8.0)) y=(px(y + 4.0)) { (name) }
            @if grid.slanted {
                text transform=(format!("translate({:.1} {:.1})rotate(-45)", x, grid.top - 8.0)) { (name) }
            } @else {
                text class="mid" x=(px(x)) y=(px(grid.top - 8.0)) { (name) }
            }
        }
    }
}

fn draw_cell(grid: &Grid, matrix: &ConfusionMatrix, [row, column]: [usize; 2], of: &str) -> Markup {
    let ([x, y], count) = (grid.corner(row, column), matrix.count(row, column));
    let share = matrix.row_share(row, column);
    let opacity = share.map_or(0.4, |share| (0.92 * share.sqrt()).max(FAINTEST));
    let class = match share {
        None => "none",
        Some(_) if row == column => "s0",
        Some(_) => "s1",
    };
    let strong = if share.is_some() && opacity > STRONG { " strong" } else { "" };
    let (middle, centre) = (x + grid.cell / 2.0, y + grid.cell / 2.0);
    let (small, below) = if grid.cell < 40.0 { ("mid tiny", 8.0) } else { ("mid small", 12.0) };
    html! {
        g class=(format!("{class}{strong}")) {
            title {
                (matrix.classes[row]) " predicted as " (matrix.classes[column]) ": " (thousands(count)) " " (of)
                @if let Some(share) = share { ", " (format!("{:.2} %", 100.0 * share)) }
            }
            rect class="cell" x=(px(x)) y=(px(y)) width=(grid.cell) height=(grid.cell) fill-opacity=(format!("{opacity:.3}")) {}
            text class="mid" x=(px(middle)) y=(px(centre + 1.0)) { (share_text(share, grid.cell)) }
            @if count > 0 { text class=(small) x=(px(middle)) y=(px(centre + 1.0 + below)) { (three_digits(count)) } }
        }
    }
}

/// Returns a fraction in percent, as long as a cell is wide.
fn share_text(share: Option<f64>, cell: f64) -> String {
    let Some(share) = share else { return "-".into() };
    let percent = 100.0 * share;
    let number = match percent {
        0.0 => return "0".into(),
        p if p < 0.1 => "<0.1".to_string(),
        p if p >= 99.95 => {
            if share == 1.0 {
                "100".into()
            } else {
                ">99.9".to_string()
            }
        }
        p => format!("{p:.1}"),
    };
    if cell < 50.0 { number } else { format!("{number} %") }
}

fn row_total(grid: &Grid, matrix: &ConfusionMatrix, row: usize) -> Markup {
    let [_, y] = grid.corner(row, 0);
    let total = matrix.row_total(row);
    html! {
        g {
            title { (matrix.classes[row]) ": " (thousands(total)) " in the truth" }
            text class="tick end" x=(px(grid.left + grid.side() + TOTALS)) y=(px(y + grid.cell / 2.0 + 4.0)) { (three_digits(total)) }
        }
    }
}
