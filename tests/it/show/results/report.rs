//! The HTML report is complete, well-formed, escaped, and loads nothing from outside.

use crate::show::results::figures::figure_data;
use crate::support::compile::compile_file;
use crate::support::repository::repository;
use npc::internals::learn::history::History;
use npc::internals::metric::RunHint;
use npc::internals::score::case_columns::CaseColumns;
use npc::internals::show::chart::{ImageScore, LineChart, LineSeries, distribution, line_chart};
use npc::internals::show::figures::FigureData;
use npc::internals::show::images::text_drawing::Canvas;
use npc::internals::show::report::{HeadlineFigure, ReportPicture, RunReport, SplitShares, page, value_text};
use npc::internals::show::table::{Cell, Column, Table};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A text that breaks a page where it is not escaped.
const NASTY: &str = "<b id=\"x\">&amp; 'lung' \"left\"</b></section><script>alert(1)</script>";

/// Scores as `npc eval` writes them, with intervals and with a metric that the page does not define.
fn evaluation() -> Value {
    let scores = |dice: f64| json!({"dice": dice, "iou": dice / (2.0 - dice), "hd95": 12.5, "new_score": null});
    let ends = json!({"dice": {"low": 0.71, "high": 0.83}});
    json!({
        "n": 30, "dice": 0.77, "iou": 0.66, "mean": scores(0.77),
        "per_class": {"background": scores(0.98), NASTY: scores(0.77)},
        "pooled": {"mean": scores(0.8), "per_class": {"background": scores(0.99), NASTY: scores(0.8)}},
        "empty": 2, "empty_rule": "one", "unit": "mm",
        "intervals": {"units": 30, "resamples": 2000, "mean": ends, "per_class": {NASTY: ends}},
        "calibration": {"ece": 0.0123},
    })
}

fn cases() -> CaseColumns {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cases.csv");
    let line = |i: usize| format!("case_{i:03},lung,{:.4},{}\n", 1.0 - 0.9 / (i as f64 + 1.0), 100 + i);
    let text: String = (0..30).map(line).collect();
    std::fs::write(&path, format!("stem,class,dice,tp\n{text}")).unwrap();
    CaseColumns::read(&path).unwrap()
}

/// Returns a page with every part; `words` is used in every place where a file or a person may put a text.
pub fn full_page(model: &str, words: &str) -> String {
    let checked = compile_file(&repository(&format!("models/{model}.model")), Some([128, 128]), &[]).checked.remove(0);
    let epoch = |i: usize| {
        let (loss, dice) = (1.0 / i as f64, 1.0 - 0.8 / i as f64);
        json!({"epoch": i, "loss": loss, "val_loss": loss * 1.2, "dice": dice, "iou": dice / (2.0 - dice), "lr": 1e-3 / i as f64})
    };
    let history: String = (1..=24).map(|i| epoch(i).to_string() + "\n").collect();
    let picture =
        |i: u8| ReportPicture::new(words, format!("Dice 0.{i}"), &Canvas::filled([48, 64], [i, 90, 120])).unwrap();
    let cases = cases();
    let ranked = cases.worst_first("dice");
    let pair = |name: &str| (name.to_string(), words.to_string());
    let report = RunReport {
        title: words.into(),
        subtitle: words.into(),
        facts: ["Dice, test", "Parameters"].map(|label| HeadlineFigure::new(label, "0.7700", words)).to_vec(),
        history: History::parse(&history),
        scored_on: "val".into(),
        hints: vec![RunHint { kind: "still_rising".into(), seen: words.into(), advice: "train longer".into() }],
        remarks: Vec::new(),
        figures: figure_data(&["background", words]),
        evaluation: Some(evaluation()),
        cases: Some(cases),
        split: "test".into(),
        ranked_by: ("dice".into(), "Dice".into()),
        ranked,
        worst: (0..6).map(picture).collect(),
        median: (6..9).map(picture).collect(),
        checked: &checked,
        costs: vec![pair("parameters"), pair("MACs, conv")],
        blocks: Table::new(
            vec![Column::words("path"), Column::numbers("MACs")],
            vec![vec![words.into(), Cell::Count(1000)]],
        ),
        classes: vec!["background".into(), NASTY.into()],
        ignores: true,
        balance: vec![SplitShares {
            split: "train".into(),
            images: 300,
            read: 100,
            shares: vec![0.9, 0.1],
            ignored: 0.0,
        }],
        examples: vec![picture(77)],
        settings: vec![("Training".into(), vec![pair("optimizer"), pair("loss")])],
        commands: format!("npc eval '{words}'\n"),
        missing: vec![words.into()],
    };
    page(&report)
}

