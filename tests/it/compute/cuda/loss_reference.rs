//! Losses and their gradients in 64 bits, as loops over the definitions of `docs/optimisation.md`.

use npc::text::config::{FocalAlpha, LossSpec, LossTerm};

/// A loss with its terms before weights, by result and term, and the gradient of each result, `[n][k][pixels]`.
pub struct ReferenceLoss {
    pub total: f64,
    pub terms: Vec<f64>,
    pub gradients: Vec<Vec<f64>>,
}

/// Results of images by classes by pixels, with the true class of each pixel; 255 is ignored.
pub struct LossCase<'a> {
    pub images: usize,
    pub classes: usize,
    pub pixels: usize,
    pub targets: &'a [u8],
    /// Logits `[n][k][pixels]` with their weights.
    pub results: Vec<(&'a [f32], f64)>,
}

impl LossCase<'_> {
    pub fn loss(&self, spec: &LossSpec) -> ReferenceLoss {
        let mut found = ReferenceLoss { total: 0.0, terms: Vec::new(), gradients: Vec::new() };
        for &(logits, weight) in &self.results {
            let soft = SoftResult::new(self, logits);
            let mut gradient = vec![0.0; logits.len()];
            for summand in &spec.terms {
                let (value, slopes) = soft.term(&summand.term);
                found.terms.push(value);
                found.total += weight * summand.weight * value;
                gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += weight * summand.weight * slope);
            }
            found.gradients.push(gradient);
        }
        found
    }
}

/// A result with the logs of its probabilities.
struct SoftResult<'a> {
    case: &'a LossCase<'a>,
    logits: Vec<f64>,
    log_p: Vec<f64>,
}

/// `log sum e^x`
fn log_sum(x: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = x.clone().fold(f64::NEG_INFINITY, f64::max);
    most + x.map(|x| (x - most).exp()).sum::<f64>().ln()
}

impl<'a> SoftResult<'a> {
    fn new(case: &'a LossCase<'a>, logits: &[f32]) -> Self {
        let logits: Vec<f64> = logits.iter().map(|&x| f64::from(x)).collect();
        let mut found = Self { case, log_p: logits.clone(), logits };
        for m in 0..case.images * case.pixels {
            let sum = log_sum((0..case.classes).map(|c| found.logits[found.at(m, c)]));
            (0..case.classes).for_each(|c| {
                let at = found.at(m, c);
                found.log_p[at] -= sum;
            });
        }
        found
    }

    fn at(&self, m: usize, c: usize) -> usize {
        (m / self.case.pixels * self.case.classes + c) * self.case.pixels + m % self.case.pixels
    }

    /// The pixels that count, with their classes.
    fn counted(&self) -> impl Iterator<Item = (usize, usize)> {
        let targets = self.case.targets.iter().enumerate();
        targets.filter(|(_, y)| **y != 255).map(|(m, &y)| (m, usize::from(y)))
    }

    /// Value and gradient by the logits.
    fn term(&self, term: &LossTerm) -> (f64, Vec<f64>) {
        match term {
            LossTerm::CrossEntropy { weights, smoothing } => self.cross_entropy(weights, *smoothing),
            LossTerm::Focal { gamma, alpha } => self.focal(*gamma, alpha),
            &LossTerm::Dice { squared, smooth, batch, include_background } => {
                self.regions(batch, include_background, |p, g| {
                    let power = |p: f64| if squared { p * p } else { p };
                    let part = 2.0 * p.iter().zip(g).map(|(p, g)| p * g).sum::<f64>() + smooth;
                    let whole = p.iter().zip(g).map(|(p, g)| power(*p) + g).sum::<f64>() + smooth;
                    let by_p = |p: f64, g: f64| {
                        let of_whole = if whole < 1e-8 { 0.0 } else { part / whole.powi(2) };
                        -2.0 * g / whole.max(1e-8) + of_whole * if squared { 2.0 * p } else { 1.0 }
                    };
                    (1.0 - part / whole.max(1e-8), p.iter().zip(g).map(|(&p, &g)| by_p(p, g)).collect())
                })
            }
            &LossTerm::Tversky { alpha, beta, gamma, smooth, batch, include_background } => {
                self.regions(batch, include_background, |p, g| {
                    let sum = |f: &dyn Fn(f64, f64) -> f64| p.iter().zip(g).map(|(&p, &g)| f(p, g)).sum::<f64>();
                    let part = sum(&|p, g| p * g) + smooth;
                    let whole = part + alpha * sum(&|p, g| p * (1.0 - g)) + beta * sum(&|p, g| (1.0 - p) * g);
                    let loss = 1.0 - part / whole;
                    let outer = if gamma == 1.0 { 1.0 } else { gamma * loss.powf(gamma - 1.0) };
                    let by_p =
                        |g: f64| outer * (-g / whole + part / whole.powi(2) * (g + alpha * (1.0 - g) - beta * g));
                    (loss.powf(gamma), g.iter().map(|&g| by_p(g)).collect())
                })
            }
            LossTerm::Lovasz { .. } => unreachable!("no kernel computes it"),
        }
    }

