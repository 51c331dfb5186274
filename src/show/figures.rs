//! The figures of an evaluation: confusion matrix, reliability diagram, and precision by recall; drawn, and written as files.

use super::chart::{ChartDrawing, ChartTheme, confusion_chart, precision_recall_chart, reliability_chart};
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::metric::{Calibration, ConfusionMatrix, Evaluation, PrecisionRecallCurve};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Names of the figures' files without their endings, and the endings.
const STEMS: [&str; 4] = ["confusion", "confusion_volumes", "precision_recall", "reliability"];
const ENDINGS: [&str; 2] = ["svg", "png"];

/// What the figures of an evaluation are drawn from. Parts that `eval.json` lacks are empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FigureData {
    pub confusion: Option<ConfusionMatrix>,
    pub confusion_of_volumes: Option<ConfusionMatrix>,
    pub calibration: Option<Calibration>,
    pub precision_recall: Vec<PrecisionRecallCurve>,
}

/// A figure with the stem of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationFigure {
    pub stem: &'static str,
    pub drawing: ChartDrawing,
}

impl FigureData {
    pub fn of(evaluation: &Evaluation) -> FigureData {
        FigureData {
            confusion: evaluation.confusion.clone(),
            confusion_of_volumes: evaluation.volumes.as_ref().and_then(|volumes| volumes.confusion.clone()),
            calibration: Some(evaluation.calibration.clone()),
            precision_recall: evaluation.precision_recall.clone(),
        }
    }

    /// Reads the content of `eval.json`, each part by itself, since older files lack some.
    pub fn of_json(evaluation: &Value) -> FigureData {
        FigureData {
            confusion: ConfusionMatrix::deserialize(&evaluation["confusion"]).ok(),
            confusion_of_volumes: ConfusionMatrix::deserialize(&evaluation["volumes"]["confusion"]).ok(),
            calibration: Calibration::deserialize(&evaluation["calibration"]).ok(),
            precision_recall: Vec::deserialize(&evaluation["precision_recall"]).unwrap_or_default(),
        }
    }

    /// Draws the figures that there are.
    pub fn draw(&self) -> Vec<EvaluationFigure> {
        let matrix = |stem, of: &str, matrix: &Option<ConfusionMatrix>| {
            let drawing = confusion_chart(&format!("Confusion matrix of the {of}"), matrix.as_ref()?, of);
            Some(EvaluationFigure { stem, drawing })
        };
        let other = |stem, drawing: Option<ChartDrawing>| Some(EvaluationFigure { stem, drawing: drawing? });
        [
            matrix(STEMS[0], "pixels", &self.confusion),
            matrix(STEMS[1], "voxels", &self.confusion_of_volumes),
            other(STEMS[2], precision_recall_chart(&self.precision_recall)),
            other(STEMS[3], self.calibration.as_ref().and_then(reliability_chart)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Returns the paths of all figures that there may be in a folder.
    pub(crate) fn files_in(dir: &Path) -> Vec<PathBuf> {
        let of = |stem: &str| ENDINGS.map(|ending| dir.join(format!("{stem}.{ending}")));
        STEMS.into_iter().flat_map(of).collect()
    }

    /// Writes each figure as SVG and as PNG into a folder, and returns the files, with a note where no font has some letters
    /// of a PNG file.
    ///
    /// Errors: there is nothing to draw, or the folder or a file cannot be written.
    pub fn write(&self, dir: &Path, theme: ChartTheme) -> Result<(Vec<PathBuf>, Option<String>)> {
        let figures = self.draw();
        if figures.is_empty() {
            return Err(problem!(E0741, dir, "no figures are written: the run has no scores";
                help: "`npc eval RUN --figures DIR` makes scores and figures"));
        }
        std::fs::create_dir_all(dir).map_err(|e| RunError::create_dir(dir, e))?;
        let (mut files, mut note) = (Vec::new(), None);
        for figure in figures {
            for ending in ENDINGS {
                let path = dir.join(format!("{}.{ending}", figure.stem));
                note = figure.drawing.write(&path, theme)?.or(note);
                files.push(path);
            }
        }
        Ok((files, note))
    }
}
