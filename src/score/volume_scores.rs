//! Scores of whole volumes: the slices of an evaluation, put together again on the grid of the file.
//!
//! The class map of a volume is the one that a prediction writes: the probabilities of each slice, resized to the slice's own
//! size. Slices that are no cases of the evaluation are predicted as well, so that a volume is always scored as a whole.

use super::predict::PredictionSettings;
use crate::base::error::Result;
use crate::compute::network::Network;
use crate::data::{Batch, Dataset, LoadedImage, SplitRole, VolumeCase, resize};
use crate::metric::{CaseScore, ConfusionTally, Intervals, Summary, VolumeEvaluation, VolumePair, measure_volume};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Collects the class maps of slices, and scores each volume when its last slice has come.
pub(crate) struct VolumeScorer<'a> {
    pub data: &'a Dataset,
    pub role: SplitRole,
    pub network: &'a Network,
    pub settings: PredictionSettings<'a>,
    /// Number of slices that are predicted together.
    pub batch: usize,
    pub stop: &'a AtomicBool,
    /// Volumes whose slices have not all come.
    open: HashMap<PathBuf, OpenVolume<'a>>,
    /// Number of slices of each volume that are cases and have not come.
    expected: HashMap<PathBuf, usize>,
    /// Volumes with slices in other parts of the split.
    divided: HashSet<PathBuf>,
    scored: ScoredVolumes,
    confusion: ConfusionTally,
}

/// A volume whose slices come.
struct OpenVolume<'a> {
    volume: VolumeCase<'a>,
    /// The class of each voxel, `[slices, height, width]`.
    classes: Vec<u8>,
    /// Whether a slice has come.
    done: Vec<bool>,
}

/// What has been scored.
#[derive(Default)]
struct ScoredVolumes {
    cases: Vec<CaseScore>,
    slices: usize,
    added: usize,
    left_out: Vec<String>,
}

impl<'a> VolumeScorer<'a> {
    pub(crate) fn new(
        data: &'a Dataset,
        role: SplitRole,
        network: &'a Network,
        settings: PredictionSettings<'a>,
        batch: usize,
        stop: &'a AtomicBool,
    ) -> VolumeScorer<'a> {
        let mut expected: HashMap<PathBuf, usize> = HashMap::new();
        for (volume, _) in (0..data.len(role)).filter_map(|index| data.slice_in_volume(role, index)) {
            *expected.entry(volume.to_path_buf()).or_default() += 1;
        }
        let mut divided = data.volumes_of_other_roles(role);
        divided.retain(|volume| expected.contains_key(volume));
        let (open, scored) = (HashMap::new(), ScoredVolumes::default());
        let confusion = ConfusionTally::new(data.spec().classes.len());
        VolumeScorer { data, role, network, settings, batch, stop, open, expected, divided, scored, confusion }
    }

    /// Adds the probabilities of a batch, `[n, k, h, w]`. A volume of which all cases have come is completed and scored.
    pub(crate) fn add(&mut self, batch: &Batch, probabilities: &[f32]) -> Result<()> {
        let size = [batch.shape[2], batch.shape[3]];
        let each = (probabilities.len() / batch.cases.len().max(1)).max(1);
        let mut slices = Vec::new();
        for (&case, values) in batch.cases.iter().zip(probabilities.chunks_exact(each)) {
            let Some((path, slice)) = self.data.slice_in_volume(self.role, case) else { continue };
            let divided = self.divided.contains(path);
            if !divided && !self.open.contains_key(path) {
                self.open.insert(path.to_path_buf(), OpenVolume::new(self.data.volume(self.role, case)?));
            }
            slices.push((case, path, slice, values));
        }
        let (classes, open) = (self.settings.spec.classes.len(), &self.open);
        // Each slice is resized to its own size, which takes longer than anything else here.
        let maps: Vec<Option<Vec<u8>>> = (slices.par_iter())
            .map(|(_, path, _, values)| {
                let [_, height, width] = open.get(*path)?.volume.size();
                Some(resize::argmax(values, classes, size, [height, width]))
            })
            .collect();
        for ((case, path, slice, _), map) in slices.into_iter().zip(maps) {
            if let (Some(open), Some(map)) = (self.open.get_mut(path), map) {
                open.put(slice, &map);
            }
            self.count_case(case, path)?;
        }
        Ok(())
    }

    /// Counts a case that has come, and completes its volume if it was the last.
    fn count_case(&mut self, case: usize, path: &Path) -> Result<()> {
        let left = self.expected.entry(path.to_path_buf()).or_default();
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Ok(());
        }
        match self.open.remove(path) {
            Some(open) => self.complete(open),
            None => {
                self.scored.left_out.push(self.data.volume(self.role, case)?.name().to_string());
                Ok(())
            }
        }
    }

    /// Predicts the slices of a volume that are no cases, and scores the volume.
    fn complete(&mut self, mut open: OpenVolume<'a>) -> Result<()> {
        let missing: Vec<usize> = (0..open.done.len()).filter(|&slice| !open.done[slice]).collect();
        for slices in missing.chunks(self.batch.max(1)) {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let images: Result<Vec<LoadedImage>> =
                slices.par_iter().map(|&slice| open.volume.image(slice, self.settings.channels)).collect();
            let images = images?;
            let maps = self.settings.predict(self.network, &images.iter().collect::<Vec<_>>())?;
            let [_, height, width] = open.volume.size();
            for (&slice, maps) in slices.iter().zip(&maps) {
                let classes = maps.classes_at([height, width], Path::new(open.volume.name()))?;
                open.put(slice, &classes);
            }
        }
        let size = open.volume.size();
        let slices: Result<Vec<Vec<u8>>> = (0..size[0]).into_par_iter().map(|slice| open.volume.truth(slice)).collect();
        let truth = slices?.concat();
        let pair = VolumePair { pred: &open.classes, truth: &truth, size, spacing: open.volume.spacing() };
        let mut case = measure_volume(open.volume.name(), &pair, self.settings.spec.classes.len())?;
        self.confusion.add(&open.classes, &truth);
        case.group = open.volume.group().map(str::to_string);
        self.scored.cases.push(case);
        self.scored.slices += size[0];
        self.scored.added += missing.len();
        Ok(())
    }

    /// Returns the scores of all volumes; `None` if no case is a slice of a volume.
    pub(crate) fn finish(self) -> Result<Option<VolumeEvaluation>> {
        let ScoredVolumes { mut cases, slices, added, left_out } = self.scored;
        if self.expected.is_empty() {
            return Ok(None);
        }
        let spec = self.settings.spec;
        // A volume that is its own group is a unit of its own.
        if cases.iter().all(|case| case.group.as_deref() == Some(&case.stem)) {
            cases.iter_mut().for_each(|case| case.group = None);
        }
        Ok(Some(VolumeEvaluation {
            slices,
            added_slices: added,
            left_out,
            confusion: (!cases.is_empty()).then(|| self.confusion.finish(&spec.classes)),
            summary: Summary::new(&cases, &spec.classes, spec.empty)?,
            intervals: Intervals::new(&cases, &spec.classes, spec.empty, 0),
            cases,
        }))
    }
}

impl<'a> OpenVolume<'a> {
    fn new(volume: VolumeCase<'a>) -> OpenVolume<'a> {
        let size = volume.size();
        OpenVolume { volume, classes: vec![0; size.iter().product()], done: vec![false; size[0]] }
    }

    /// Puts the classes of a slice into the volume.
    fn put(&mut self, slice: usize, classes: &[u8]) {
        self.classes[slice * classes.len()..][..classes.len()].copy_from_slice(classes);
        self.done[slice] = true;
    }
}
