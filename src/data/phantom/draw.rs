//! Renders a patient as the pixels of a slice: tissue, blur, noise.

use super::anatomy::{AIR, Patient};
use super::lung_contents::LungPainter;
use super::noise::PhantomRng;
use super::organs::length;
use super::slice::PhantomSlice;

/// Draws slice `index` of the series `seed`.
pub fn draw(seed: u64, index: u64, size: [usize; 2]) -> PhantomSlice {
    let [height, width] = size;
    let mut rng = PhantomRng::new(seed, index);
    let patient = Patient::new(&mut rng);
    let unit = 2.0 / height.min(width) as f64;
    let coordinate = |i: usize, n: usize| (i as f64 + 0.5 - n as f64 / 2.0) * unit;

    let mut hu = vec![AIR; height * width];
    let mut lungs = vec![0u8; height * width];
    for y in 0..height {
        for x in 0..width {
            let (px, py) = (coordinate(x, width), coordinate(y, height));
            let [u, v] = patient.to_patient_coordinates(px, py);
            let depth = patient.depth(u, v);
            hu[y * width + x] = if depth >= 1.0 {
                patient.surroundings(px, py, u, v)
            } else if patient.lung(u, v, depth) < 0.0 {
                lungs[y * width + x] = 1;
                patient.parenchyma
                    + patient.gradient * (v / patient.half[1]).clamp(-1.0, 1.0)
                    + 45.0 * patient.texture.rough(12.0 * u, 12.0 * v)
            } else {
                patient.tissue(u, v, depth)
            };
        }
    }
    LungPainter { rng: &mut rng, patient: &patient, size, unit, hu: &mut hu, lungs: &lungs }.paint();

    let blurred = blur(&hu, size);
    let spread = rng.uniform(8.0, 34.0);
    let grain: Vec<f64> = (0..height * width).map(|_| rng.normal()).collect();
    // Blurring scales the standard deviation of white noise by 3/8.
    let grain = blur(&grain, size);
    let mut values = Vec::with_capacity(height * width);
    for y in 0..height {
        for x in 0..width {
            let i = y * width + x;
            let outside = patient.padding && length(coordinate(x, width), coordinate(y, height)) > 1.0;
            let value = if outside { -2048.0 } else { (blurred[i] + spread * grain[i] / 0.375).clamp(-1024.0, 3071.0) };
            values.push((value + 0.5).floor() as i16);
        }
    }
    PhantomSlice { size, hu: values, lungs }
}

/// Blurs by the binomial kernel 1 2 1 in both directions; edge pixels are repeated.
fn blur(values: &[f64], [height, width]: [usize; 2]) -> Vec<f64> {
    let pass = |source: &[f64], step: usize, at: usize, position: usize, n: usize| {
        let before = if position == 0 { at } else { at - step };
        let after = if position + 1 == n { at } else { at + step };
        (source[before] + 2.0 * source[at] + source[after]) / 4.0
    };
    let across: Vec<f64> = (0..height * width).map(|at| pass(values, 1, at, at % width, width)).collect();
    (0..height * width).map(|at| pass(&across, width, at, at / width, height)).collect()
}