    fn cross_entropy(&self, weights: &[f64], smoothing: f64) -> (f64, Vec<f64>) {
        let weight = |c: usize| weights.get(c).copied().unwrap_or(1.0);
        let whole: f64 = self.counted().map(|(_, y)| weight(y)).sum();
        let (mut value, mut slopes) = (0.0, vec![0.0; self.logits.len()]);
        for (m, y) in self.counted().filter(|_| whole > 0.0) {
            for c in 0..self.case.classes {
                let own = if c == y { 1.0 - smoothing } else { 0.0 };
                let q = (own + smoothing / self.case.classes as f64) * weight(c) / whole;
                value -= q * self.log_p[self.at(m, c)];
                slopes[self.at(m, c)] -= q;
                (0..self.case.classes).for_each(|j| slopes[self.at(m, j)] += q * self.log_p[self.at(m, j)].exp());
            }
        }
        (value, slopes)
    }

    fn focal(&self, gamma: f64, alpha: &FocalAlpha) -> (f64, Vec<f64>) {
        let alpha = |y: usize| match alpha {
            FocalAlpha::None => 1.0,
            FocalAlpha::Foreground(alpha) => {
                if y == 0 {
                    1.0 - alpha
                } else {
                    *alpha
                }
            }
            FocalAlpha::PerClass(all) => all[y],
        };
        let count = self.counted().count().max(1) as f64;
        let (mut value, mut slopes) = (0.0, vec![0.0; self.logits.len()]);
        for (m, y) in self.counted() {
            let log_p = self.log_p[self.at(m, y)];
            let others = (0..self.case.classes).filter(|&c| c != y);
            let log_rest = log_sum(others.clone().map(|c| self.log_p[self.at(m, c)]));
            let factor = alpha(y) / count;
            value -= factor * (gamma * log_rest).exp() * log_p;
            // With 1 - p = e^rest: d/dp of (1 - p)^gamma (-log p), times p e^rest, which is the derivative by the log-odds.
            let by_z = (gamma * log_rest).exp() * (gamma * log_p.exp() * log_p - log_rest.exp());
            slopes[self.at(m, y)] += factor * by_z;
            others.for_each(|c| slopes[self.at(m, c)] -= factor * by_z * (self.log_p[self.at(m, c)] - log_rest).exp());
        }
        (value, slopes)
    }

    /// The mean of `f` over classes, and over images or for the batch as one. `f` takes `p` and `g` of the pixels that count,
    /// and returns a loss with its derivatives by `p`.
    fn regions(
        &self,
        batch: bool,
        include_background: bool,
        f: impl Fn(&[f64], &[f64]) -> (f64, Vec<f64>),
    ) -> (f64, Vec<f64>) {
        let case = self.case;
        let all: Vec<(usize, usize)> = self.counted().collect();
        let of_image = |i: usize| all.iter().copied().filter(|(m, _)| m / case.pixels == i).collect::<Vec<_>>();
        let rows: Vec<Vec<(usize, usize)>> = match batch {
            true => vec![all.clone()],
            false => (0..case.images).map(of_image).collect(),
        };
        let rows: Vec<_> = rows.into_iter().filter(|row| !row.is_empty()).collect();
        let first = usize::from(!include_background);
        let share = 1.0 / ((rows.len() * (case.classes - first)) as f64).max(1.0);
        let (mut value, mut by_p) = (0.0, vec![0.0; self.logits.len()]);
        for (row, c) in rows.iter().flat_map(|row| (first..case.classes).map(move |c| (row, c))) {
            let p: Vec<f64> = row.iter().map(|&(m, _)| self.log_p[self.at(m, c)].exp()).collect();
            let g: Vec<f64> = row.iter().map(|&(_, y)| if y == c { 1.0 } else { 0.0 }).collect();
            let (loss, slopes) = f(&p, &g);
            value += share * loss;
            row.iter().zip(slopes).for_each(|(&(m, _), slope)| by_p[self.at(m, c)] += share * slope);
        }
        let mut slopes = vec![0.0; self.logits.len()];
        for (m, _) in all {
            for (j, c) in (0..case.classes).flat_map(|j| (0..case.classes).map(move |c| (j, c))) {
                // The derivative of p_c by logit j is p_c (1 - p_j) or -p_c p_j: differences of slopes do not cancel.
                let [p_j, p_c] = [j, c].map(|c| self.log_p[self.at(m, c)].exp());
                slopes[self.at(m, j)] += p_j * p_c * (by_p[self.at(m, j)] - by_p[self.at(m, c)]);
            }
        }
        (value, slopes)
    }
}
