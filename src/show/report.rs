//! Writes `report.html`, one file that shows a run: curves, scores, cases, model, costs, data, settings, and how to repeat
//! it.
//!
//! [`gather()`] collects the content, [`page`] formats it. All text goes through `maud`, which escapes it. Pictures are
//! embedded and charts are inline SVG, so the file loads nothing else. The same run always produces the same bytes.

mod content;
mod gather;
mod parts;
mod scores;
mod value_text;

pub(crate) use content::PICTURE_SIDE;
pub use content::{HeadlineFigure, ReportPicture, RunReport, SplitShares};
pub(crate) use gather::gather;
pub(crate) use parts::display_name;
pub use value_text::value_text;

use super::chart::{LineChart, LineSeries, line_chart, page_style, series_class};
use super::images::gallery::{OverlayContent, legend};
use super::picture::{self, FoldState, Scene, ShapeNotation};
use crate::base::count::counted;
use crate::base::number::thousands;
use crate::graph::check::CheckedGraph;
use crate::study::cost::Convention;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use parts::{chart, gallery, name_value_table, sortable_table};

const STYLE: &str = include_str!("report/style.css");
const SCRIPT: &str = include_str!("report/sort.js");

/// A section of the page: id, title and content.
type Section = (&'static str, &'static str, Markup);

/// Returns the complete HTML page.
pub fn page(report: &RunReport<'_>) -> String {
    let sections: [Section; 8] = [
        ("curves", "Learning curves", curve_charts(report)),
        ("scores", "Scores", scores::section(report)),
        ("cases", "Worst and median cases", case_pictures(report)),
        ("model", "Model", model(report.checked)),
        ("costs", "Costs", costs(report)),
        ("data", "Data", data(report)),
        ("settings", "Settings", settings(report)),
        ("repeat", "How to repeat it", html! { pre { code { (report.commands) } } }),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&report.title))
            body {
                (header(report, &sections))
                main {
                    @for (id, title, content) in &sections {
                        section id=(id) { h2 { (title) } (content) }
                    }
                }
                footer { p { "npc " (env!("CARGO_PKG_VERSION")) } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="generator" content=(concat!("npc ", env!("CARGO_PKG_VERSION")));
            title { (title) }
            style { (PreEscaped(page_style())) (PreEscaped(STYLE)) }
        }
    }
}

/// Draws the title, the headline figures and the links to all sections.
fn header(report: &RunReport<'_>, sections: &[Section]) -> Markup {
    html! {
        header {
            h1 { (report.title) }
            p class="subtitle" { (report.subtitle) }
            dl class="facts" {
                @for fact in &report.facts { (headline_figure(fact)) }
            }
            @for text in &report.missing { p class="missing" { (text) } }
            nav aria-label="Contents" {
                @for (id, title, _) in sections { a href=(format!("#{id}")) { (title) } " " }
            }
        }
    }
}

fn headline_figure(figure: &HeadlineFigure) -> Markup {
    html! { div { dt { (figure.label) } dd { (figure.value) @if !figure.note.is_empty() { small { (figure.note) } } } } }
}

/// Draws loss, scores and learning rate over the epochs.
fn curve_charts(report: &RunReport<'_>) -> Markup {
    let history = &report.history;
    if history.epochs().is_empty() {
        let lost = report.missing.iter().any(|text| text.contains("metrics.jsonl"));
        return html! { p { (if lost { "The epochs are missing: metrics.jsonl cannot be read." } else { "No epoch is finished yet." }) } };
    }
    let best = history.best("dice").map(|epoch| (epoch as f64, format!("best epoch: {epoch}")));
    let names = history.names();
    let series = |chosen: &dyn Fn(&str) -> bool| -> Vec<LineSeries> {
        let chosen = names.iter().filter(|n| chosen(n));
        chosen.map(|n| LineSeries { name: display_name(n), points: history.points(n) }).collect()
    };
    let panels = [
        ("Loss, mean over the images of an epoch".to_string(), series(&|n| n.contains("loss"))),
        (format!("Scores on the {} images", report.scored_on), series(&|n| matches!(n, "dice" | "iou"))),
        // A constant learning rate is shown among the settings only.
        ("Learning rate".into(), if history.changes("lr") { series(&|n| n == "lr") } else { Vec::new() }),
        ("Gradient norm, mean over the steps".into(), series(&|n| n == "gradient_norm")),
    ];
    html! {
        div class="charts" {
            @for (title, series) in panels.into_iter().filter(|(_, s)| s.iter().any(|s| !s.points.is_empty())) {
                (chart(line_chart(&LineChart { title, x: "epoch".into(), series, mark: best.clone() })))
            }
        }
        @for hint in &report.hints { p class="hint" { "Hint: " (hint.to_string()) "." } }
        @if history.epochs().len() > 1 { p class="note" { "The best epoch is the first with the highest Dice." } }
    }
}

