//! The update of a training step beside the formulas, number for number in 32 bits: norm, clipping, accumulation, each
//! optimiser, moving averages, and steps that are not made.

use super::emulator::{BufferMemory, BufferNumbers, EmulatedProgram, HostAction, Numbers, compiler, outputs};
use super::loss::{SCALARS, packed, scalars};
use super::networks::bits;
use crate::support::compile::compile_text;
use npc::graph::plan::{Plan, plan};
use npc::internals::compute::cuda::{
    BufferRole, CudaOptions, CudaProgram, FlatRegion, StepReport, StepScalars, TrainingStep, lower_step, place,
};
use npc::text::config::Optimizer;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashSet;

const NET: &str = "npc 1
model Net(x: [3, H, W]) -> [2, H, W] = x |> conv(6, bias = false) |> bn(momentum = 0.3) |> relu |> conv(2, k = 1)";
const SIZE: usize = 6;
const IMAGES: usize = 2;
const STEPS: u64 = 3;

fn net() -> Plan {
    plan(&compile_text(NET, Some([SIZE, SIZE]), &[]).model("Net"))
}

fn step_program(step: &TrainingStep) -> CudaProgram {
    lower_step(&net(), [IMAGES, 3, SIZE, SIZE], step, &CudaOptions::default()).unwrap()
}

/// Weight of a batch in the running statistics.
const MOMENTUM: f64 = 0.3;

/// What a step did.
struct StepTrace {
    /// The gradients, the statistics and the loss of each batch.
    batches: Vec<BufferNumbers>,
    after: BufferNumbers,
}

/// A program with random batches.
struct Trial {
    program: CudaProgram,
    shares: Vec<f64>,
    random: StdRng,
}

impl Trial {
    fn new(program: CudaProgram, shares: &[f64]) -> Self {
        Self { program, shares: shares.to_vec(), random: StdRng::seed_from_u64(11) }
    }

    fn numbers(&mut self, len: usize, range: std::ops::Range<f32>) -> Vec<f32> {
        (0..len).map(|_| self.random.random_range(range.clone())).collect()
    }

    /// Weights and statistics before the first step, as regions.
    fn start(&mut self) -> Numbers {
        let layout = self.program.layout.clone();
        let mut given = Numbers::new();
        for (region, tensors) in [(FlatRegion::Weights, &layout.weights), (FlatRegion::Statistics, &layout.statistics)]
        {
            let mut all = vec![0.0; tensors.len];
            for tensor in &tensors.tensors {
                let range = if region == FlatRegion::Weights { -0.6..0.6 } else { 0.5..1.5 };
                all[tensor.offset..][..tensor.len].copy_from_slice(&self.numbers(tensor.len, range));
            }
            given.insert(BufferRole::Region(region), all);
        }
        // Frozen tensors have buffers of their own.
        for buffer in self.program.buffers.clone() {
            if buffer.inside.is_none() && matches!(buffer.role, BufferRole::Weight { .. }) {
                given.insert(buffer.role, self.numbers(buffer.len, -0.6..0.6));
            }
        }
        given
    }

    fn id(&self, region: FlatRegion) -> usize {
        self.program.buffer(&BufferRole::Region(region)).unwrap()
    }

    fn loss(&self) -> usize {
        self.program.buffer(&BufferRole::Loss).unwrap()
    }

    fn batch_statistics(&self) -> usize {
        self.program.buffer(&BufferRole::BatchStatistics { layer: 1 }).unwrap()
    }