/// A start tag with its attributes, or an end tag.
#[derive(Debug, PartialEq)]
pub enum Tag {
    Open(String, HashMap<String, String>),
    Close(String),
}

/// Returns the tags of a page in order. Accepts only plain HTML: quoted attributes, no stray `<`, `>` or bare `&`.
fn tags(html: &str) -> Result<Vec<Tag>, String> {
    let mut rest = html.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let mut tags = Vec::new();
    while let Some(start) = rest.find('<') {
        text_is_sound(&rest[..start])?;
        rest = &rest[start + 1..];
        let name_end = rest.find(|c: char| c.is_whitespace() || c == '>').ok_or("a tag without end")?;
        let name = rest[..name_end].to_string();
        if let Some(closed) = name.strip_prefix('/') {
            tags.push(Tag::Close(closed.into()));
            rest = rest[name_end..].strip_prefix('>').ok_or(format!("`</{closed}` goes on"))?;
            continue;
        }
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(format!("`<{name}` is no tag"));
        }
        rest = &rest[name_end..];
        let mut attributes = HashMap::new();
        let mut closed = false;
        loop {
            rest = rest.trim_start();
            // Elements of SVG may close themselves; those of HTML may not.
            let drawn = ["rect", "path", "circle", "line", "polyline"].contains(&name.as_str());
            if let (true, Some(after)) = (drawn, rest.strip_prefix("/>")) {
                (closed, rest) = (true, after);
                break;
            }
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let (key, after) = rest.split_once("=\"").ok_or(format!("an attribute of `{name}` without value"))?;
            let (value, after) = after.split_once('"').ok_or(format!("`{key}` without end"))?;
            if key.contains(|c: char| c.is_whitespace() || "<>'".contains(c)) {
                return Err(format!("`{key}` is no attribute"));
            }
            text_is_sound(value)?;
            if attributes.insert(key.to_string(), value.to_string()).is_some() {
                return Err(format!("`{name}` has `{key}` twice"));
            }
            rest = after;
        }
        // Their content is not HTML.
        if name == "style" || name == "script" {
            let (content, after) = rest.split_once(&format!("</{name}>")).ok_or(format!("`{name}` without end"))?;
            if content.contains("<!--") || content.contains("<script") {
                return Err(format!("`{name}` holds markup"));
            }
            attributes.insert("content".into(), content.into());
            rest = after;
        } else if !closed && !VOID.contains(&name.as_str()) {
            tags.push(Tag::Open(name, attributes));
            continue;
        }
        tags.push(Tag::Open(name.clone(), attributes));
        tags.push(Tag::Close(name));
    }
    text_is_sound(rest)?;
    Ok(tags)
}

const VOID: [&str; 3] = ["meta", "img", "br"];

fn text_is_sound(text: &str) -> Result<(), String> {
    let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
    for (at, _) in text.match_indices('&') {
        if !known.iter().any(|k| text[at..].starts_with(k)) {
            return Err(format!("a bare & in `{text}`"));
        }
    }
    if text.contains('>') { Err(format!("a bare > in `{text}`")) } else { Ok(()) }
}

/// Returns the faults of a page: tags that do not nest, elements where HTML forbids them, duplicate ids, broken links,
/// and resources that are loaded from outside.
fn problems(html: &str) -> Vec<String> {
    let tags = match tags(html) {
        Ok(tags) => tags,
        Err(e) => return vec![e],
    };
    let mut wrong = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let (mut ids, mut targets) = (Vec::new(), Vec::new());
    for tag in &tags {
        match tag {
            Tag::Close(name) => match open.pop() {
                Some(last) if last == name => {}
                last => wrong.push(format!("</{name}> closes {last:?}")),
            },
            Tag::Open(name, attributes) => {
                // A parser would end the paragraph before these.
                let blocks = ["div", "p", "table", "figure", "section", "h2", "h3", "dl", "pre", "details"];
                if open.last() == Some(&"p") && blocks.contains(&name.as_str()) {
                    wrong.push(format!("<{name}> in a paragraph"));
                }
                let parent = open.last().copied().unwrap_or("");
                let fits = match name.as_str() {
                    "tr" => matches!(parent, "tbody" | "thead"),
                    "td" | "th" => parent == "tr",
                    "tbody" | "thead" => parent == "table",
                    "dt" | "dd" => parent == "div",
                    _ => true,
                };
                if !fits {
                    wrong.push(format!("<{name}> in <{parent}>"));
                }
                open.push(name);
                for (key, value) in attributes {
                    match key.as_str() {
                        "id" => ids.push(value.clone()),
                        "href" => targets.push(value.clone()),
                        "src" if !value.starts_with("data:image/png;base64,") => wrong.push(format!("src {value}")),
                        key if key.starts_with("on") => wrong.push(format!("{key} runs a script")),
                        _ => {}
                    }
                    let outside = ["url(", "@import", "http:", "https:", "//"];
                    let code = key == "content" || key == "style" || key == "href";
                    let comment_free = value.lines().filter(|l| !l.trim_start().starts_with("//"));
                    if code && comment_free.into_iter().any(|l| outside.iter().any(|o| l.contains(o))) {
                        wrong.push(format!("{key} of <{name}> names something outside"));
                    }
                }
            }
        }
    }
    wrong.extend(open.iter().map(|name| format!("<{name}> is not closed")));
    let mut seen = std::collections::HashSet::new();
    wrong.extend(ids.iter().filter(|id| !seen.insert(id.as_str())).map(|id| format!("id `{id}` twice")));
    let lost = targets.iter().filter(|t| !t.strip_prefix('#').is_some_and(|t| seen.contains(t)));
    wrong.extend(lost.map(|t| format!("link to {t}")));
    wrong
}

