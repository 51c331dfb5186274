//! Parts that several sections of a page share.

use super::content::ReportPicture;
use crate::show::chart::ChartDrawing;
use crate::show::table::Table;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

/// Width from which a chart has a row of its own.
const WIDE: f64 = 560.0;

/// Draws a chart with its title, or nothing where there is no chart.
pub(super) fn chart(drawing: Option<ChartDrawing>) -> Markup {
    html! {
        @if let Some(drawing) = drawing {
            figure class=[(drawing.size[0] > WIDE).then_some("wide")] { figcaption { (drawing.title) } (PreEscaped(drawing.inline())) }
        }
    }
}

/// Returns the display name of a metric or another recorded value.
pub(crate) fn display_name(name: &str) -> String {
    match name {
        "dice" => "Dice".into(),
        "iou" => "IoU".into(),
        "boundary_iou" => "boundary IoU".into(),
        "hd95" => "HD95".into(),
        "assd" => "ASSD".into(),
        "ece" => "ECE".into(),
        "lr" => "learning rate".into(),
        _ => name.replace('_', " "),
    }
}

/// Draws pictures with their captions.
pub(super) fn gallery(pictures: &[ReportPicture]) -> Markup {
    html! {
        div class="gallery" {
            @for p in pictures {
                figure {
                    img src=(format!("data:image/png;base64,{}", STANDARD.encode(&p.png))) alt=(format!("{} {}", p.name, p.note))
                        width=(p.size[1]) height=(p.size[0]);
                    figcaption { span class="name" { (p.name) } " " span class="value" { (p.note) } }
                }
            }
        }
    }
}

/// Draws a table of names and values.
pub(super) fn name_value_table(rows: &[(String, String)]) -> Markup {
    html! {
        div class="scroll" {
            table class="pairs" {
                tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } }
            }
        }
    }
}

/// Draws a table that can be sorted by a click on a column header.
pub(super) fn sortable_table(table: &Table) -> Markup {
    html! { div class="scroll" tabindex="0" { (PreEscaped(table.to_html("sortable"))) } }
}
