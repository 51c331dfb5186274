//! The anatomy of one generated patient: the tissue at each point of a slice.
//!
//! Patient coordinates are `u` to the right of the picture and `v` downwards (towards the back); the shorter side of the picture
//! spans -1..1. `level` runs from the top of the lungs (0) to the diaphragm (1).

use super::noise::{NoiseField, PhantomRng, lerp, smoothstep, unit_vector};
use super::organs::{self, Oval, Rib, length};

pub(super) const AIR: f64 = -1000.0;
const FAT: f64 = -100.0;
const SOFT: f64 = 40.0;

/// All parameters of a slice except its noise.
pub(super) struct Patient {
    pub(super) level: f64,
    pub(super) shift: [f64; 2],
    pub(super) tilt: [f64; 2],
    pub(super) half: [f64; 2],
    /// Fraction of the body's radius where the muscle ends and fat begins; `cavity` is where the chest wall begins.
    muscle: f64,
    cavity: f64,
    /// Size of the lungs relative to the cavity.
    fill: f64,
    pub(super) mediastinum: f64,
    outline: NoiseField,
    ragged: NoiseField,
    pub(super) texture: NoiseField,
    waviness: f64,
    heart: Option<Oval>,
    blood: f64,
    aorta: Oval,
    spine: Oval,
    /// Air-filled tubes outside the lung: trachea, main bronchi, oesophagus.
    tubes: Vec<Oval>,
    domes: Vec<Oval>,
    /// The stomach's gas bubble and its fluid level.
    stomach: Option<(Oval, f64)>,
    ribs: Vec<Rib>,
    arms: Vec<Oval>,
    pub(super) parenchyma: f64,
    pub(super) gradient: f64,
    /// Height of the table's centre, its curvature and its half width.
    table: [f64; 3],
    pub(super) padding: bool,
}

impl Patient {
    pub(super) fn new(rng: &mut PhantomRng) -> Self {
        let level = rng.uniform(0.0, 1.0);
        let half = [rng.uniform(0.66, 0.86), rng.uniform(0.46, 0.6)];
        let fat = rng.uniform(0.03, 0.13);
        let wall = rng.uniform(0.09, 0.14);
        let grown = smoothstep(level / 0.5);
        let shift = [rng.uniform(-0.08, 0.08), rng.uniform(-0.1, 0.06)];
        let mediastinum = rng.uniform(0.13, 0.19);

        let heart = organs::heart(rng, level, half);
        let spine = organs::spine(rng, half);
        let tubes = organs::tubes(rng, level, &spine);
        let (domes, stomach) = organs::domes(rng, level, half);
        let ribs = organs::ribs(rng);
        let arms = organs::arms(rng, half);
        Patient {
            level,
            shift,
            tilt: unit_vector(rng.uniform(-0.012, 0.012)),
            half,
            muscle: 1.0 - fat,
            cavity: 1.0 - fat - wall,
            fill: lerp(0.6, 1.0, grown) * rng.uniform(0.94, 1.0),
            mediastinum: mediastinum * lerp(1.25, 1.0, grown),
            outline: NoiseField(rng.bits()),
            ragged: NoiseField(rng.bits()),
            texture: NoiseField(rng.bits()),
            waviness: rng.uniform(0.02, 0.06),
            heart,
            blood: if rng.chance(0.4) { rng.uniform(120.0, 280.0) } else { rng.uniform(35.0, 55.0) },
            aorta: Oval::new(rng.uniform(0.08, 0.12), spine.centre[1] - spine.half[1] * 0.6, 0.055, 0.055),
            spine,
            tubes,
            domes,
            stomach,
            ribs,
            arms,
            parenchyma: rng.uniform(-885.0, -730.0),
            gradient: rng.uniform(20.0, 160.0),
            table: [shift[1] + half[1] * 1.05 + rng.uniform(0.0, 0.03), rng.uniform(0.0, 0.18), rng.uniform(0.5, 0.85)],
            padding: rng.chance(0.35),
        }
    }

    /// Converts picture coordinates to patient coordinates.
    pub(super) fn to_patient_coordinates(&self, x: f64, y: f64) -> [f64; 2] {
        let (x, y) = (x - self.shift[0], y - self.shift[1]);
        [x * self.tilt[0] + y * self.tilt[1], y * self.tilt[0] - x * self.tilt[1]]
    }

    /// Returns the fraction of the way from the body's centre to its skin; the body is between an ellipse and a rounded box.
    pub(super) fn depth(&self, u: f64, v: f64) -> f64 {
        let (p, q) = (u / self.half[0], v / self.half[1]);
        let (p, q) = (p * p, q * q);
        let depth = 0.5 * ((p + q).sqrt() + (p * p + q * q).sqrt().sqrt());
        depth * (1.0 + 0.03 * self.outline.at(2.5 * u, 2.5 * v))
    }

