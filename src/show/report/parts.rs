//! Parts that several sections of a page are made of.

use super::content::ReportPicture;
use crate::show::chart::LineSeries;
use crate::show::table::Table;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

/// A line's name beside its colour, where there is more than one.
pub(super) fn series_legend(series: &[LineSeries]) -> Markup {
    html! {
        @if series.len() > 1 {
            span class="keys" {
                @for (i, s) in series.iter().enumerate() { span class=(format!("key s{}", i % 4)) { (s.name) } " " }
            }
        }
    }
}

/// How people write a name of a score.
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

/// Names beside values.
pub(super) fn name_value_table(rows: &[(String, String)]) -> Markup {
    html! {
        div class="scroll" {
            table class="pairs" {
                tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } }
            }
        }
    }
}

/// A table; a click on a column's head sorts it.
pub(super) fn sortable_table(table: &Table) -> Markup {
    html! { div class="scroll" tabindex="0" { (PreEscaped(table.to_html("sortable"))) } }
}
