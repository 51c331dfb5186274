//! How many epochs of a run are done, and what to say of a folder that holds a run already.

use super::run_folder::{RunFolder, read_settings};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::settings::Settings;

/// The epochs of a run that are done, and those that it is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunLength {
    /// Number of epochs that are done: trained, scored and in the last checkpoint.
    pub done: usize,
    /// Number of epochs of the settings.
    pub planned: usize,
    /// Whether the run ended before its last epoch, since the scores had not improved for `patience` epochs.
    pub stopped_early: bool,
    /// Whether the scores have not improved for `patience` epochs, so that more epochs would train nothing.
    pub out_of_patience: bool,
    /// Whether `summary.json` is written, which comes after the checkpoint of an epoch.
    pub summarised: bool,
}

impl RunLength {
    /// Whether nothing is left to train: all epochs are done, or the run was stopped early.
    pub(crate) fn is_finished(self) -> bool {
        self.out_of_patience || self.summarised && self.done >= self.planned
    }

    /// Returns `3 of 6 epochs are done`, `finished, 6 of 6 epochs` or `finished, stopped early after 3 of 6 epochs`.
    pub(crate) fn to_text(self) -> String {
        let Self { done, planned, stopped_early, out_of_patience: _, summarised: _ } = self;
        let epochs = counted(planned, "epoch");
        match (stopped_early, self.is_finished()) {
            (true, _) => format!("finished, stopped early after {done} of {epochs}"),
            (false, true) if done > planned => {
                format!("finished, {} are done and {planned} asked for", counted(done, "epoch"))
            }
            (false, true) => format!("finished, {done} of {epochs}"),
            (false, false) => format!("{done} of {epochs} {} done", if done == 1 { "is" } else { "are" }),
        }
    }
}

impl RunFolder {
    /// Checks whether the run with these settings is finished: all epochs are done, or it was stopped early.
    pub fn finished(&self, settings: &Settings) -> bool {
        self.length(settings.train.epochs).is_finished()
    }

    /// Returns how long the run of the folder is, if it is to have `planned` epochs.
    pub(crate) fn length(&self, planned: usize) -> RunLength {
        let summary = self.summary();
        // Summaries of earlier versions do not hold the number.
        let done = summary.as_ref().map(|s| s.epochs).filter(|done| *done > 0);
        let done = done.unwrap_or_else(|| self.records().len());
        let stopped_early = summary.as_ref().is_some_and(|s| s.stopped_early);
        let out_of_patience = stopped_early || summary.as_ref().is_some_and(|s| s.out_of_patience);
        // More epochs change nothing then, and those of its settings say of how many it was stopped.
        let own = || read_settings(&self.settings()).ok().map(|settings| settings.train.epochs);
        let planned = out_of_patience.then(own).flatten().unwrap_or(planned);
        RunLength { done, planned, stopped_early, out_of_patience, summarised: summary.is_some() }
    }

    /// Checks that a run that goes on is not to have fewer epochs than it has.
    pub(crate) fn check_not_shorter(&self, length: RunLength) -> Result<()> {
        let RunLength { done, planned, .. } = length;
        if done <= planned {
            return Ok(());
        }
        let root = self.root().display();
        Err(problem!(E0723, &self.settings(),
            "the run has {} already, and it is to have {planned}", counted(done, "epoch");
            help: "for more epochs: `npc train {root} --resume --set epochs={}`", done.saturating_mul(2);
            help: "for fewer, train it again: `--overwrite`, or `--out DIR`"))
    }

    /// Returns the problem of a folder that holds a run already: how far it is, and what can be done. To continue a finished run
    /// has an effect with more epochs alone, and none after it was stopped early.
    pub(crate) fn occupied(&self) -> RunError {
        let planned = read_settings(&self.settings()).ok().map(|settings| settings.train.epochs);
        let length = planned.map(|planned| self.length(planned));
        let how_far = length.map_or(String::new(), |length| format!(" ({})", length.to_text()));
        let error = problem!(E0722, self.root(), "this folder already contains a run{how_far}");
        let error = match length {
            Some(RunLength { out_of_patience: true, .. }) => error,
            Some(length) if length.is_finished() => error.help(format!(
                "train that run for more epochs: `--resume --set epochs={}`",
                length.done.saturating_mul(2)
            )),
            Some(_) | None => error.help("continue that run: `--resume`"),
        };
        error.help("replace it: `--overwrite`").help("or keep it and choose another folder: `--out DIR`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::run_start::settings_for_tests;

    #[test]
    fn the_length_of_a_run_in_words() {
        let text = |done, planned, stopped_early| {
            let out_of_patience = stopped_early;
            RunLength { done, planned, stopped_early, out_of_patience, summarised: done > 0 }.to_text()
        };
        assert_eq!(text(0, 3, false), "0 of 3 epochs are done");
        assert_eq!(text(1, 3, false), "1 of 3 epochs is done");
        assert_eq!(text(1, 1, false), "finished, 1 of 1 epoch");
        assert_eq!(text(4, 3, false), "finished, 4 epochs are done and 3 asked for");
        assert_eq!(text(2, 9, true), "finished, stopped early after 2 of 9 epochs");
    }

    /// A process that is killed at the end of an epoch leaves its line in `metrics.jsonl` and the checkpoint before it.
    #[test]
    fn an_epoch_without_a_checkpoint_is_not_done() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        let line = r#"{"epoch":1,"loss":1.0,"dice":0.5,"iou":0.5,"seconds":1.0,"images_per_second":1.0}"#;
        std::fs::write(folder.metrics_file(), format!("{line}\n{line}\n")).unwrap();
        let summary = |more: &str| {
            format!(
                r#"{{"dice":0.5,"iou":0.5,"epoch":1,"seconds":1.0,"n_train":1,"n_test":1,"scored_on":"val"{more}}}"#
            )
        };
        std::fs::write(folder.summary_file(), summary(r#","epochs":1"#)).unwrap();
        assert_eq!(folder.length(2).to_text(), "1 of 2 epochs is done");
        // Earlier versions did not write the number.
        std::fs::write(folder.summary_file(), summary("")).unwrap();
        assert!(folder.length(2).is_finished());
        // Where the patience ended with the last epoch, more epochs would train nothing, and none are offered.
        let settings = settings_for_tests(&[("epochs: 3", "epochs: 2")]);
        folder.write_settings(&settings).unwrap();
        std::fs::write(folder.summary_file(), summary(r#","epochs":2,"out_of_patience":true"#)).unwrap();
        let length = folder.length(30);
        assert!(length.is_finished() && length.to_text() == "finished, 2 of 2 epochs", "{}", length.to_text());
        let ways = folder.occupied().help.join("; ");
        assert!(!ways.contains("--resume") && ways.contains("--overwrite"), "{ways}");
        std::fs::remove_file(folder.summary_file()).unwrap();
        assert_eq!(folder.length(2).to_text(), "2 of 2 epochs are done");
    }
}
