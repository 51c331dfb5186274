//! Writes what training gets from data sets: each case of each role as JSON, one line for each folder.
//! `cargo run --release --no-default-features --features data --example dump_samples < folders.txt`
//!
//! A line of the input is a folder that holds `m.model` and the files of its data block, a tab, and the number of the network's
//! input channels. `tests/reference/data_readers.py` makes such folders and compares the output with other readers.
//!
//! A line of the output holds what `npc data check` says, and the cases or the error that stops training. The image of a case is
//! channels x height x width before normalisation, the mask its class map, both at the data block's size. `predicted` says whether
//! a prediction of the same picture gets the same numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use npc::desk::data_blocks;
use npc::internals::base::error::RunError;
use npc::internals::data::survey::survey;
use npc::internals::data::{Dataset, SplitRole, load_image};
use npc::text::config::DataSpec;
use npc::text::files::Disk;
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::Path;

fn main() {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the input is UTF-8");
        let (folder, channels) = line.split_once('\t').unwrap_or((&line, "1"));
        let channels = channels.parse().expect("the number of channels is an integer");
        let answer = dump_folder(Path::new(folder), channels);
        // Whoever reads this knows which folder stopped the program: the one after the last line.
        writeln!(output, "{answer}").and_then(|()| output.flush()).expect("the output can be written");
    }
}

/// Returns the answer about one folder.
fn dump_folder(folder: &Path, channels: usize) -> Value {
    let blocks = match data_blocks(&Disk, &folder.join("m.model"), &[], None) {
        Ok(blocks) => blocks,
        Err(e) => return json!({ "folder": folder, "error": { "code": "model", "message": e.to_string() } }),
    };
    let [block] = &blocks[..] else { panic!("{} has {} data blocks instead of one", folder.display(), blocks.len()) };
    let spec = DataSpec { mean: vec![0.0], std: vec![1.0], ..block.spec.clone() };
    let check: Vec<Value> = survey(&spec, folder, Some(channels), &|_, _| ())
        .findings
        .iter()
        .map(|f| json!({ "severity": f.severity.as_str(), "kind": f.kind.name(), "message": f.message, "stems": f.stems }))
        .collect();
    match Dataset::open(&spec, folder) {
        Ok(data) => json!({ "folder": folder, "check": check, "cases": dump_cases(&data, channels) }),
        Err(error) => json!({ "folder": folder, "check": check, "error": problem(&error) }),
    }
}

fn dump_cases(data: &Dataset, channels: usize) -> Vec<Value> {
    let roles = SplitRole::ALL.into_iter();
    roles.flat_map(|role| (0..data.len(role)).map(move |i| dump_case(data, role, i, channels))).collect()
}

fn dump_case(data: &Dataset, role: SplitRole, index: usize, channels: usize) -> Value {
    let case = &data.cases(role)[index];
    let name = json!({ "role": role.name(), "stem": case.stem, "image_file": case.image, "mask_file": case.mask,
        "group": case.group });
    let read = match data.load(role, index, channels) {
        Ok(sample) => {
            let floats: Vec<u8> = sample.image.iter().flat_map(|v| v.to_le_bytes()).collect();
            let predicted = match load_image(data.spec(), &case.image, channels) {
                Ok(image) if image.input == sample.image => json!("the same"),
                Ok(_) => json!("other numbers"),
                Err(error) => problem(&error),
            };
            json!({ "image": STANDARD.encode(floats), "mask": STANDARD.encode(&sample.mask), "size": data.spec().size,
                "original": sample.original, "warnings": sample.warnings, "predicted": predicted })
        }
        Err(error) => json!({ "error": problem(&error) }),
    };
    let (mut all, read) = (name, read);
    if let (Value::Object(all), Value::Object(read)) = (&mut all, read) {
        all.extend(read);
    }
    all
}

fn problem(error: &RunError) -> Value {
    json!({ "code": error.code.id(), "message": error.headline(), "help": error.help })
}
