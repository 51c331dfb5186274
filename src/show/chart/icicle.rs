//! Draws an icicle plot (Kruskal and Landwehr 1983) of amounts by dotted names. The bar of a name lies below the bar of the
//! block around it, and its width is its amount.

use super::drawing::ChartDrawing;
use super::legend::{LEGEND_ROW, LegendEntry, LegendMark, draw_legend, legend_height};
use super::theme::series_class;
use crate::base::number::three_significant_digits;
use crate::show::text::{self, shortened_in_the_middle};
use maud::{Markup, html};
use std::collections::HashMap;

const WIDTH: f64 = 1040.0;
const MARGIN: f64 = 14.0;
const ROW_HEIGHT: f64 = 26.0;
/// Gap between the legend and the bars.
const GAP: f64 = 6.0;
/// Assumed width of a letter, gap included. Most letters are a little narrower.
const LETTER_WIDTH: f64 = 6.4;
/// Narrower bars would not be visible and are left out.
const MIN_BAR_WIDTH: f64 = 0.3;
/// Number of kinds with a colour of their own.
const COLOURED_KINDS: usize = 4;

/// A name with an amount of its own, in two parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IcicleLeaf {
    /// Dotted name.
    pub path: String,
    /// Determines the colour.
    pub kind: String,
    pub parts: [f64; 2],
    /// Text for the tooltip; may be empty.
    pub note: String,
}

/// The bar of a block or a leaf.
#[derive(Debug, Clone, PartialEq)]
struct IcicleBar<'a> {
    name: String,
    path: &'a str,
    row: usize,
    x: f64,
    width: f64,
    parts: [f64; 2],
    leaf: Option<&'a IcicleLeaf>,
}

/// Draws the plot. `parts` names the two amounts of a leaf; the second is left out where it is zero everywhere.
pub(crate) fn icicle(title: &str, parts: [&str; 2], unit: &str, leaves: &[IcicleLeaf]) -> ChartDrawing {
    let width = WIDTH - 2.0 * MARGIN;
    let bars = place_bars(leaves, width);
    let rows = bars.iter().map(|bar| bar.row + 1).max().unwrap_or(0);
    let total = total_of(leaves);
    let kinds = largest_kinds(leaves);
    let legend = legend_entries(&kinds, leaves);
    let shades = if total[1] > 0.0 { format!("strong: {}, pale: {}", parts[0], parts[1]) } else { String::new() };
    let beside = width - text::width(&shades, 11.0);
    let top = legend_height(&legend, beside).max(LEGEND_ROW) + GAP;
    let whole = format!("{} {unit}", three_significant_digits(total[0] + total[1]));
    let mut body = String::new();
    draw_legend(&mut body, &legend, [MARGIN, 0.0], beside);
    let drawn = html! {
        @if !shades.is_empty() { text class="keytext end" x=(WIDTH - MARGIN) y="12" { (shades) } }
        @for bar in bars.iter().filter(|bar| bar.width >= MIN_BAR_WIDTH) {
            (draw_bar(bar, top, parts, unit, total, &kinds))
        }
    };
    body = format!("<g class=\"nest\">\n{body}{}</g>\n", drawn.into_string());
    let height = top + rows as f64 * ROW_HEIGHT + MARGIN;
    ChartDrawing { title: format!("{title}: {whole}"), size: [WIDTH, height], body }
}

/// Returns the [`COLOURED_KINDS`] kinds with the largest amounts, the largest first.
fn largest_kinds(leaves: &[IcicleLeaf]) -> Vec<&str> {
    let mut amounts: HashMap<&str, f64> = HashMap::new();
    for leaf in leaves {
        *amounts.entry(&leaf.kind).or_default() += leaf.parts.iter().sum::<f64>();
    }
    let mut order: Vec<(&str, f64)> = amounts.into_iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    order.into_iter().take(COLOURED_KINDS).map(|(kind, _)| kind).collect()
}

/// Returns the sums of both parts.
fn total_of(leaves: &[IcicleLeaf]) -> [f64; 2] {
    leaves.iter().fold([0.0; 2], |[a, b], leaf| [a + leaf.parts[0], b + leaf.parts[1]])
}

/// A name with its children. The first node is the whole.
struct IcicleNode<'a> {
    name: &'a str,
    path: &'a str,
    children: Vec<usize>,
    parts: [f64; 2],
    leaf: Option<&'a IcicleLeaf>,
}

/// Returns the ends of the names of the blocks around a leaf. A number belongs to the name before it: `s.1` is one name.
fn block_ends(path: &str) -> impl Iterator<Item = usize> {
    let number = |text: &str| {
        let name = text.split('.').next().unwrap_or(text);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
    };
    path.match_indices('.').map(|(end, _)| end).filter(move |&end| !number(&path[end + 1..]))
}