    /// Runs steps of the optimiser. Returns the start, and what each step did.
    fn run(
        &mut self,
        optimizer: &Optimizer,
        seed: u32,
        spoil: impl Fn(u64, &mut Numbers),
    ) -> (Numbers, Vec<StepTrace>) {
        let start = self.start();
        let mut actions = vec![HostAction::Give(start.clone())];
        for step in 0..STEPS {
            for (i, share) in self.shares.clone().into_iter().enumerate() {
                let words = StepScalars {
                    share,
                    first_batch: i == 0,
                    rate: 0.05 / (step + 1) as f64,
                    step: step + 1,
                    first_step: step == 0,
                    first_average: step == 0,
                    ..SCALARS
                };
                let targets: Vec<u8> = (0..IMAGES * SIZE * SIZE).map(|_| self.random.random_range(0..2)).collect();
                let mut given = Numbers::from([
                    (BufferRole::Image, self.numbers(IMAGES * 3 * SIZE * SIZE, -1.0..1.0)),
                    (BufferRole::Targets, packed(&targets)),
                    (BufferRole::Scalars, scalars(words, optimizer)),
                ]);
                spoil(step, &mut given);
                actions.push(HostAction::Give(given));
                actions.push(HostAction::Run(self.program.pass()));
                actions.push(HostAction::Take(vec![
                    self.id(FlatRegion::Gradients),
                    self.batch_statistics(),
                    self.loss(),
                ]));
            }
            actions.push(HostAction::Run(self.program.update()));
            actions.push(HostAction::Take(outputs(&self.program)));
        }
        let emulated = EmulatedProgram::compile(compiler().unwrap(), &self.program, &place(&self.program));
        let mut taken = emulated.act(&actions, BufferMemory::Arena, seed).into_iter();
        let steps = (0..STEPS).map(|_| StepTrace {
            batches: self.shares.iter().map(|_| taken.next().unwrap()).collect(),
            after: taken.next().unwrap(),
        });
        (start, steps.collect())
    }
}

/// Weights and state of an optimiser, moved by the formulas.
struct Reference {
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    average: Vec<f32>,
}

impl Reference {
    fn new(weights: Vec<f32>) -> Self {
        let zeros = vec![0.0; weights.len()];
        Self { weights, first: zeros.clone(), second: zeros.clone(), average: zeros }
    }

    fn step(&mut self, optimizer: &Optimizer, gradients: &[f32], rate: f64, t: u64, decay: f64) {
        for (i, &g) in gradients.iter().enumerate() {
            let (x, first, second) = (self.weights[i], &mut self.first[i], &mut self.second[i]);
            self.weights[i] = match *optimizer {
                Optimizer::Adam { beta1, beta2, epsilon, weight_decay, .. } => {
                    let g = if weight_decay == 0.0 { g } else { g + x * weight_decay as f32 };
                    adam(x, g, [first, second], [beta1, beta2, epsilon, rate], t, 1.0)
                }
                Optimizer::AdamW { beta1, beta2, epsilon, weight_decay, .. } => {
                    adam(x, g, [first, second], [beta1, beta2, epsilon, rate], t, 1.0 - rate * weight_decay)
                }
                Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                    let g = if weight_decay == 0.0 { g } else { g + x * weight_decay as f32 };
                    *first = if t == 1 { g } else { *first * momentum as f32 + g };
                    let along = if nesterov { g + *first * momentum as f32 } else { *first };
                    x - if momentum == 0.0 { g } else { along } * rate as f32
                }
            };
        }
        let pairs = self.average.iter_mut().zip(&self.weights);
        pairs.for_each(|(average, &now)| *average = averaged(*average, now, t, decay));
    }
}

fn averaged(average: f32, now: f32, t: u64, decay: f64) -> f32 {
    if t == 1 { now } else { average * decay as f32 + now * (1.0 - decay) as f32 }
}

fn adam(x: f32, g: f32, [m, v]: [&mut f32; 2], [beta1, beta2, epsilon, rate]: [f64; 4], t: u64, shrink: f64) -> f32 {
    let t = t as f64;
    *m += (g - *m) * (1.0 - beta1) as f32;
    *v = *v * beta2 as f32 + g * g * (1.0 - beta2) as f32;
    let spread = v.sqrt() / (1.0 - beta2.powf(t)).sqrt() as f32 + epsilon as f32;
    x * shrink as f32 - *m / spread * (rate / (1.0 - beta1.powf(t))) as f32
}

fn of_region<'a>(trial: &Trial, trace: &'a StepTrace, region: FlatRegion) -> &'a [f32] {
    &trace.after[&trial.id(region)]
}

fn report(trial: &Trial, trace: &StepTrace) -> StepReport {
    let id = trial.program.buffer(&BufferRole::Report).unwrap();
    StepReport::of(trace.after[&id].clone().try_into().unwrap())
}

