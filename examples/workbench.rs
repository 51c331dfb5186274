//! Analyses a model text in memory: lists its problems, applies the fixes, and prints the costs of each node.
//! `cargo run --no-default-features --example workbench`

use npc::desk::{AnalysisRequest, Selection, Workbench};
use std::error::Error;

const TEXT: &str = "npc 1

model Tiny(x: [3, H, W], classes: int = 2) -> [classes, H, W] {
  let skip = x |> cov(16) |> relu
  let down = skip |> maxpool(2) |> conv(32) |> relu
  return (down |> up(2)) ++ skip |> conv(classes, k = 1)
}
";

fn main() -> Result<(), Box<dyn Error>> {
    let selection = Selection { size: vec![[64, 64]], ..Selection::default() };
    let request = AnalysisRequest { selection, ..AnalysisRequest::default() };
    let mut bench = Workbench::new();
    bench.set_text("tiny.model", TEXT);

    println!("problems of the text");
    for finding in bench.analyze("tiny.model", &request)?.findings() {
        let place = finding.place.map_or(String::new(), |place| place.to_string());
        println!("  {place}: {} {}: {}", finding.severity.as_str(), finding.code, finding.message);
        for fix in finding.fixes {
            println!("    {}", fix.message);
            fix.edits.iter().for_each(|(place, text)| println!("      {place}: `{text}`"));
        }
    }

    let fixed = bench.fix("tiny.model", &request, true)?;
    bench.set_text("tiny.model", fixed.text);
    println!("\nwith {} problem fixed", fixed.fixed);
    for (entry, costs) in bench.analyze("tiny.model", &request)?.entries {
        for node in &costs.nodes {
            println!("  {:16} {:12} {:?}  params {}  MACs {}", node.path, node.op, node.output, node.params, node.macs);
        }
        println!(
            "{} -> {}: {} parameters, {} MACs",
            entry.checked.input(),
            entry.checked.output(),
            costs.params,
            costs.macs
        );
    }
    Ok(())
}
