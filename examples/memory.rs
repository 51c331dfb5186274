//! Measures the peak memory of inference and of a training step on the CPU, and compares it with the prediction of the checker:
//! `cargo run --release --example memory -- models/unet.model UNet 128 128 1 4`
//!
//! `--freeze=down,up.3` freezes nodes and blocks. `--train='optimizer = sgd loss = cross_entropy + dice clip = 1'` sets keys
//! of a `train` block.
//!
//! A counting allocator records every allocation of the process. `RAYON_NUM_THREADS` sets the number of threads.

use burn::module::Module;
use npc::graph::check::FrozenPaths;
use npc::internals::compute::device;
use npc::internals::compute::device::DeviceChoice;
use npc::internals::compute::engine_bridge::RecordedPass;
use npc::internals::learn::device_parity::RandomBatch;
use npc::internals::learn::freeze::freeze;
use npc::internals::learn::loss::{LossTargets, total};
use npc::internals::learn::optim::{AccumulatedGradients, OptimState};
use npc::study::cost::memory::{MemoryPeak, MemoryReport, TrainingSetup, memory_for};
use npc::text::config::TrainSpec;
use npc::text::config::schema::train_spec;
use npc::text::files::Disk;
use npc::text::import;
use npc::text::source::SourceMap;
use npc::{CheckedGraph, check, elaborate, lower};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// System allocator that counts the allocated bytes and their peak.
struct CountingAllocator;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn count_allocation(bytes: usize) {
    let now = ALLOCATED.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(now, Relaxed);
}

// SAFETY: every call goes to `System` unchanged; the counters do not allocate.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_allocation(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_allocation(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_allocation(size);
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Returns the peak of the allocated bytes above `baseline` while `f` runs.
fn peak(baseline: usize, f: impl FnOnce()) -> usize {
    PEAK.store(ALLOCATED.load(Relaxed), Relaxed);
    f();
    PEAK.load(Relaxed).saturating_sub(baseline)
}

fn compile(file: &str, model: &str, size: [usize; 2]) -> CheckedGraph {
    let mut sources = SourceMap::new();
    let Ok((bundle, _)) = import::load(&Disk, &mut sources, Path::new(file)) else { panic!("cannot read {file}") };
    let (program, _) = npc::graph::resolve::resolve_bundle(&bundle);
    let entry = program.entries().into_iter().find(|e| e.node == model).expect("the file has this model");
    match elaborate(&program, entry, &[], Some(size)).and_then(check) {
        Ok(checked) => checked,
        Err(_) => panic!("{model} does not check; see `npc check`"),
    }
}

fn row(name: &str, batch: u64, predicted: MemoryPeak, place: &str, measured: usize) {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{name:10} {batch:3}  predicted {:9.2} MB  workspace {:8.2} MB  measured {:9.2} MB  ratio {:.3}  {place}",
        mb(predicted.bytes),
        mb(predicted.workspace),
        mb(measured as u64),
        predicted.bytes as f64 / measured as f64,
    );
}

/// Returns the settings of a `train` block with these keys.
fn settings(keys: &str) -> TrainSpec {
    let mut sources = SourceMap::new();
    let id = sources.add("--train", format!("npc 1\ntrain t = M on d {{ epochs = 1 {keys} }}\n"));
    let (file, _) = npc::text::syntax::parse(&sources, id);
    let train = file.items.iter().find_map(|item| match &item.kind {
        npc::text::syntax::ast::ItemKind::Train(train) => Some(train),
        _ => None,
    });
    let spec = train.and_then(|train| train_spec(train, Default::default()).ok());
    spec.map(|(spec, _)| spec).unwrap_or_else(|| panic!("{keys}: not the keys of a train block"))
}

fn measure(checked: &CheckedGraph, frozen: &FrozenPaths, spec: &TrainSpec, memory: &MemoryReport, batch: u64) {
    let device = device::open(DeviceChoice::Cpu).expect("there is a CPU");
    let evaluated = device.clone();
    let sample = RandomBatch::new(checked, batch as usize).expect("the model's result is a map");

    let train = move || {
        let device = device.clone();
        let mut network = freeze(lower(checked, &device, 0).train(), frozen);
        let mut optim = OptimState::new(spec.optimizer.clone());
        move |sample: &RandomBatch| {
            let RecordedPass { mut results, back } = network.record(sample.images(&device), 0);
            let logits = results.remove(0);
            let targets = LossTargets::all_counted(sample.targets(network.device()));
            let loss = total(&spec.loss, vec![(logits, 1.0)], &targets);
            drop(targets);
            let mut gradients = AccumulatedGradients::of(&network, back, loss.backward());
            if let Some(max) = spec.clip {
                gradients.clip(max);
            }
            network = optim.step(network.clone(), gradients, optim.optimizer.lr());
        }
    };
    // Libraries allocate permanent buffers in their first run.
    train()(&sample);

    let baseline = ALLOCATED.load(Relaxed);
    let network = lower(checked, &evaluated, 0).valid();
    drop(network.forward(sample.images(&evaluated)));
    let measured = peak(baseline, || drop(network.forward(sample.images(&evaluated))));
    let predicted = memory.inference.peak(batch);
    row("inference", batch, predicted, &predicted.sample.place(checked.graph()), measured);
    drop(network);

    let baseline = ALLOCATED.load(Relaxed);
    let mut step = train();
    step(&sample);
    let measured = peak(baseline, || step(&sample));
    let predicted = memory.training.peak(batch);
    row("training", batch, predicted, &predicted.sample.place(checked.graph()), measured);
}

fn main() {
    let (options, args): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let option = |name: &str| options.iter().find_map(|o| o.strip_prefix(name));
    let frozen = FrozenPaths::new(option("--freeze=").iter().flat_map(|paths| paths.split(',')).map(str::to_string));
    let spec = settings(option("--train=").unwrap_or(""));
    let [file, model, height, width, batches @ ..] = &args[..] else {
        eprintln!("usage: memory FILE MODEL HEIGHT WIDTH BATCH... [--freeze=PATH,...] [--train=KEYS]");
        std::process::exit(2);
    };
    let number = |text: &String| text.parse::<usize>().expect("sizes and batches are numbers");
    let checked = compile(file, model, [number(height), number(width)]);
    let threads = rayon::current_num_threads() as u64;
    let loss_words = spec.loss.extra_words_per_pixel(checked.output().channels() as u64);
    let run = TrainingSetup { moments: spec.optimizer.moment_count(), loss_words, threads };
    let memory = memory_for(&checked, &frozen, &run);
    println!("{model} {}, {threads} threads", checked.input());
    for batch in batches {
        measure(&checked, &frozen, &spec, &memory, number(batch) as u64);
    }
}
