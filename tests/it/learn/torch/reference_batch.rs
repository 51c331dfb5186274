//! The batches of the PyTorch reference, by the formula in the docstring of `tests/reference/torch_npnet.py`.
//!
//! All numbers are integers until the last division, which is exact in f32: both sides hold the same bits.

/// Images `[n, 3, h, w]` and masks `[n, h, w]` (1 inside a disc, 0 outside) of training step `step`, row-major.
///
/// `h` and `w` are at least 8.
pub fn batch(step: u64, n: usize, h: usize, w: usize) -> (Vec<f32>, Vec<i64>) {
    let mut images = Vec::with_capacity(n * 3 * h * w);
    let mut masks = Vec::with_capacity(n * h * w);
    for image in 0..n as u64 {
        let disc = Disc::new(step, image, h as u64, w as u64);
        for _channel in 0..3 {
            for y in 0..h as u64 {
                for x in 0..w as u64 {
                    let pixel = noise(step, images.len() as u64) + (disc.holds(y, x) << 23);
                    images.push(pixel as f32 / (1 << 24) as f32);
                }
            }
        }
        for y in 0..h as u64 {
            masks.extend((0..w as u64).map(|x| disc.holds(y, x) as i64));
        }
    }
    (images, masks)
}

struct Disc {
    cy: u64,
    cx: u64,
    r: u64,
}

impl Disc {
    fn new(step: u64, image: u64, h: u64, w: u64) -> Self {
        Disc {
            cy: h / 4 + (7 * step + 13 * image) % (h / 2),
            cx: w / 4 + (11 * step + 29 * image) % (w / 2),
            r: h / 8 + (3 * step + 5 * image) % (h / 8),
        }
    }

    fn holds(&self, y: u64, x: u64) -> u64 {
        let (dy, dx) = (y.abs_diff(self.cy), x.abs_diff(self.cx));
        u64::from(dy * dy + dx * dx <= self.r * self.r)
    }
}

/// The upper 23 bits of splitmix64's output `index` from seed `step`.
fn noise(step: u64, index: u64) -> u64 {
    let mut z = step.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) >> 41
}

/// Sums over the whole batch and single elements, as `torch_npnet.batch` returns them for 2 x 3 x 64 x 96.
#[test]
fn batches_equal_those_of_the_pytorch_reference() {
    let check = |step, sum: u64, foreground: i64, places: i64, elements: [u64; 4]| {
        let (images, masks) = batch(step, 2, 64, 96);
        let raw: Vec<u64> = images.iter().map(|v| (v * (1 << 24) as f32) as u64).collect();
        let picked = [0, 1, 5000, 36863].map(|i| raw[i]);
        assert_eq!(picked, elements, "elements of step {step}");
        assert_eq!(raw.iter().sum::<u64>(), sum, "sum of step {step}");
        assert_eq!(masks.iter().sum::<i64>(), foreground, "foreground of step {step}");
        let moment: i64 = masks.iter().zip(0..).map(|(m, i)| m * i).sum();
        assert_eq!(moment, places, "places of step {step}");
    };
    check(0, 172442369319, 726, 5058269, [7409748, 3619919, 7173053, 2653731]);
    check(1, 167654062332, 574, 2749419, [4752662, 6256070, 2023042, 7340209]);
    check(19, 175721438943, 866, 6330435, [6168634, 978343, 696128, 1599958]);
}
