//! Event files: the bytes against TensorBoard's own writer and reader, and the recovery of a run that was interrupted.

use crate::support::repository::repository;
use npc::internals::learn::run_folder::RunFolder;
use npc::internals::show::images::text_drawing::Canvas;
use npc::internals::show::tensorboard::record::{RecordError, masked, records};
use npc::internals::show::tensorboard::{Event, EventFile, EventValue, record};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};

/// Computes CRC-32C bit by bit, from its polynomial, without the crate in use.
fn crc(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

/// Masks a checksum as TensorFlow's sources do.
#[allow(clippy::manual_rotate, reason = "the definition, not our way to compute it")]
fn mask(data: &[u8]) -> u32 {
    let crc = crc(data);
    ((crc >> 15) | (crc << 17)).wrapping_add(0xa282_ead8)
}

/// Reads the framing by its definition and returns the data of every record.
fn records_of(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let data = &bytes[12..12 + length];
        assert_eq!((number(8), number(12 + length)), (mask(&bytes[..8]), mask(data)));
        all.push(data.to_vec());
        bytes = &bytes[16 + length..];
    }
    all
}

#[test]
fn the_checksum_is_the_one_of_the_definition() {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, and 0 to 31.
    assert_eq!(crc(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(crc(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
    for data in [&b""[..], b"a", b"tensorboard", &[7; 1000]] {
        assert_eq!(masked(data), mask(data));
    }
}

#[test]
fn a_file_of_tensorboard_is_read() {
    let bytes = fs::read(repository("tests/reference/tensorboard/theirs.tfevents")).unwrap();
    let data: Vec<_> = records(&bytes).map(|r| r.unwrap().to_vec()).collect();
    assert_eq!(data, records_of(&bytes));
    let events: Vec<Event> = data.iter().map(|d| Event::parse(d).unwrap()).collect();
    // The first record names the version; then three steps and a picture follow.
    let scalars: Vec<_> = events.iter().filter(|e| !e.values.is_empty()).collect();
    assert_eq!(scalars.len(), 4);
    for (event, (step, loss)) in scalars.iter().zip([(1, 0.5f32), (2, 0.25), (3, 0.125)]) {
        let wanted = [("loss".to_string(), EventValue::Scalar(loss)), ("dice".into(), EventValue::Scalar(1.0 - loss))];
        assert_eq!((event.step, event.time, &event.values[..]), (step, 1000.5 + step as f64, &wanted[..]));
    }
    let picture = EventValue::Picture { size: [2, 3], png: b"not a picture".to_vec() };
    assert_eq!(scalars[3].values, [("cases/a".to_string(), picture)]);
}

/// The input of `read.json`: `tensorboard_events.py read` was run on these very bytes.
#[test]
fn tensorboard_reads_our_file() {
    let scalars = |step: i64, loss: f32| Event {
        time: 1_700_000_000.25 + step as f64,
        step,
        values: vec![("loss".into(), EventValue::Scalar(loss)), ("lr".into(), EventValue::Scalar(0.001))],
    };
    // TensorBoard does not re-encode the file; our own bytes do not change with an encoder.
    let png = b"not a picture".to_vec();
    let bytes_of_png = png.len();
    let picture = Event {
        time: 1_700_000_300.0,
        step: 300,
        values: vec![("cases/a".into(), EventValue::Picture { size: [3, 5], png })],
    };
    let mut bytes = record::frame(&Event::version(1_700_000_000.0));
    for event in [scalars(1, 0.75), scalars(300, 0.5), picture.clone()] {
        bytes.extend(record::frame(&event.encode()));
        assert_eq!(Event::parse(&event.encode()), Some(event));
    }
    records_of(&bytes);
    let path = repository("tests/reference/tensorboard/ours/events.out.tfevents.npc");
    if std::env::var_os("NPC_WRITE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes).unwrap();
    }
    assert!(fs::read(&path).unwrap() == bytes, "write it again with NPC_WRITE_REFERENCE=1, and read.json after it");
    let read = fs::read_to_string(repository("tests/reference/tensorboard/read.json")).unwrap();
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["scalars"]["loss"], serde_json::json!([[1, 0.75, 1_700_000_001.25], [300, 0.5, 1_700_000_300.25]]));
    assert_eq!(read["scalars"]["lr"][1][1].as_f64().unwrap() as f32, 0.001);
    assert_eq!(read["images"]["cases/a"], serde_json::json!([[300, 3, 5, bytes_of_png]]));
}

/// Returns a run folder with this many epochs.
fn run(epochs: usize) -> (TempDir, RunFolder) {
    let dir = tempdir().unwrap();
    let folder = RunFolder::new(dir.path());
    add_epochs(&folder, epochs);
    (dir, folder)
}

fn add_epochs(folder: &RunFolder, epochs: usize) {
    let line = |i: usize| {
        format!("{{\"epoch\":{i},\"loss\":{},\"dice\":0.5,\"note\":\"x\",\"seconds\":2.0}}\n", 1.0 / i as f64)
    };
    let text: String = (1..=epochs).map(line).collect();
    fs::write(folder.root().join("metrics.jsonl"), text).unwrap();
}

fn events(folder: &RunFolder) -> (PathBuf, Vec<Event>) {
    let path = folder.root().join("tensorboard/events.out.tfevents.npc");
    let data = records_of(&fs::read(&path).unwrap());
    (path, data.iter().map(|d| Event::parse(d).unwrap()).collect())
}

fn steps(folder: &RunFolder) -> Vec<i64> {
    events(folder).1.iter().filter(|e| !e.values.is_empty()).map(|e| e.step).collect()
}

#[test]
fn epochs_are_written_once() {
    let (_dir, folder) = run(3);
    assert_eq!(EventFile::open(&folder).unwrap().add_new_epochs(&folder).unwrap(), 3);
    assert_eq!(steps(&folder), [1, 2, 3]);
    let (_, all) = events(&folder);
    let names: Vec<_> = all[1].values.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["loss", "dice", "seconds"], "numbers under their own names, and no text");
    assert!((all[3].time - all[2].time - 2.0).abs() < 1e-6, "each epoch took two seconds");
    // The run is imported a second time, and then continues.
    assert_eq!(EventFile::open(&folder).unwrap().add_new_epochs(&folder).unwrap(), 0);
    add_epochs(&folder, 5);
    let mut board = EventFile::open(&folder).unwrap();
    assert_eq!((board.add_new_epochs(&folder).unwrap(), board.add_new_epochs(&folder).unwrap()), (2, 0));
    let canvas = Canvas::filled([4, 4], [9; 3]);
    for _ in 0..2 {
        board.picture("cases/a", 5, &canvas).unwrap();
        EventFile::open(&folder).unwrap().picture("cases/a", 5, &canvas).unwrap();
    }
    assert_eq!(steps(&folder), [1, 2, 3, 4, 5, 5]);
}

#[test]
fn incomplete_records_are_cut_off() {
    let (_dir, folder) = run(4);
    EventFile::open(&folder).unwrap().add_new_epochs(&folder).unwrap();
    let (path, _) = events(&folder);
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..cut]).unwrap();
        EventFile::open(&folder).unwrap().add_new_epochs(&folder).unwrap();
        assert_eq!(steps(&folder), [1, 2, 3, 4], "cut at {cut} of {}", whole.len());
    }
    // One bit is flipped: the records after it cannot be trusted and are written again.
    for at in (0..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        assert!(records(&bytes).any(|r| matches!(r, Err(RecordError::Damaged | RecordError::Cut))), "bit at {at}");
        fs::write(&path, &bytes).unwrap();
        EventFile::open(&folder).unwrap().add_new_epochs(&folder).unwrap();
        assert_eq!(steps(&folder), [1, 2, 3, 4], "flipped at {at}");
    }
}

#[cfg(unix)]
#[test]
fn files_that_are_no_event_files_are_not_cut() {
    let (_dir, folder) = run(2);
    let path = folder.root().join("tensorboard/events.out.tfevents.npc");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let victim = folder.root().join("victim");
    fs::write(&victim, "text of someone").unwrap();
    let refused = |words: &str| {
        let Err(error) = EventFile::open(&folder) else { panic!("{words}") };
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "text of someone");
    };
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    refused("not a TensorBoard event file");
    fs::write(&victim, "").unwrap();
    let Err(error) = EventFile::open(&folder) else { panic!("the link is followed") };
    assert!(error.to_string().contains("it is a symbolic link"), "{error}");
    fs::write(&victim, "text of someone").unwrap();
    fs::remove_file(&path).unwrap();
    fs::copy(&victim, &path).unwrap();
    refused("not a TensorBoard event file");
}