/// Follows the steps of a program: the sum of gradients, the norm, the clipped step, and the average must be those of the
/// formulas, to the last bit but for the norm, which is a sum in another order.
fn same_as_formulas(optimizer: &Optimizer, clip: Option<f64>, shares: &[f64]) {
    const DECAY: f64 = 0.9;
    if compiler().is_none() {
        return;
    }
    let accumulates = shares.len() > 1;
    let average = Some(DECAY);
    let step = TrainingStep { optimizer: optimizer.clone(), clip, average, accumulates, ..TrainingStep::default() };
    let program = step_program(&step);
    let mut trial = Trial::new(program, shares);
    let (start, traces) = trial.run(optimizer, 3, |_, _| {});
    let mut reference = Reference::new(start[&BufferRole::Region(FlatRegion::Weights)].clone());
    let mut statistics = start[&BufferRole::Region(FlatRegion::Statistics)].clone();
    for (step, trace) in traces.iter().enumerate() {
        let what = format!("{optimizer:?}, clip {clip:?}, shares {shares:?}, step {step}");
        let of_gradients = trial.id(FlatRegion::Gradients);
        let mut gradients = vec![0.0f32; trial.program.layout.weights.len];
        for (i, (batch, &share)) in trace.batches.iter().zip(shares).enumerate() {
            let added = batch[&of_gradients].iter().map(|g| if accumulates { g * share as f32 } else { *g });
            gradients.iter_mut().zip(added).for_each(|(sum, g)| *sum = if i == 0 { g } else { *sum + g });
        }
        if accumulates {
            assert_eq!(bits(of_region(&trial, trace, FlatRegion::GradientSums)), bits(&gradients), "{what}");
        }
        let mut loss = 0.0;
        for (batch, &share) in trace.batches.iter().zip(shares) {
            loss += batch[&trial.loss()][0] * share as f32;
            assert_eq!(batch[&trial.loss()][1], loss, "{what}: the loss of the step so far");
        }
        let report = report(&trial, trace);
        let norm = gradients.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        assert!((f64::from(report.norm) / norm - 1.0).abs() < 2e-7 && report.moved, "{what}: {report:?}, not {norm}");
        let factor = clip.map_or(1.0, |most| (most / (norm + 1e-6)).min(1.0));
        assert!((f64::from(report.factor) / factor - 1.0).abs() < 2e-7, "{what}: {report:?}, not {factor}");
        gradients.iter_mut().for_each(|g| *g *= report.factor);
        reference.step(optimizer, &gradients, 0.05 / (step + 1) as f64, step as u64 + 1, DECAY);
        assert_eq!(bits(of_region(&trial, trace, FlatRegion::Weights)), bits(&reference.weights), "{what}");
        assert_eq!(bits(of_region(&trial, trace, FlatRegion::Average)), bits(&reference.average), "{what}");
        let state = [&reference.first, &reference.second];
        for (i, moments) in state.iter().take(optimizer.state().len()).enumerate() {
            assert_eq!(bits(of_region(&trial, trace, FlatRegion::Moment(i))), bits(moments), "{what}");
        }
        trace
            .batches
            .iter()
            .for_each(|batch| move_statistics(&mut statistics, &trial, &batch[&trial.batch_statistics()]));
        assert_eq!(bits(of_region(&trial, trace, FlatRegion::Statistics)), bits(&statistics), "{what}");
    }
    average_of_statistics(&trial, &traces, DECAY);
}

/// Moves running statistics towards those of a batch: means, then biased variances.
fn move_statistics(running: &mut [f32], trial: &Trial, batch: &[f32]) {
    let count = (IMAGES * SIZE * SIZE) as f64;
    let (means, variances) = batch.split_at(batch.len() / 2);
    for (name, found, share) in
        [("running_mean", means, MOMENTUM), ("running_var", variances, MOMENTUM * (count / (count - 1.0)))]
    {
        let place = trial.program.layout.statistics.find(1, name).unwrap();
        let running = running[place.offset..][..place.len].iter_mut();
        running.zip(found).for_each(|(old, now)| *old = *old * (1.0 - MOMENTUM) as f32 + now * share as f32);
    }
}

fn average_of_statistics(trial: &Trial, traces: &[StepTrace], decay: f64) {
    let mut average = vec![0.0; trial.program.layout.statistics.len];
    for (step, trace) in traces.iter().enumerate() {
        let now = of_region(trial, trace, FlatRegion::Statistics);
        average
            .iter_mut()
            .zip(now)
            .for_each(|(average, &now)| *average = averaged(*average, now, step as u64 + 1, decay));
        assert_eq!(bits(of_region(trial, trace, FlatRegion::AverageStatistics)), bits(&average));
    }
}

fn adam_with(weight_decay: f64) -> Optimizer {
    Optimizer::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay }
}

fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> Optimizer {
    Optimizer::Sgd { lr: 1e-3, momentum, nesterov, weight_decay }
}

#[test]
fn optimisers_have_the_bits_of_the_formulas() {
    let adamw = Optimizer::AdamW { lr: 1e-3, beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weight_decay: 0.05 };
    for (optimizer, clip) in [
        (adam_with(0.0), None),
        (adam_with(0.01), Some(0.02)),
        (adamw, None),
        (sgd(0.0, false, 0.0), Some(1e6)),
        (sgd(0.9, false, 1e-3), Some(0.5)),
        (sgd(0.8, true, 0.0), None),
    ] {
        same_as_formulas(&optimizer, clip, &[1.0]);
    }
}

#[test]
fn gradients_of_several_batches_are_added_by_their_shares() {
    same_as_formulas(&adam_with(0.0), Some(0.1), &[0.5, 0.3, 0.2]);
    same_as_formulas(&sgd(0.9, true, 0.0), None, &[0.25, 0.75]);
}

/// A gradient or a loss that is not finite leaves weights, state, averages and statistics as they were, and so do the steps after it: the
/// host learns of it late.
#[test]
fn a_step_that_is_not_finite_is_not_made() {
    if compiler().is_none() {
        return;
    }
    let optimizer = adam_with(0.0);
    let program = step_program(&TrainingStep {
        optimizer: optimizer.clone(),
        clip: Some(1.0),
        average: Some(0.9),
        ..TrainingStep::default()
    });
    let mut trial = Trial::new(program, &[1.0]);
    let spoil = |step, given: &mut Numbers| {
        if step == 1 {
            given.get_mut(&BufferRole::Image).unwrap()[7] = f32::NAN;
        }
    };
    let (_, traces) = trial.run(&optimizer, 2, spoil);
    let moved: Vec<bool> = traces.iter().map(|trace| report(&trial, trace).moved).collect();
    assert_eq!(moved, [true, false, false]);
    assert!(report(&trial, &traces[1]).norm.is_nan());
    for region in [
        FlatRegion::Weights,
        FlatRegion::Moment(0),
        FlatRegion::Moment(1),
        FlatRegion::Average,
        FlatRegion::Statistics,
        FlatRegion::AverageStatistics,
    ] {
        let [before, after, later] = [0, 1, 2].map(|step| bits(of_region(&trial, &traces[step], region)));
        assert!(before == after && before == later, "{region:?}");
        assert!(of_region(&trial, &traces[2], region).iter().all(|x| x.is_finite()), "{region:?}");
    }
}

/// Returns the dotted names of the tensors that are chosen.
fn named(plan: &Plan, is_chosen: impl Fn(&str) -> bool) -> HashSet<String> {
    let names =
        plan.layers.iter().flat_map(|layer| layer.params.iter().map(|spec| format!("{}.{}", layer.path, spec.name)));
    names.filter(|name| is_chosen(name)).collect()
}

/// Frozen tensors have no place in a region, and nothing computes their gradients, nor those of what is before them alone.
#[test]
fn frozen_tensors_are_not_moved() {
    let plan = net();
    let first: Vec<&str> = plan.layers.iter().take(2).map(|layer| &layer.path[..]).collect();
    let frozen =
        |name: &str| first.iter().any(|path| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
    let whole = step_program(&TrainingStep::default());
    let program = step_program(&TrainingStep { frozen: named(&plan, frozen), ..TrainingStep::default() });
    assert!(program.layout.weights.tensors.iter().all(|tensor| tensor.layer >= 2));
    assert_eq!(program.layout.weights.tensors.len() + 3, whole.layout.weights.tensors.len());
    assert_eq!(program.layout.statistics, whole.layout.statistics, "running statistics still move");
    assert!(program.launches.len() + 5 < whole.launches.len());
    let step = TrainingStep { frozen: named(&plan, |_| true), ..TrainingStep::default() };
    let all = lower_step(&plan, [IMAGES, 3, SIZE, SIZE], &step, &CudaOptions::default()).map(drop);
    assert_eq!(all.unwrap_err().0, "no tensor is trained");
    if compiler().is_none() {
        return;
    }
    let mut trial = Trial::new(program, &[1.0]);
    let (_, traces) = trial.run(&Optimizer::default(), 1, |_, _| {});
    assert!(traces.iter().all(|trace| report(&trial, trace).moved));
}
