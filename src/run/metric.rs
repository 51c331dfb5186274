//! IoU and Dice: per image and class, their means, and the same from pooled pixels. `docs/metrics.md` has the formulas
//! and where other tools differ.
//!
//! Plain numbers from class maps; knows neither networks nor files. Class 0 is the background: its scores are told, and
//! are in no mean over classes.
//!
//! A class that neither the prediction nor the truth of an image holds was found right: the image counts as 1 for it. A
//! class that only one of them holds scores 0, by the formulas. So every image is in every mean.

use crate::recipe::Metric;
use crate::run::error::{Result, RunError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Pixels of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Predicted and true.
    pub tp: u64,
    /// Predicted only.
    pub fp: u64,
    /// True only.
    pub fn_: u64,
}

impl Counts {
    /// |A and B| / |A or B|; `None` where both are empty.
    pub fn iou(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp + self.fn_)
    }

    /// 2 |A and B| / (|A| + |B|); `None` where both are empty.
    pub fn dice(self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    fn add(&mut self, other: Counts) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.fn_ += other.fn_;
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Counts per class of one image. `pred` and `truth` are class maps of one size.
pub fn score(pred: &[u8], truth: &[u8], classes: usize) -> Result<Vec<Counts>> {
    if pred.len() != truth.len() {
        return Err(RunError::new(format!(
            "a prediction of {} pixels cannot be scored against a truth of {}",
            pred.len(),
            truth.len()
        )));
    }
    // Pairs of values first: one addition per pixel.
    let mut pairs = vec![0u64; 256 * 256];
    pred.iter().zip(truth).for_each(|(&p, &t)| pairs[usize::from(p) * 256 + usize::from(t)] += 1);
    let mut counts = vec![Counts::default(); classes];
    for (i, n) in pairs.into_iter().enumerate().filter(|(_, n)| *n > 0) {
        let (p, t) = (i / 256, i % 256);
        if p >= classes || t >= classes {
            let (what, class) = if p >= classes { ("prediction", p) } else { ("truth", t) };
            return Err(RunError::new(format!("the {what} holds class {class}; there are {classes}, counted from 0")));
        }
        if p == t {
            counts[p].tp += n;
        } else {
            counts[p].fp += n;
            counts[t].fn_ += n;
        }
    }
    Ok(counts)
}

/// Scores of one class in one image; `None` where neither prediction nor truth holds it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    pub iou: Option<f64>,
    pub dice: Option<f64>,
}

/// Scores of one image, in the order of the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseScore {
    pub stem: String,
    pub per_class: Vec<ClassScore>,
    pub counts: Vec<Counts>,
}

impl CaseScore {
    pub fn new(stem: impl Into<String>, counts: Vec<Counts>) -> Self {
        let per_class = counts.iter().map(|c| ClassScore { iou: c.iou(), dice: c.dice() }).collect();
        Self { stem: stem.into(), per_class, counts }
    }

    /// Mean over the foreground classes, a class in neither map counting as 1.
    pub fn mean(&self) -> Scores {
        mean(self.per_class.iter().skip(1).map(counted))
    }
}

/// The score that a mean takes.
fn counted(score: &ClassScore) -> Scores {
    Scores { iou: score.iou.unwrap_or(1.0), dice: score.dice.unwrap_or(1.0) }
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Scores {
    pub iou: f64,
    pub dice: f64,
}

impl Scores {
    pub fn get(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Iou => self.iou,
            Metric::Dice => self.dice,
        }
    }
}

/// 0 of nothing: a summary of no images boasts of nothing.
fn mean(scores: impl Iterator<Item = Scores>) -> Scores {
    let (mut sum, mut n) = (Scores::default(), 0u64);
    for score in scores {
        sum.iou += score.iou;
        sum.dice += score.dice;
        n += 1;
    }
    let n = n.max(1) as f64;
    Scores { iou: sum.iou / n, dice: sum.dice / n }
}

/// Scores of a set of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Images.
    pub n: usize,
    /// Mean over the foreground classes of the means over the images.
    pub iou: f64,
    pub dice: f64,
    /// Means over the images, background included.
    pub per_class: BTreeMap<String, Scores>,
    /// From the pixels of all images together: large objects weigh more.
    pub pooled: Pooled,
    /// Pairs of image and foreground class that counted as 1 because neither map holds the class.
    pub empty: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// Mean over the foreground classes.
    pub iou: f64,
    pub dice: f64,
    /// Background included.
    pub per_class: BTreeMap<String, Scores>,
}

impl Summary {
    /// `classes` names every class in order; each case holds one score per class.
    pub fn new(cases: &[CaseScore], classes: &[String]) -> Result<Summary> {
        if let Some(case) = cases.iter().find(|c| c.per_class.len() != classes.len() || c.counts.len() != classes.len())
        {
            return Err(RunError::new(format!(
                "`{}` is scored for {} classes; there are {}",
                case.stem,
                case.per_class.len(),
                classes.len()
            )));
        }
        let images: Vec<Scores> =
            (0..classes.len()).map(|k| mean(cases.iter().map(|case| counted(&case.per_class[k])))).collect();
        let pooled: Vec<Scores> = (0..classes.len())
            .map(|k| {
                let mut sum = Counts::default();
                cases.iter().for_each(|case| sum.add(case.counts[k]));
                match cases {
                    [] => Scores::default(),
                    _ => counted(&ClassScore { iou: sum.iou(), dice: sum.dice() }),
                }
            })
            .collect();
        let named = |scores: &[Scores]| classes.iter().cloned().zip(scores.iter().copied()).collect();
        let foreground = |scores: &[Scores]| mean(scores.iter().skip(1).copied());
        let (by_image, by_pixel) = (foreground(&images), foreground(&pooled));
        Ok(Summary {
            n: cases.len(),
            iou: by_image.iou,
            dice: by_image.dice,
            per_class: named(&images),
            pooled: Pooled { iou: by_pixel.iou, dice: by_pixel.dice, per_class: named(&pooled) },
            empty: cases.iter().flat_map(|c| c.per_class.iter().skip(1)).filter(|s| s.iou.is_none()).count(),
        })
    }

    pub fn get(&self, metric: Metric) -> f64 {
        Scores { iou: self.iou, dice: self.dice }.get(metric)
    }
}

/// A table with one line per image and foreground class: `stem,class,iou,dice,tp,fp,fn,empty`. The scores are those
/// that the means take, so that a column's mean is the summary's; `empty` is 1 where neither map holds the class.
pub fn cases_csv(cases: &[CaseScore], classes: &[String]) -> String {
    let mut text = String::from("stem,class,iou,dice,tp,fp,fn,empty\n");
    for case in cases {
        for ((score, counts), class) in case.per_class.iter().zip(&case.counts).zip(classes).skip(1) {
            let Scores { iou, dice } = counted(score);
            let Counts { tp, fp, fn_ } = *counts;
            let empty = u8::from(score.iou.is_none());
            // Writing to a string cannot fail.
            let _ =
                writeln!(text, "{},{},{iou:.6},{dice:.6},{tp},{fp},{fn_},{empty}", quoted(&case.stem), quoted(class));
        }
    }
    text
}

/// RFC 4180.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}
