//! Structures inside the lungs that belong to them: vessels, bronchi, nodules.

use super::anatomy::Patient;
use super::noise::{PhantomRng, lerp, smoothstep};
use super::organs::length;

/// Draws vessels, bronchi and nodules into the lungs of a slice.
pub(super) struct LungPainter<'a> {
    pub(super) rng: &'a mut PhantomRng,
    pub(super) patient: &'a Patient,
    pub(super) size: [usize; 2],
    pub(super) unit: f64,
    pub(super) hu: &'a mut [f64],
    pub(super) lungs: &'a [u8],
}

impl LungPainter<'_> {
    pub(super) fn paint(mut self) {
        for side in [-1.0, 1.0] {
            let root = [side * (self.patient.mediastinum + 0.03), 0.02];
            for _ in 0..self.vessel_count() {
                self.vessel(root);
            }
        }
        for _ in 0..220 {
            let (at, r) = (self.random_point(), self.rng.uniform(0.003, 0.011));
            let hu = self.rng.uniform(-350.0, 0.0);
            self.disc(at, r, hu);
        }
        for _ in 0..14 {
            let side = if self.rng.chance(0.5) { 1.0 } else { -1.0 };
            let at = [side * (self.patient.mediastinum + self.rng.uniform(0.05, 0.22)), self.rng.uniform(-0.2, 0.25)];
            let r = self.rng.uniform(0.009, 0.022);
            self.disc(at, r * 1.5, -250.0);
            self.disc(at, r, -980.0);
        }
        if self.rng.chance(0.3) {
            for _ in 0..1 + self.rng.bits() % 3 {
                let (at, r) = (self.random_point(), self.rng.uniform(0.015, 0.07));
                for _ in 0..6 {
                    let (away, part) = (self.rng.direction(), self.rng.uniform(0.0, 0.6) * r);
                    self.disc([at[0] + away[0] * part, at[1] + away[1] * part], r * 0.6, 25.0);
                }
            }
        }
    }

    /// Returns the number of vessels of one lung; there are fewer near the top.
    fn vessel_count(&self) -> usize {
        12 + (16.0 * smoothstep(self.patient.level / 0.5)) as usize
    }

    fn random_point(&mut self) -> [f64; 2] {
        let [half_u, half_v] = self.patient.half;
        [self.rng.uniform(-half_u, half_u), self.rng.uniform(-half_v, half_v)]
    }

    /// Draws a vessel: a winding, tapering track of discs from the root of the lung outwards.
    fn vessel(&mut self, root: [f64; 2]) {
        let [mut u, mut v] = root;
        let [mut du, mut dv] = self.rng.direction();
        if (du > 0.0) != (root[0] > 0.0) {
            du = -du;
        }
        let mut r = self.rng.uniform(0.006, 0.021);
        let reach = self.rng.uniform(0.15, 0.55);
        let step = 0.008;
        let mut gone = 0.0;
        while gone < reach && r > 0.002 {
            self.disc([u, v], r, 30.0);
            let [wu, wv] = self.rng.direction();
            (du, dv) = (du + 0.16 * wu, dv + 0.16 * wv);
            let size = length(du, dv).max(1e-6);
            (du, dv) = (du / size, dv / size);
            (u, v) = (u + step * du, v + step * dv);
            r *= 0.975;
            gone += step;
        }
    }

    /// Blends a disc into the lung, with antialiased edges.
    fn disc(&mut self, [u, v]: [f64; 2], r: f64, hu: f64) {
        let [height, width] = self.size;
        // Back from patient to picture coordinates.
        let Patient { tilt, shift, .. } = self.patient;
        let x = (u * tilt[0] - v * tilt[1] + shift[0]) / self.unit + width as f64 / 2.0;
        let y = (u * tilt[1] + v * tilt[0] + shift[1]) / self.unit + height as f64 / 2.0;
        let r = r / self.unit;
        let range = |centre: f64, n: usize| {
            let low = (centre - r - 1.0).max(0.0) as usize;
            let high = (centre + r + 2.0).clamp(0.0, n as f64) as usize;
            low..high
        };
        for j in range(y, height) {
            for i in range(x, width) {
                let at = j * width + i;
                if self.lungs[at] == 1 {
                    let cover = (r + 0.5 - length(i as f64 + 0.5 - x, j as f64 + 0.5 - y)).clamp(0.0, 1.0).min(2.0 * r);
                    self.hu[at] = lerp(self.hu[at], hu, cover);
                }
            }
        }
    }
}