    /// Returns a level-set value: below 0 in the lungs, in units of about half the picture's side.
    pub(super) fn lung(&self, u: f64, v: f64, depth: f64) -> f64 {
        let scale = self.half[1];
        let wave =
            self.waviness * self.outline.rough(3.0 * u + 40.0, 3.0 * v) + 0.012 * self.ragged.rough(14.0 * u, 14.0 * v);
        let wall = (depth - 0.97 * self.cavity) * scale;
        // The lungs taper towards the top.
        let (cu, cv) = (0.5 * self.cavity * self.half[0], 0.05);
        let round = Oval::new(cu, cv, self.fill * 0.56 * self.half[0], self.fill * 0.95 * self.half[1]);
        let taper = (round.reach(u.abs(), v) - 1.0) * 0.4 * (1.0 - smoothstep((self.fill - 0.85) / 0.12)) - 0.02;
        // The mediastinum is wider at the roots and narrower in front, where the lungs nearly meet.
        let root = (1.0 - v.abs() / 0.16).max(0.0) * 0.04;
        let front = smoothstep((-v / self.half[1] - 0.25) / 0.5) * if self.level > 0.25 { 0.1 } else { 0.0 };
        let middle = self.mediastinum + root - front - u.abs();
        let mut level = wall.max(taper).max(middle);
        level = level.max((1.3 - self.spine.reach(u, v)) * 0.1);
        level = level.max((1.35 - self.aorta.reach(u, v)) * 0.055);
        for solid in self.heart.iter().chain(&self.domes) {
            level = level.max((1.03 - solid.reach(u, v)) * solid.half[1]);
        }
        level += wave.min(0.03);
        // Trachea and main bronchi with their walls are never lung.
        for tube in &self.tubes {
            level = level.max((1.6 - tube.reach(u, v)) * tube.half[1]);
        }
        level.max(wall)
    }

    /// Returns the Hounsfield units inside the body and outside the lungs.
    pub(super) fn tissue(&self, u: f64, v: f64, depth: f64) -> f64 {
        for tube in &self.tubes {
            let reach = tube.reach(u, v);
            if reach < 1.0 {
                return AIR;
            }
            if reach < 1.3 {
                return 20.0;
            }
        }
        if let Some((bubble, fluid)) = self.stomach
            && bubble.reach(u, v) < 1.0
        {
            return if v < fluid { AIR } else { 10.0 };
        }
        if let Some(bone) = self.bone(u, v, depth) {
            return bone;
        }
        if depth > 0.985 {
            return 10.0;
        }
        if depth > self.muscle {
            return FAT;
        }
        if depth > self.cavity {
            return if self.texture.at(9.0 * u, 9.0 * v) > 0.55 { FAT } else { SOFT + 15.0 };
        }
        if self.aorta.reach(u, v) < 1.0 || self.heart.is_some_and(|heart| heart.reach(u, v) < 0.82) {
            return self.blood;
        }
        if self.domes.iter().any(|dome| dome.reach(u, v) < 1.0) {
            return 60.0;
        }
        // Fat between the organs.
        if self.texture.rough(7.0 * u, 7.0 * v + 50.0) > 0.3 { -80.0 } else { SOFT }
    }

    fn bone(&self, u: f64, v: f64, depth: f64) -> Option<f64> {
        let grain = 60.0 * self.texture.rough(30.0 * u, 30.0 * v);
        let body = self.spine.reach(u, v);
        if body < 1.0 {
            return Some(if body > 0.85 { 480.0 } else { 190.0 + grain });
        }
        let [su, sv] = self.spine.centre;
        let canal = Oval::new(su, sv + self.spine.half[1] * 1.4, 0.04, 0.035).reach(u, v);
        if canal < 1.0 {
            return Some(20.0);
        }
        let process = Oval::new(su, sv + self.spine.half[1] * 2.1, 0.018, 0.06).reach(u, v) < 1.0;
        let wings = Oval::new(su, sv + self.spine.half[1] * 1.35, 0.17, 0.022).reach(u, v) < 1.0;
        if canal < 1.5 || ((process || wings) && depth < self.muscle) {
            return Some(420.0 + grain);
        }
        let middle = self.cavity + 0.4 * (self.muscle - self.cavity);
        let across = (depth - middle).abs() / (0.32 * (self.muscle - self.cavity));
        if across < 1.0 {
            let (p, q) = (u / self.half[0], v / self.half[1]);
            let size = length(p, q).max(1e-6);
            let along = self.ribs.iter().any(|rib| (p * rib.towards[0] + q * rib.towards[1]) / size > rib.span);
            if along {
                return Some(if across > 0.6 { 550.0 } else { 250.0 + grain });
            }
        }
        None
    }

    /// Returns the Hounsfield units outside the body; `x` and `y` are picture coordinates.
    pub(super) fn surroundings(&self, x: f64, y: f64, u: f64, v: f64) -> f64 {
        for arm in &self.arms {
            let reach = arm.reach(u, v);
            if reach < 1.0 {
                return if reach < 0.22 {
                    150.0
                } else if reach < 0.36 {
                    700.0
                } else if reach < 0.85 {
                    SOFT
                } else {
                    FAT
                };
            }
        }
        let [height, bend, half] = self.table;
        let below = y - (height - bend * x * x);
        if x.abs() < half && (0.0..0.1).contains(&below) {
            return if !(0.012..=0.088).contains(&below) { -150.0 } else { -900.0 };
        }
        AIR
    }
}
