//! Whole training passes through the session, the driver's bindings and NVRTC's, on libraries whose GPU is the processor.

use super::emulated_libraries::{EmulatedMachine, kept_cache};
use super::networks::{F32, SMALL_UNET, bits, inputs, random_weights};
use crate::support::compile::compile_text;
use npc::graph::plan::{Plan, plan};
use npc::internals::base::error::Result;
use npc::internals::compute::cuda::driver::{CudaDevice, CudaSetup, GpuDriver, NvrtcCompiler};
use npc::internals::compute::cuda::session::{DeviceSession, PassTicket, SessionOptions};
use npc::internals::compute::cuda::{BufferRole, CudaOptions, CudaProgram, ProductPrecision, lower, place};
use npc::internals::compute::engine::{Engine, LayerWeights};
use npc::internals::compute::fused::PassMode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;

/// Dropout reads the seed, so that a stale one shows.
const WITH_DROPOUT: &str = "npc 1
model Dropped(x: [3, h, w]) -> [2, h, w]
  = x |> conv(8, bias = false) |> bn |> relu |> dropout(0.5) |> maxpool(2) |> conv(12) |> relu |> up(2) |> conv(2, k = 1)";

const DIMS: [usize; 4] = [2, 3, 8, 12];

/// A network with its program, and what a GPU has been given for a pass.
struct SessionCase {
    plan: Arc<Plan>,
    program: CudaProgram,
    weights: Vec<LayerWeights>,
}

struct PassInput {
    image: Vec<f32>,
    seed: u64,
    gradient: Vec<f32>,
}

impl PassInput {
    fn random(random: &mut StdRng) -> Self {
        let mut numbers = |len: usize| -> Vec<f32> { (0..len).map(|_| random.random_range(-1.0..1.0)).collect() };
        let [n, c, h, w] = DIMS;
        let (image, gradient) = (numbers(n * c * h * w), numbers(n * 2 * h * w));
        Self { image, seed: random.random(), gradient }
    }

    fn seed(&self) -> Vec<f32> {
        [self.seed as u32, (self.seed >> 32) as u32].map(f32::from_bits).to_vec()
    }
}

impl SessionCase {
    fn of(text: &str, model: &str) -> Self {
        let plan = Arc::new(plan(&compile_text(text, Some([8, 12]), &[]).model(model)));
        let options = CudaOptions { precision: ProductPrecision::F32, ..CudaOptions::default() };
        let program = lower(&plan, DIMS, PassMode::Train { to_image: false }, &options).unwrap();
        let weights = random_weights(&plan, &mut StdRng::seed_from_u64(1));
        Self { plan, program, weights }
    }

    fn fed(&self) -> Vec<BufferRole> {
        let all = [BufferRole::Image, BufferRole::Seed, BufferRole::ResultGradient(0)];
        all.into_iter().filter(|role| self.program.buffer(role).is_some()).collect()
    }

    fn fetched(&self) -> Vec<BufferRole> {
        let roles = self.program.buffers.iter().map(|buffer| buffer.role.clone());
        let leaves = |role: &BufferRole| {
            matches!(
                role,
                BufferRole::Result(_) | BufferRole::WeightGradient { .. } | BufferRole::BatchStatistics { .. }
            )
        };
        roles.filter(leaves).collect()
    }

    fn open(&self, device: Arc<CudaDevice>, compiler: &NvrtcCompiler) -> DeviceSession {
        let (backward, all) = (self.program.backward, self.program.launches.len());
        let options =
            SessionOptions { sections: vec![0..backward, backward..all], fed: self.fed(), fetched: self.fetched() };
        let arena = place(&self.program);
        let session = DeviceSession::open(device, compiler, &self.program, &arena, &options).unwrap();
        for (role, numbers) in inputs(&self.weights) {
            if self.program.buffer(&role).is_some() {
                session.write(&role, &numbers).unwrap();
                assert_eq!(bits(&session.read(&role).unwrap()), bits(&numbers));
            }
        }
        session
    }

    fn feed(&self, session: &mut DeviceSession, input: &PassInput) -> Result<()> {
        let seed = input.seed();
        let given = [
            (BufferRole::Image, &input.image[..]),
            (BufferRole::Seed, &seed),
            (BufferRole::ResultGradient(0), &input.gradient),
        ];
        let given: Vec<_> = given.into_iter().filter(|(role, _)| self.program.buffer(role).is_some()).collect();
        session.feed(&given)
    }

    /// Fails unless a pass left behind what the CPU engine computes.
    fn assert_as_engine(&self, session: &DeviceSession, ticket: PassTicket, input: &PassInput) {
        let weights = Arc::new(self.weights.clone());
        let expected = Engine::new(self.plan.clone()).train(weights, &input.image, DIMS, input.seed, false).unwrap();
        let passed = expected.tape.backward(&[Some(&input.gradient[..])]);
        let result = session.results(ticket, &BufferRole::Result(0)).unwrap();
        F32.assert_close("result", &result, &expected.results[0]);
        let largest = passed.weights.iter().flat_map(|g| &g.values).fold(0f32, |most, x| most.max(x.abs()));
        let of_gradients = F32.with_floor(1e-2 * f64::from(largest));
        for gradient in &passed.weights {
            let role = BufferRole::WeightGradient { layer: gradient.layer, name: gradient.name };
            of_gradients.assert_close(gradient.name, &session.results(ticket, &role).unwrap(), &gradient.values);
        }
    }

    /// All that a pass left behind.
    fn left_behind(&self, session: &DeviceSession, ticket: PassTicket) -> Vec<Vec<u32>> {
        self.fetched().iter().map(|role| bits(&session.results(ticket, role).unwrap())).collect()
    }
}

