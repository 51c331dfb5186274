//! The report in a real browser: the layout of its parts, in both colour schemes and at two widths.
//!
//! Runs where a Chromium or Chrome is found; reports where it is not.

use crate::show::results::report::full_page;
use crate::support::browser::{self, browser};
use serde_json::Value;
use std::path::Path;
use tempfile::tempdir;

/// A script that measures the page after layout and writes the result into an element of its own.
const MEASURE: &str = r##"<script>
addEventListener("load", function () {
  var root = document.documentElement, found = { width: innerWidth, overflow: root.scrollWidth - innerWidth, boxes: {}, wide: [] };
  ["header", "h1", ".facts div", "#curves svg", "#scores table", "#scores svg", "#cases img", "#model svg", "#costs table",
   "#data .balance", "#data img", "#settings table", "#repeat pre", "g:not(.key) > .line", ".box rect", ".bar"].forEach(function (name) {
    var box = document.querySelector(name); box = box && box.getBoundingClientRect();
    found.boxes[name] = box ? [box.width, box.height] : null;
  });
  document.querySelectorAll("body *").forEach(function (e) {
    if (e.closest("svg, .scroll, pre, script")) return;
    if (e.getBoundingClientRect().right > innerWidth + 1) found.wide.push(e.tagName + "." + e.className);
  });
  found.images = Array.from(document.images).map(function (i) { return i.naturalWidth; });
  found.elements = document.querySelectorAll("body *:not(script)").length;
  found.paper = getComputedStyle(document.body).backgroundColor;
  found.ink = getComputedStyle(document.body).color;
  var line = document.querySelector("g:not(.key) > .line");
  found.line = getComputedStyle(line).stroke;
  var heads = document.querySelectorAll("#costs .sortable th"), cell = "#costs .sortable tbody td";
  heads[0].click(); var up = document.querySelector(cell).textContent;
  heads[0].click(); found.sorted = [up, document.querySelector(cell).textContent];
  var out = document.createElement("pre"); out.id = "measured"; out.textContent = JSON.stringify(found);
  document.body.appendChild(out);
});
</script></body>"##;

fn measured(browser: &Path, page: &Path, width: u32, dark: bool) -> Value {
    let profile = tempdir().unwrap();
    let picture = page.with_extension("png");
    let found = browser::measured(browser, page, width, dark);
    let mut shot = browser::browser_command(browser, page, profile.path(), width, dark);
    assert!(shot.arg(format!("--screenshot={}", picture.display())).output().unwrap().status.success());
    let shot = image::open(&picture).unwrap().into_rgb8();
    assert_eq!(shot.width(), width);
    // The page is not one flat colour: text, lines and boxes were painted.
    let colours: std::collections::HashSet<_> = shot.pixels().map(|p| p.0).collect();
    assert!(colours.len() > 50, "{} colours on the screenshot", colours.len());
    found
}

#[test]
fn a_browser_lays_the_page_out() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no chromium or google-chrome on this machine");
        return;
    };
    let dir = tempdir().unwrap();
    let page = dir.path().join("report.html");
    let html = full_page("unet", "a_run_with_a_rather_long_name_that_no_line_of_a_telephone_holds");
    let body = &html[html.find("<body>").unwrap()..html.find("<script>").unwrap()];
    let elements = body.matches('<').count() - body.matches("</").count() - 1;
    std::fs::write(&page, html.replace("</body>", MEASURE)).unwrap();
    for (width, dark) in [(1200, false), (500, true)] {
        let found = measured(&browser, &page, width, dark);
        assert_eq!(found["width"], width, "{found}");
        for (name, size) in found["boxes"].as_object().unwrap() {
            let side = |i: usize| size[i].as_f64().unwrap_or(0.0);
            assert!(side(0) > 4.0 && side(1) > 4.0, "{name} is {size} at width {width}");
        }
        assert_eq!((&found["overflow"], &found["wide"]), (&0.into(), &serde_json::json!([])), "at width {width}");
        // A strict parser finds the elements that were written.
        assert_eq!(found["elements"], elements, "elements at width {width}");
        assert!(found["images"].as_array().unwrap().iter().all(|w| w.as_u64() > Some(0)), "{}", found["images"]);
        let light = |key: &str| {
            let text = found[key].as_str().unwrap();
            let numbers = text.trim_start_matches(|c: char| !c.is_ascii_digit()).trim_end_matches(')');
            numbers.split(", ").take(3).map(|n| n.parse::<f64>().unwrap()).sum::<f64>() / 3.0
        };
        assert!(if dark { light("paper") < 60.0 } else { light("paper") > 200.0 }, "{found}");
        // Text and lines contrast with their background.
        assert!(
            (light("paper") - light("ink")).abs() > 150.0 && (light("paper") - light("line")).abs() > 80.0,
            "{found}"
        );
    }
}