#[test]
fn the_checker_finds_faults() {
    let page = |body: &str| format!("<!DOCTYPE html><html><body>{body}</body></html>");
    assert!(
        problems(&page("<p id=\"a\">1 &lt; 2</p><a href=\"#a\">x</a><img src=\"data:image/png;base64,AA\">"))
            .is_empty()
    );
    for wrong in [
        "<p><b>x</p></b>",
        "<p>x",
        "<p>a & b</p>",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<img src=\"https://example.org/a.png\">",
        "<img src=\"a.png\">",
        "<style>@import \"a.css\";</style>",
        "<style>p { background: url(a.png) }</style>",
        "<a href=\"#none\">x</a>",
        "<a href=\"https://example.org\">x</a>",
        "<p onclick=\"x()\">x</p>",
        "<p class=a>x</p>",
        "<p><div></div></p>",
        "<table><tr></tr></table>",
        "1 > 2",
    ] {
        assert!(!problems(&page(wrong)).is_empty(), "nothing is wrong with {wrong}");
    }
}

#[test]
fn the_page_is_well_formed_and_self_contained() {
    for model in ["npnet", "unet", "unetpp_supervised", "pspnet"] {
        let html = full_page(model, "a run");
        assert_eq!(problems(&html), Vec::<String>::new(), "{model}");
        assert_eq!(html, full_page(model, "a run"), "the same bytes each time");
    }
}

#[test]
fn every_text_is_escaped() {
    let html = full_page("unet", NASTY);
    assert_eq!(problems(&html), Vec::<String>::new());
    assert!(!html.contains("<b id") && !html.contains("<script>alert"));
    let words = html.matches("&lt;script&gt;alert(1)").count();
    assert!(words >= 20, "the text is in {words} places");
    // The page has as many tags as with harmless words.
    assert_eq!(tags(&html).unwrap().len(), tags(&full_page("unet", "a run")).unwrap().len());
}

#[test]
fn the_page_shows_the_contents_of_the_files() {
    let html = full_page("npnet", "a run");
    for word in [
        "id=\"curves\"",
        "best epoch: 24",
        "learning rate: 0.0001 at epoch 10",
        "val loss",
        "0.7700<span class=\"interval\">[0.7100, 0.8300]</span>",
        "HD95",
        "12.50",
        "new score",
        "2,000 resamples of 30 images",
        "empty = one, met by 2 pairs",
        "calibration error of the pixels: 0.0123",
        "case_000: 0.1",
        "npc eval",
        "100 of 300 in train",
        "32 × 64 × 64",
        "Confusion matrix of the pixels",
        "Precision and recall of the pixels",
        "Reliability: ECE",
    ] {
        assert!(html.contains(word), "`{word}` is not on the page");
    }
    // The table of all images begins with the worst.
    let table = &html[html.find("Every image").unwrap()..];
    assert!(table.find("case_000").unwrap() < table.find("case_001").unwrap());
}