fn opened() -> Option<(Arc<CudaDevice>, Arc<NvrtcCompiler>)> {
    let setup = CudaSetup::find(&EmulatedMachine::default().search()?);
    Some(setup.open(0, Some(kept_cache())).unwrap())
}

/// Trains with other batches, gradients and seeds in each pass. A pass is fed while the one before is computed, and its results
/// are read one pass late. The first pass is launched, the others are replayed.
fn passes_agree(case: &SessionCase, device: Arc<CudaDevice>, compiler: &NvrtcCompiler) {
    let mut random = StdRng::seed_from_u64(5);
    let inputs: Vec<PassInput> = (0..8).map(|_| PassInput::random(&mut random)).collect();
    let mut session = case.open(device, compiler);
    case.feed(&mut session, &inputs[0]).unwrap();
    let mut before: Option<(PassTicket, &PassInput)> = None;
    for (i, input) in inputs.iter().enumerate() {
        session.run(&[0, 1]).unwrap();
        let ticket = session.fetch().unwrap();
        if let Some(next) = inputs.get(i + 1) {
            case.feed(&mut session, next).unwrap();
        }
        before.iter().for_each(|(ticket, input)| case.assert_as_engine(&session, *ticket, input));
        before = Some((ticket, input));
    }
    before.iter().for_each(|(ticket, input)| case.assert_as_engine(&session, *ticket, input));
    let old = PassInput::random(&mut random);
    case.feed(&mut session, &old).unwrap();
    session.run(&[0, 1]).unwrap();
    session.fetch().unwrap();
    assert!(session.results(before.unwrap().0, &BufferRole::Result(0)).is_ok(), "two passes are kept");
}

#[test]
fn a_small_unet_trains_as_on_the_processor() {
    let Some((device, compiler)) = opened() else { return };
    passes_agree(&SessionCase::of(SMALL_UNET, "Small"), device, &compiler);
}

#[test]
fn each_pass_has_its_own_seed() {
    let Some((device, compiler)) = opened() else { return };
    let case = SessionCase::of(WITH_DROPOUT, "Dropped");
    assert!(case.program.buffer(&BufferRole::Seed).is_some());
    passes_agree(&case, device, &compiler);
}

#[test]
fn a_replayed_pass_has_the_bits_of_a_launched_one() {
    // A library of its own: its memory is counted below.
    let Some(search) = EmulatedMachine { driver: &["-DCOUNTED"], nvrtc: &[] }.search() else { return };
    let (device, compiler) = CudaSetup::find(&search).open(0, Some(kept_cache())).unwrap();
    let case = SessionCase::of(WITH_DROPOUT, "Dropped");
    let mut session = case.open(device.clone(), &compiler);
    let input = PassInput::random(&mut StdRng::seed_from_u64(9));
    let mut passes = (0..4).map(|_| {
        case.feed(&mut session, &input).unwrap();
        session.run(&[0, 1]).unwrap();
        let ticket = session.fetch().unwrap();
        case.left_behind(&session, ticket)
    });
    let first = passes.next().unwrap();
    assert!(passes.all(|pass| pass == first));
    drop(session);
    let free = device.free_bytes().unwrap();
    let again = case.open(device.clone(), &compiler);
    assert!(device.free_bytes().unwrap() < free);
    drop(again);
    assert_eq!(device.free_bytes().unwrap(), free, "a session frees its memory");
}

/// A session on a GPU with too little memory, and on one whose kernels fail.
#[test]
fn errors_of_the_gpu_are_problems() {
    let case = SessionCase::of(WITH_DROPOUT, "Dropped");
    let open = |driver: &[&str]| {
        let setup = CudaSetup::find(&EmulatedMachine { driver, nvrtc: &[] }.search()?);
        let (device, compiler) = setup.open(0, Some(kept_cache())).unwrap();
        let (arena, sections) = (place(&case.program), std::iter::once(0..case.program.launches.len()).collect());
        let options = SessionOptions { sections, fed: case.fed(), fetched: case.fetched() };
        let session = DeviceSession::open(device, &*compiler, &case.program, &arena, &options);
        Some(session.and_then(|mut session| {
            case.feed(&mut session, &PassInput::random(&mut StdRng::seed_from_u64(9)))?;
            session.run(&[0])?;
            let ticket = session.fetch()?;
            session.results(ticket, &BufferRole::Result(0)).map(drop)
        }))
    };
    let Some(short) = open(&["-DTOTAL_BYTES=4096"]) else { return };
    let message = short.unwrap_err().to_string();
    assert!(message.starts_with("the network needs 1 MiB of memory on Emulated GPU, 0 MiB are free"), "{message}");
    for (failing, words) in [
        ("cuLaunchKernel", "a kernel failed on the GPU: CUDA_ERROR_LAUNCH_FAILED from cuLaunchKernel"),
        ("cuEventSynchronize", "a kernel failed on the GPU: CUDA_ERROR_LAUNCH_FAILED from cuEventSynchronize"),
        ("cuModuleGetFunction", "kernel relayout: a kernel failed on the GPU"),
    ] {
        let driver = [&format!("-DFAILING={failing}")[..], "-DFAILURE=719"];
        let message = open(&driver).unwrap().unwrap_err().to_string();
        assert!(message.starts_with(words), "{message}");
    }
    let full = open(&["-DFAILING=cuMemAlloc_v2", "-DFAILURE=2"]).unwrap().unwrap_err().to_string();
    assert!(
        full.starts_with("the GPU has not enough free memory: CUDA_ERROR_OUT_OF_MEMORY from cuMemAlloc_v2"),
        "{full}"
    );
}