/// Returns the tree of names, with children after their parents.
fn build_tree(leaves: &[IcicleLeaf]) -> Vec<IcicleNode<'_>> {
    let node = |name, path| IcicleNode { name, path, children: Vec::new(), parts: [0.0; 2], leaf: None };
    let mut nodes = vec![node("", "")];
    let mut known: HashMap<&str, usize> = HashMap::new();
    for leaf in leaves {
        let (mut parent, mut from) = (0, 0);
        for end in block_ends(&leaf.path) {
            let (path, name) = (&leaf.path[..end], &leaf.path[from..end]);
            parent = *known.entry(path).or_insert_with(|| {
                nodes.push(node(name, path));
                let new = nodes.len() - 1;
                nodes[parent].children.push(new);
                new
            });
            from = end + 1;
        }
        nodes.push(IcicleNode { leaf: Some(leaf), parts: leaf.parts, ..node(&leaf.path[from..], &leaf.path) });
        let new = nodes.len() - 1;
        nodes[parent].children.push(new);
    }
    for at in (0..nodes.len()).rev() {
        for child in nodes[at].children.clone() {
            let parts = nodes[child].parts;
            (0..2).for_each(|i| nodes[at].parts[i] += parts[i]);
        }
    }
    nodes
}

/// Returns the bars from left to right in the order of the leaves. A block with one member shares the bar of the member.
fn place_bars(leaves: &[IcicleLeaf], width: f64) -> Vec<IcicleBar<'_>> {
    let nodes = build_tree(leaves);
    let total: f64 = nodes[0].parts.iter().sum();
    if total <= 0.0 || !total.is_finite() {
        return Vec::new();
    }
    let mut bars = Vec::new();
    let mut open: Vec<(usize, usize, f64)> = Vec::new();
    let spread = |open: &mut Vec<(usize, usize, f64)>, children: &[usize], row: usize, mut x: f64| {
        for &child in children {
            open.push((child, row, x));
            x += width * nodes[child].parts.iter().sum::<f64>() / total;
        }
    };
    spread(&mut open, &nodes[0].children, 0, 0.0);
    while let Some((mut at, row, x)) = open.pop() {
        let mut name = nodes[at].name.to_string();
        while let [only] = nodes[at].children[..] {
            at = only;
            name = format!("{name}.{}", nodes[at].name);
        }
        let node = &nodes[at];
        let share = node.parts.iter().sum::<f64>() / total;
        bars.push(IcicleBar {
            name,
            path: node.path,
            row,
            x,
            width: width * share,
            parts: node.parts,
            leaf: node.leaf,
        });
        spread(&mut open, &node.children, row + 1, x);
    }
    bars.sort_by(|a, b| a.row.cmp(&b.row).then(a.x.total_cmp(&b.x)));
    bars
}

fn draw_bar(bar: &IcicleBar, top: f64, parts: [&str; 2], unit: &str, total: [f64; 2], kinds: &[&str]) -> Markup {
    let own: f64 = bar.parts.iter().sum();
    let share = 100.0 * own / (total[0] + total[1]);
    let (x, y) = (MARGIN + bar.x, top + bar.row as f64 * ROW_HEIGHT);
    let first = if own > 0.0 { bar.width * bar.parts[0] / own } else { bar.width };
    let class = match bar.leaf {
        None => "block".to_string(),
        Some(leaf) => kinds.iter().position(|k| *k == leaf.kind).map_or("other".into(), series_class),
    };
    let split = match (bar.leaf, total[1] > 0.0) {
        (_, false) => String::new(),
        (_, true) => format!(
            " ({} {}, {} {})",
            parts[0],
            three_significant_digits(bar.parts[0]),
            parts[1],
            three_significant_digits(bar.parts[1])
        ),
    };
    let kind = bar.leaf.map(|leaf| format!(", {}", leaf.kind)).unwrap_or_default();
    let note = bar.leaf.filter(|leaf| !leaf.note.is_empty()).map(|leaf| format!(", {}", leaf.note)).unwrap_or_default();
    html! {
        g class=(class) {
            title {
                (bar.path) (kind) ": " (three_significant_digits(own)) " " (unit) (split) ", " (format!("{share:.1} %")) (note)
            }
            rect class="bar" x=(px(x)) y=(y) width=(px(if bar.leaf.is_some() { first } else { bar.width })) height=(ROW_HEIGHT) {}
            @if bar.leaf.is_some() && bar.width - first > 0.0 {
                rect class="bar second" x=(px(x + first)) y=(y) width=(px(bar.width - first)) height=(ROW_HEIGHT) {}
            }
            @if let Some(label) = label(bar, own, unit) {
                text x=(px(x + 5.0)) y=(y + 17.0) { (label) }
            }
        }
    }
}

/// Returns the longest label that fits: name and amount, the name, its last part, the two ends of that part, or nothing.
fn label(bar: &IcicleBar, own: f64, unit: &str) -> Option<String> {
    let letters = ((bar.width - 8.0) / LETTER_WIDTH).max(0.0) as usize;
    let full = format!("{} {} {unit}", bar.name, three_significant_digits(own));
    let last = bar.name.rsplit('.').next().unwrap_or(&bar.name).to_string();
    let fitting = [full, bar.name.clone(), last.clone()].into_iter().find(|text| text.chars().count() <= letters);
    fitting.or_else(|| (letters >= 8).then(|| shortened_in_the_middle(&last, letters, "…")))
}