#[test]
fn an_empty_run_has_a_page() {
    let checked = compile_file(&repository("models/unet.model"), Some([64, 64]), &[]).checked.remove(0);
    let report = RunReport {
        title: "young".into(),
        subtitle: String::new(),
        facts: Vec::new(),
        history: History::default(),
        scored_on: "test".into(),
        hints: Vec::new(),
        remarks: Vec::new(),
        figures: FigureData::default(),
        evaluation: None,
        cases: None,
        split: "test".into(),
        ranked_by: ("dice".into(), "Dice".into()),
        ranked: Vec::new(),
        worst: Vec::new(),
        median: Vec::new(),
        checked: &checked,
        costs: Vec::new(),
        blocks: Table::default(),
        classes: Vec::new(),
        ignores: false,
        balance: Vec::new(),
        examples: Vec::new(),
        settings: Vec::new(),
        commands: String::new(),
        missing: vec!["no data".into()],
    };
    let html = page(&report);
    assert_eq!(problems(&html), Vec::<String>::new());
    for word in ["No epoch is finished", "not scored yet", "No pictures", "no data"] {
        assert!(html.contains(word), "{word}");
    }
    // Scores of an earlier version have no figures, and the page says what makes them.
    let report = RunReport { evaluation: Some(evaluation()), split: "val".into(), ..report };
    let html = page(&report);
    assert!(html.contains("<code>npc eval RUN --split val</code> counts them"), "no word about the figures");
    assert!(!html.contains("Confusion matrix of"));
}

fn count_class(html: &str, class: &str) -> usize {
    html.matches(&format!("class=\"{class}\"")).count()
}

#[test]
fn a_chart_shows_every_finite_point() {
    let points = |n: usize| (0..n).map(|i| [i as f64, (i * i % 17) as f64]).collect::<Vec<_>>();
    let chart = |series: Vec<LineSeries>| {
        line_chart(&LineChart { title: "t".into(), x: "epoch".into(), series, mark: Some((1.0, "here".into())) })
            .map_or_else(String::new, |drawing| drawing.body)
    };
    let single_line = |points| vec![LineSeries { name: "loss".into(), points }];
    let html = chart(single_line(points(12)));
    assert_eq!(
        (
            count_class(&html, "dot"),
            count_class(&html, "hover"),
            count_class(&html, "line"),
            count_class(&html, "mark")
        ),
        (12, 12, 1, 1)
    );
    assert!(html.contains("<title>loss: 15 at epoch 7</title>"), "7 * 7 % 17");
    // A long run has a line without dots, and not more points than the page can hold.
    let html = chart(single_line(points(5000)));
    assert_eq!(count_class(&html, "dot"), 0);
    assert!((300..=400).contains(&count_class(&html, "hover")), "{}", count_class(&html, "hover"));
    let mut broken = points(5);
    broken[2][1] = f64::NAN;
    assert_eq!(count_class(&chart(single_line(broken)), "dot"), 4);
    assert_eq!(chart(single_line(vec![[1.0, f64::INFINITY]])), "");
    assert_eq!(count_class(&chart(single_line(vec![[1.0, 0.5]])), "dot"), 1);
    // Every coordinate is on the chart.
    let html = chart(single_line(vec![[0.0, -5.0], [3.0, 1e-7], [90.0, 1e9]]));
    for (at, _) in html.match_indices(" cx=\"") {
        let x: f64 = html[at + 5..].split('"').next().unwrap().parse().unwrap();
        assert!((0.0..=460.0).contains(&x), "{x}");
    }
}

#[test]
fn a_distribution_counts_every_image() {
    let points: Vec<ImageScore> =
        (0..57).map(|i| ImageScore { name: format!("case {i}"), value: (i * 37 % 57) as f64 / 57.0 }).collect();
    let html = distribution("t", "Dice", &points).expect("there are scores").body;
    assert_eq!(count_class(&html, "strip"), 57);
    let counted: usize =
        html.split("<title>").filter_map(|part| part.split_once(" images from ")?.0.parse::<usize>().ok()).sum();
    assert_eq!(counted, 57, "every image is in a bar");
    assert!(html.contains("mean 0.4912"), "28 / 57");
    assert_eq!(distribution("t", "Dice", &[]), None);
    let same: Vec<ImageScore> = (0..3).map(|_| ImageScore { name: "a".into(), value: 1.0 }).collect();
    assert_eq!(count_class(&distribution("t", "Dice", &same).expect("there are scores").body, "bar"), 1);
}

#[test]
fn settings_are_shown_in_the_words_of_the_language() {
    let value = json!({"adam": {"lr": 0.001, "nested": {"poly": {"power": 0.9}}}});
    assert_eq!(value_text(&value), "adam(lr = 0.001, nested = poly(power = 0.9))");
    assert_eq!(value_text(&json!(["a", [1, 2.5], true, null])), "[a, [1, 2.5], yes, none]");
    assert_eq!(value_text(&json!({"low": 1, "high": 2})), "low = 1, high = 2");
    assert_eq!((value_text(&json!({})), value_text(&json!([]))), ("none".into(), "none".into()));
}
