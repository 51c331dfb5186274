//! Counts the parameters and MACs of a model, calling each stage of the compiler:
//! `cargo run --no-default-features --example count -- models/npnet.model NPNet 288 384`

use npc::text::diag::render;
use npc::text::files;
use npc::text::files::Disk;
use npc::text::source::SourceMap;
use npc::{Convention, check, count, elaborate, parse, resolve};
use std::path::Path;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, model, height, width] = &args[..] else {
        eprintln!("usage: count FILE MODEL HEIGHT WIDTH");
        std::process::exit(2);
    };
    let size = [height, width].map(|n| n.parse().expect("height and width are numbers"));

    let mut sources = SourceMap::new();
    let id = match files::read(&Disk, &mut sources, Path::new(file)) {
        Ok(id) => id,
        Err(problem) => return eprint!("{}", render::to_text(&sources, &problem.into(), false)),
    };
    let (tree, mut problems) = parse(&sources, id);
    let (program, found) = resolve(&tree);
    problems.extend(found);
    let Some(entry) = program.entries().into_iter().find(|e| e.node == *model) else {
        return eprintln!("{file} has no model {model}");
    };
    match elaborate(&program, entry, &[], Some(size)).and_then(check) {
        Ok(checked) => {
            let report = count(&checked, Convention::Conv);
            println!("{} -> {}", checked.input(), checked.output());
            println!("{} parameters, {} MACs", report.params, report.macs);
        }
        Err(found) => {
            problems.extend(found);
            eprint!("{}", render::to_text(&sources, &problems.sorted(), false));
        }
    }
}
