//! Random organs of a patient: ellipses in patient coordinates.
//!
//! The order of random draws decides the phantoms of a seed and may not change.

use super::noise::{PhantomRng, smoothstep, unit_vector};

/// An axis-aligned ellipse.
#[derive(Clone, Copy)]
pub(super) struct Oval {
    pub(super) centre: [f64; 2],
    pub(super) half: [f64; 2],
}

impl Oval {
    pub(super) fn new(u: f64, v: f64, half_u: f64, half_v: f64) -> Self {
        Self { centre: [u, v], half: [half_u, half_v] }
    }

    /// Returns the distance from the centre in units of the half axes: below 1 inside.
    pub(super) fn reach(&self, u: f64, v: f64) -> f64 {
        length((u - self.centre[0]) / self.half[0], (v - self.centre[1]) / self.half[1])
    }
}

pub(super) fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// A rib, as a sector of the chest wall.
pub(super) struct Rib {
    pub(super) towards: [f64; 2],
    /// Smallest cosine of the angle to `towards` inside the rib.
    pub(super) span: f64,
}

/// Draws the heart, which is present in lower slices only.
pub(super) fn heart(rng: &mut PhantomRng, level: f64, half: [f64; 2]) -> Option<Oval> {
    (level > 0.4).then(|| {
        let size = rng.uniform(0.75, 1.0) * smoothstep((level - 0.2) / 0.4);
        Oval::new(rng.uniform(0.06, 0.16), -half[1] * rng.uniform(0.18, 0.32), 0.33 * size, 0.27 * size)
    })
}

/// Draws the body of the vertebra.
pub(super) fn spine(rng: &mut PhantomRng, half: [f64; 2]) -> Oval {
    Oval::new(0.0, half[1] * rng.uniform(0.5, 0.56), rng.uniform(0.1, 0.13), rng.uniform(0.085, 0.11))
}

/// Draws the air-filled tubes outside the lung: the trachea or the main bronchi, and sometimes the oesophagus.
pub(super) fn tubes(rng: &mut PhantomRng, level: f64, spine: &Oval) -> Vec<Oval> {
    let mut tubes = Vec::new();
    if level < 0.48 {
        let r = rng.uniform(0.045, 0.065);
        tubes.push(Oval::new(rng.uniform(-0.03, 0.03), rng.uniform(-0.05, 0.06), r, r * rng.uniform(0.8, 1.15)));
    } else if level < 0.66 {
        for side in [-1.0, 1.0] {
            let r = rng.uniform(0.03, 0.042);
            tubes.push(Oval::new(side * rng.uniform(0.07, 0.09), rng.uniform(-0.02, 0.05), r * 1.2, r));
        }
    }
    if rng.chance(0.35) {
        let r = rng.uniform(0.012, 0.028);
        tubes.push(Oval::new(rng.uniform(0.0, 0.06), spine.centre[1] - spine.half[1] - 0.07, r * 1.3, r));
    }
    tubes
}

/// Draws the domes of the diaphragm in the lowest slices, and in the left one the stomach's gas bubble with its fluid level.
pub(super) fn domes(rng: &mut PhantomRng, level: f64, half: [f64; 2]) -> (Vec<Oval>, Option<(Oval, f64)>) {
    let low = smoothstep((level - 0.68) / 0.32);
    if low <= 0.0 {
        return (Vec::new(), None);
    }
    let r = low * rng.uniform(0.75, 1.0);
    let right = Oval::new(-half[0] * 0.4, -half[1] * 0.08, half[0] * 0.5 * r, half[1] * 0.62 * r);
    let r = low * rng.uniform(0.55, 0.95);
    let left = Oval::new(half[0] * 0.4, -half[1] * rng.uniform(0.0, 0.15), half[0] * 0.44 * r, half[1] * 0.55 * r);
    let stomach = rng.chance(0.75).then(|| {
        let bubble = Oval { half: [left.half[0] * 0.72, left.half[1] * 0.7], ..left };
        (bubble, left.centre[1] + left.half[1] * rng.uniform(-0.3, 0.5))
    });
    (vec![right, left], stomach)
}

/// Draws the ribs, and the breastbone as the last of them.
pub(super) fn ribs(rng: &mut PhantomRng) -> Vec<Rib> {
    let count = 11 + (rng.bits() % 4) as usize;
    let first = rng.uniform(0.0, 1.0);
    let mut ribs: Vec<Rib> = (0..count)
        .map(|k| Rib {
            towards: unit_vector(first + (k as f64 + rng.uniform(-0.2, 0.2)) / count as f64),
            span: unit_vector(rng.uniform(0.012, 0.034))[0],
        })
        .collect();
    ribs.push(Rib { towards: [0.0, -1.0], span: unit_vector(0.02)[0] });
    ribs
}

/// Draws the arms of a slim patient, which lie next to the body.
pub(super) fn arms(rng: &mut PhantomRng, half: [f64; 2]) -> Vec<Oval> {
    if half[0] >= 0.78 || !rng.chance(0.35) {
        return Vec::new();
    }
    let r = rng.uniform(0.08, 0.11);
    let mut arm =
        |side: f64| Oval::new(side * (half[0] + r + rng.uniform(0.02, 0.06)), rng.uniform(-0.05, 0.25), r, r * 1.1);
    vec![arm(-1.0), arm(1.0)]
}
