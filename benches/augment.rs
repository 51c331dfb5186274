//! Time of each kind of augmentation at 256 x 256, on one core: the table in `docs/augmentation.md`.
//!
//!     cargo bench --no-default-features --features data --bench augment

use npc::internals::data::augment::Augmenter;
use npc::internals::data::phantom;
use npc::text::config::{Augmentation, BorderMode, nnunet_like};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const SIZE: [usize; 2] = [256, 256];
const MIN_DURATION: Duration = Duration::from_millis(300);

/// Processor time of this thread if Linux reports it, so that other work on the machine does not count; otherwise wall
/// time.
fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = schedstat.and_then(|line| line.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Milliseconds per image of `planes` planes; the fastest of three rounds.
fn milliseconds_per_image(kinds: &[Augmentation], planes: usize) -> f64 {
    let slice = phantom::draw(0, 0, SIZE);
    let image: Vec<f32> = slice.hu.iter().map(|&hu| ((f32::from(hu) + 1000.0) / 1400.0).clamp(0.0, 1.0)).collect();
    let image = image.repeat(planes);
    let augmenter = Augmenter::new(kinds, SIZE).expect("settings within their limits");
    let round = || {
        let (start, mut done) = (processor_time(), 0);
        while processor_time() - start < MIN_DURATION {
            for _ in 0..8 {
                let (mut planes, mut mask) = (image.clone(), slice.lungs.clone());
                augmenter.plan(0, 0, done).apply(&mut planes, &mut mask);
                std::hint::black_box((planes, mask));
                done += 1;
            }
        }
        (processor_time() - start).as_secs_f64() * 1e3 / done as f64
    };
    (0..3).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let p = 1.0;
    let kinds: Vec<(&str, Vec<Augmentation>)> = vec![
        ("nothing (a copy)", vec![]),
        ("flip, rot90", vec![Augmentation::Flip { horizontal: p, vertical: p }, Augmentation::Rot90 { p }]),
        (
            "rotate, scale, shift, crop: one resampling",
            vec![
                Augmentation::Rotate { degrees: [-30.0, 30.0], p },
                Augmentation::Scale { factor: [0.8, 1.25], p },
                Augmentation::Shift { limit: [-0.1, 0.1], p },
                Augmentation::Crop { area: [0.5, 1.0], p },
            ],
        ),
        (
            "the same with border(constant)",
            vec![
                Augmentation::Rotate { degrees: [-30.0, 30.0], p },
                Augmentation::Scale { factor: [0.8, 1.25], p },
                Augmentation::Border { rule: BorderMode::Constant, value: 0.0 },
            ],
        ),
        ("elastic(sigma = 10)", vec![Augmentation::Elastic { alpha: [100.0, 100.0], sigma: [10.0, 10.0], p }]),
        ("noise", vec![Augmentation::Noise { std: [0.05, 0.05], p }]),
        ("blur(sigma = 1)", vec![Augmentation::Blur { sigma: [1.0, 1.0], p }]),
        ("brightness", vec![Augmentation::Brightness { offset: [-0.1, 0.1], factor: [0.8, 1.25], p }]),
        ("contrast", vec![Augmentation::Contrast { factor: [0.8, 1.25], p }]),
        ("low_resolution(factor = 0.5)", vec![Augmentation::LowResolution { factor: [0.5, 0.5], p }]),
        ("gamma", vec![Augmentation::Gamma { gamma: [0.7, 1.5], invert: 0.0, p }]),
        ("nnunet_like, its own p", nnunet_like()),
    ];
    println!("| kinds, p = 1 | grey, ms | colour, ms | colour, images/s |\n|---|---|---|---|");
    for (name, kinds) in kinds {
        let (grey, colour) = (milliseconds_per_image(&kinds, 1), milliseconds_per_image(&kinds, 3));
        println!("| {name} | {grey:.2} | {colour:.2} | {:.0} |", 1e3 / colour);
    }
}
