//! Writes the records of a run as TensorBoard event files.
//!
//! `RUN/tensorboard/` contains one file that is only appended to, because TensorBoard continues to read a file where it
//! stopped. Values that it already contains are not written again, so a resumed run and a second import do not add
//! duplicates.
//!
//! Invariant: after [`EventFile::open`] the file is a sequence of complete records. An incomplete record of a killed
//! process is cut off.

mod event;
pub(crate) mod record;

pub use event::{Event, EventValue};

use super::images::text_drawing::Canvas;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use crate::data::png::png;
use crate::learn::history::History;
use crate::learn::own_content::EVENT_FILE;
use crate::learn::run_files::EVENTS;
use crate::learn::run_folder::RunFolder;
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The event file of a run.
pub struct EventFile {
    path: PathBuf,
    file: File,
    /// Tags and steps that the file contains.
    written: HashSet<(String, i64)>,
}

impl EventFile {
    /// Opens the event file of a run, or creates it.
    pub fn open(folder: &RunFolder) -> Result<EventFile> {
        let dir = folder.root().join(EVENTS);
        std::fs::create_dir_all(&dir).map_err(|e| RunError::create_dir(&dir, e))?;
        let path = dir.join(EVENT_FILE);
        let fail = |e: std::io::Error| RunError::write(&path, e);
        let bytes = match file::read(&path, file::TABLE_BYTES) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|e| RunError::read(&path, e))?,
        };
        if !begins_like_events(&bytes) {
            return Err(
                problem!(E0704, &path, "not a TensorBoard event file"; help: "remove it, or move it elsewhere"),
            );
        }
        let file = file::append(&path).map_err(fail)?;
        let mut whole = 0;
        let mut written = HashSet::new();
        for record in record::records(&bytes) {
            // TensorBoard also stops at the first invalid record or event.
            let Some(event) = record.ok().and_then(|data| Event::parse(data).map(|event| (event, data.len()))) else {
                break;
            };
            whole += record::length(event.1);
            written.extend(event.0.values.into_iter().map(|value| (value.0, event.0.step)));
        }
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(fail)?;
        }
        let mut board = EventFile { path, file, written };
        if whole == 0 {
            board.append(&Event::version(now()))?;
        }
        Ok(board)
    }

    /// Returns the path of the event file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends the epochs that the file does not contain: every number of `metrics.jsonl` under its own name, with the
    /// epoch as step. Returns the number of epochs that were added.
    pub fn add_new_epochs(&mut self, folder: &RunFolder) -> Result<usize> {
        let history = History::read(folder);
        let mut added = 0;
        for (epoch, time) in history.epochs().iter().zip(history.times(folder)) {
            let step = epoch.number as i64;
            let new = epoch.values.iter().filter(|(name, _)| !self.written.contains(&(name.clone(), step)));
            let values: Vec<_> = new.map(|(name, v)| (name.clone(), EventValue::Scalar(*v as f32))).collect();
            if !values.is_empty() {
                self.add(Event { time, step, values })?;
                added += 1;
            }
        }
        Ok(added)
    }

    /// Appends a picture, unless the file contains one under this tag and step.
    pub fn picture(&mut self, tag: &str, step: u64, canvas: &Canvas) -> Result<()> {
        let step = step as i64;
        if self.written.contains(&(tag.to_string(), step)) {
            return Ok(());
        }
        let payload = EventValue::Picture { size: canvas.size, png: png(&canvas.rgb, canvas.size)? };
        self.add(Event { time: now(), step, values: vec![(tag.to_string(), payload)] })
    }

    /// Appends an event and remembers its tags.
    fn add(&mut self, event: Event) -> Result<()> {
        self.append(&event.encode())?;
        self.written.extend(event.values.into_iter().map(|(tag, _)| (tag, event.step)));
        Ok(())
    }

    fn append(&mut self, event: &[u8]) -> Result<()> {
        let fail = |e: std::io::Error| RunError::write(&self.path, e);
        self.file.write_all(&record::frame(event)).map_err(fail)
    }
}

/// Checks that a file starts as every event file does, with the length of the event that gives the version. A killed process may
/// have written less than that, and one byte may be damaged.
fn begins_like_events(bytes: &[u8]) -> bool {
    let whole = record::frame(&Event::version(0.0));
    bytes.iter().zip(&whole[..record::HEAD]).filter(|(a, b)| a != b).count() <= 1
}

/// Returns the seconds since 1970.
fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |d| d.as_secs_f64())
}