/// Returns the legend entries of what occurs.
fn legend_entries(kinds: &[&str], leaves: &[IcicleLeaf]) -> Vec<LegendEntry> {
    let coloured = kinds.iter().enumerate().map(|(i, kind)| LegendEntry::new(series_class(i), LegendMark::Area, *kind));
    let others = leaves.iter().any(|leaf| !kinds.contains(&leaf.kind.as_str()));
    let blocks = leaves.iter().any(|leaf| block_ends(&leaf.path).next().is_some());
    let rest = [("other", "others", others), ("block", "blocks", blocks)];
    let rest = rest.into_iter().filter(|r| r.2).map(|(class, name, _)| LegendEntry::new(class, LegendMark::Area, name));
    coloured.chain(rest).collect()
}

fn px(x: f64) -> String {
    format!("{x:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(path: &str, kind: &str, parts: [f64; 2]) -> IcicleLeaf {
        IcicleLeaf { path: path.into(), kind: kind.into(), parts, note: String::new() }
    }

    fn some() -> Vec<IcicleLeaf> {
        vec![
            leaf("a.one.conv", "conv", [1.0, 2.0]),
            leaf("a.one.relu", "relu", [1.0, 0.0]),
            leaf("a.two.conv", "conv", [2.0, 2.0]),
            leaf("head", "resize", [2.0, 0.0]),
        ]
    }

    #[test]
    fn bars_of_a_block_fill_it_and_one_member_shares_its_bar() {
        let leaves = some();
        let bars = place_bars(&leaves, 100.0);
        let seen: Vec<(&str, usize, f64, f64)> = bars.iter().map(|b| (&*b.name, b.row, b.x, b.width)).collect();
        let expected = [
            ("a", 0, 0.0, 80.0),
            ("head", 0, 80.0, 20.0),
            ("one", 1, 0.0, 40.0),
            ("two.conv", 1, 40.0, 40.0),
            ("conv", 2, 0.0, 30.0),
            ("relu", 2, 30.0, 10.0),
        ];
        assert_eq!(seen, expected);
        assert_eq!(bars[0].parts, [4.0, 4.0]);
    }

    #[test]
    fn a_name_may_be_a_leaf_and_a_block() {
        let leaves = [leaf("x", "conv", [1.0, 0.0]), leaf("x.y", "conv", [3.0, 0.0])];
        let bars = place_bars(&leaves, 4.0);
        let seen: Vec<(&str, f64, f64)> = bars.iter().map(|b| (&*b.name, b.x, b.width)).collect();
        assert_eq!(seen, [("x", 0.0, 1.0), ("x.y", 1.0, 3.0)]);
    }

    #[test]
    fn a_number_belongs_to_the_name_before_it() {
        let leaves = [
            leaf("s.1.conv", "conv", [1.0, 0.0]),
            leaf("s.2.conv", "conv", [1.0, 0.0]),
            leaf("s.2.bn", "bn", [2.0, 0.0]),
        ];
        let bars = place_bars(&leaves, 4.0);
        let seen: Vec<(&str, usize, f64)> = bars.iter().map(|b| (&*b.name, b.row, b.width)).collect();
        assert_eq!(seen, [("s.1.conv", 0, 1.0), ("s.2", 0, 3.0), ("conv", 1, 1.0), ("bn", 1, 2.0)]);
    }

    #[test]
    fn nothing_measured_is_a_picture_without_bars() {
        assert_eq!(place_bars(&[], 100.0), []);
        assert_eq!(place_bars(&[leaf("a", "conv", [0.0, 0.0])], 100.0), []);
        assert!(icicle("none", ["forward", "backward"], "ms", &[]).title.contains("none: 0.000 ms"));
    }

    #[test]
    fn a_label_is_no_wider_than_its_bar() {
        let bar = |width| IcicleBar {
            name: "fem.branches".into(),
            path: "fem.branches",
            row: 0,
            x: 0.0,
            width,
            parts: [12.34, 0.0],
            leaf: None,
        };
        let labelled = |width| label(&bar(width), 12.34, "ms");
        assert_eq!(labelled(400.0).as_deref(), Some("fem.branches 12.3 ms"));
        assert_eq!(labelled(100.0).as_deref(), Some("fem.branches"));
        assert_eq!(labelled(65.0).as_deref(), Some("branches"));
        assert_eq!(labelled(20.0), None);
        for width in 0..400 {
            let letters = labelled(f64::from(width)).map_or(0, |text| text.chars().count());
            assert!(letters as f64 * LETTER_WIDTH <= f64::from(width));
        }
    }

    #[test]
    fn picture() {
        insta::assert_snapshot!(icicle("Net <3x8x8>", ["forward", "backward"], "ms", &some()).body);
    }
}
