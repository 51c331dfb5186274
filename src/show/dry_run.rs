//! The result of a dry run as lines for people.

use crate::base::count::counted;
use crate::base::number::{clock, rough_bytes, thousands};
use crate::learn::train::DryRun;
use crate::study::cost::training_work::TrainingWork;

/// Returns one line for each finding: data, steps, time, masks, memory, disk and initial weights.
pub(crate) fn dry_run_text(found: &DryRun) -> String {
    let mut text = String::new();
    let mut line = |name: &str, what: &str| text.push_str(&format!("{name:<9}{what}\n"));
    let images = counted(found.n_train, "training image");
    line("data", &format!("{images}, {} of {} scored", thousands(found.n_scored), found.scored_on));
    let steps = found.steps_per_epoch * found.epochs;
    line(
        "steps",
        &format!(
            "{} an epoch, {} in {}",
            thousands(found.steps_per_epoch),
            thousands(steps),
            counted(found.epochs, "epoch")
        ),
    );
    let work = TrainingWork { macs: found.macs, images: found.n_train, epochs: found.epochs };
    let here = clock(found.seconds_per_step * steps as f64);
    line("time", &format!("{:.3} s a step here, about {here} without scoring", found.seconds_per_step));
    line("", &format!("{}, by the operations of the network", work.in_words()));
    for note in &found.notes {
        let (name, what) = note.split_once(": ").unwrap_or(("masks", note));
        line(name, what);
    }
    let memory = match (found.gpu_bytes, found.peak) {
        (Some(on_gpu), _) => format!("{} on the GPU, without compiled kernels", rough_bytes(on_gpu)),
        (None, Some(peak)) => {
            format!(
                "about {}, as measured in two steps and a scored batch, with cache and checkpoint; {}",
                rough_bytes(peak),
                found.memory.free
            )
        }
        (None, None) => format!("about {}; {}", found.memory.estimate, found.memory.free),
    };
    line("memory", &memory);
    if let Some(init) = &found.init {
        line("init", &init.summary());
        init.doubts().into_iter().for_each(|doubt| line("warning", &doubt));
    }
    text
}