/// Draws the worst and the median cases with the legend of their colours.
fn case_pictures(report: &RunReport<'_>) -> Markup {
    let (worst, median) = (&report.worst, &report.median);
    // Background and one class have no second class to be taken for.
    let content = OverlayContent { several_classes: report.classes.len() > 2, ignored: report.ignores };
    let all = counted(report.ranked.len(), "image");
    let worst_title = match median.is_empty() && worst.len() >= report.ranked.len() {
        true if worst.len() == 1 => "The only image".to_string(),
        true => format!("All {all}, worst first"),
        false => format!("The {} worst of {all}", worst.len()),
    };
    html! {
        @if worst.is_empty() && median.is_empty() {
            p { "No pictures: they need the network's predictions. " code { "npc report" } " of a build with the feature "
                code { "run" } " draws them, and so does " code { "npc eval RUN --overlays DIR" } "." }
        } @else {
            p class="legend" {
                @for (name, [r, g, b]) in legend(content) {
                    span { span class="swatch" style=(format!("background:rgb({r},{g},{b})")) {} (name) } " "
                }
            }
            @for (title, pictures) in [(worst_title.as_str(), worst), ("Around the median", median)] {
                @if !pictures.is_empty() {
                    h3 { (title) }
                    (gallery(pictures))
                }
            }
            p class="note" {
                "Masks are drawn at the size of the image; the score next to a name is " (report.ranked_by.1)
                " at the size that the network works at, the mean over the foreground classes."
            }
        }
    }
}

/// Draws the picture of `npc graph` with its blocks closed, or a sentence where the network is too large for one.
fn model(checked: &CheckedGraph) -> Markup {
    let Ok(scene) = Scene::new(checked, Convention::Conv) else {
        return html! {
            p { "The network is too large for a picture. " code { "npc graph" } " prints it in full." }
        };
    };
    let svg = picture::svg(&scene, &FoldState::to_depth(&scene.tree, 1), ShapeNotation::Numbers);
    html! { div class="scroll" tabindex="0" { (PreEscaped(svg)) } }
}

/// Draws the costs of the network and of its outermost blocks.
fn costs(report: &RunReport<'_>) -> Markup {
    html! {
        (name_value_table(&report.costs))
        @if !report.blocks.rows.is_empty() {
            h3 { "Outermost blocks" }
            (sortable_table(&report.blocks))
        }
    }
}

/// Draws the class balance and a few training images.
fn data(report: &RunReport<'_>) -> Markup {
    html! {
        @if !report.balance.is_empty() {
            div class="scroll" { (balance_table(report)) }
            @if report.balance.iter().any(|b| b.read < b.images) { (balance_note(&report.balance)) }
        }
        @if !report.examples.is_empty() {
            h3 { "Training images with their masks" }
            (gallery(&report.examples))
        }
    }
}

/// Draws the class balance with a row for each split.
fn balance_table(report: &RunReport<'_>) -> Markup {
    html! {
        table {
            thead {
                tr { th scope="col" { "split" } th scope="col" { "images" }
                    @for class in &report.classes { th scope="col" { (class) } }
                    @if report.ignores { th scope="col" { "ignored" } } th scope="col" { "share of the pixels" } }
            }
            tbody { @for split in &report.balance { (balance_row(split, report)) } }
        }
    }
}

fn balance_row(split: &SplitShares, report: &RunReport<'_>) -> Markup {
    html! {
        tr {
            td { (split.split) } td { (thousands(split.images)) }
            @for share in &split.shares { td { (format!("{:.2} %", 100.0 * share)) } }
            @if report.ignores { td { (format!("{:.2} %", 100.0 * split.ignored)) } }
            td { (share_bar(split, &report.classes)) }
        }
    }
}

/// States how many masks the class balance was computed from.
fn balance_note(balance: &[SplitShares]) -> Markup {
    let counts = balance.iter().map(|b| format!("{} of {} in {}", thousands(b.read), thousands(b.images), b.split));
    let counts = counts.collect::<Vec<_>>().join(", ");
    html! { p class="note" { "Shares are of masks spread evenly over each split: " (counts) "." } }
}

/// Draws the class balance of a split as one bar.
fn share_bar(balance: &SplitShares, classes: &[String]) -> Markup {
    let starts = balance.shares.iter().scan(0.0, |left, share| {
        let start = *left;
        *left += 200.0 * share;
        Some(start)
    });
    html! {
        svg class="balance chart" viewBox="0 0 200 12" width="200" height="12" preserveAspectRatio="none" role="img"
            aria-label=(format!("Classes in {}", balance.split)) {
            @for (i, ((share, class), x)) in balance.shares.iter().zip(classes).zip(starts).enumerate() {
                g class=(if i == 0 { "b".to_string() } else { series_class(i - 1) }) {
                    rect class="dot" x=(format!("{x:.2}")) y="0" width=(format!("{:.2}", 200.0 * share)) height="12" {
                        title { (class) ": " (format!("{:.2} %", 100.0 * share)) }
                    }
                }
            }
        }
    }
}

/// Draws the settings in groups.
fn settings(report: &RunReport<'_>) -> Markup {
    html! {
        div class="columns" {
            @for (title, rows) in &report.settings {
                div { h3 { (title) } (name_value_table(rows)) }
            }
        }
    }
}
