//! Fingerprints of images for the search for near-duplicates: difference hash and small grey version.

use crate::data::resize;

/// Side of the grey versions that are compared.
pub(super) const SIDE: usize = 32;

/// A 64-bit difference hash, and a grey version of 1 KiB. Equal fingerprints have equal values in both.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    pub(super) hash: u64,
    grey: Vec<u8>,
    /// Sum of the grey values, and of their squares.
    sums: [u32; 2],
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
        let grey: Vec<u8> = grey.iter().map(|&v| (v >> 8) as u8).collect();
        let sums = [1, 2].map(|power| grey.iter().map(|&v| u32::from(v).pow(power)).sum());
        Fingerprint { hash, grey, sums }
    }

    /// Returns Pearson's correlation of the grey versions; 0 if one of them is constant.
    pub(super) fn correlation(&self, other: &Fingerprint) -> f64 {
        let n = self.grey.len() as f64;
        // At most 1024 times 255 squared, which fits.
        let xy: u32 = self.grey.iter().zip(&other.grey).map(|(&x, &y)| u32::from(x) * u32::from(y)).sum();
        let ([sx, xx], [sy, yy]) = (self.sums.map(f64::from), other.sums.map(f64::from));
        let xy = f64::from(xy);
        let spread = ((xx - sx * sx / n) * (yy - sy * sy / n)).sqrt();
        if spread > 0.0 { (xy - sx * sy / n) / spread } else { 0.0 }
    }
}
