//! Fingerprints of images for the search for near-duplicates: difference hash and small grey version.

use crate::data::resize;

/// Side of the grey versions that are compared.
pub(super) const SIDE: usize = 32;

/// A 64-bit difference hash, and a grey version of 1 KiB.
pub struct Fingerprint {
    pub(super) hash: u64,
    grey: Vec<u8>,
}

impl Fingerprint {
    /// Computes the fingerprint of 32 x 32 16-bit values.
    pub fn of(grey: &[u16]) -> Fingerprint {
        let values: Vec<f32> = grey.iter().map(|&v| f32::from(v)).collect();
        let small = resize::plane(&values, [SIDE, SIDE], [8, 9]);
        let mut hash = 0u64;
        for row in small.chunks_exact(9) {
            row.windows(2).for_each(|w| hash = hash << 1 | u64::from(w[1] > w[0]));
        }
        Fingerprint { hash, grey: grey.iter().map(|&v| (v >> 8) as u8).collect() }
    }

    /// Returns Pearson's correlation of the grey versions; 0 if one of them is constant.
    pub(super) fn correlation(&self, other: &Fingerprint) -> f64 {
        let n = self.grey.len() as f64;
        let (mut sx, mut sy, mut xx, mut yy, mut xy) = (0u64, 0u64, 0u64, 0u64, 0u64);
        for (&x, &y) in self.grey.iter().zip(&other.grey) {
            let (x, y) = (u64::from(x), u64::from(y));
            sx += x;
            sy += y;
            xx += x * x;
            yy += y * y;
            xy += x * y;
        }
        let [sx, sy, xx, yy, xy] = [sx, sy, xx, yy, xy].map(|v| v as f64);
        let spread = ((xx - sx * sx / n) * (yy - sy * sy / n)).sqrt();
        if spread > 0.0 { (xy - sx * sy / n) / spread } else { 0.0 }
    }
}
