//! Kernels of real programs by NVIDIA's own NVRTC, which needs no GPU: of the Python environment in `NPC_TEST_NVRTC`, or where npc finds it.

use crate::support::compile::compile_text;
use npc::graph::plan::plan;
use npc::internals::compute::cuda::driver::{
    ComputeCapability, CubinCache, CudaSetup, KernelCompiler, LibrarySearch, NvrtcCompiler,
};
use npc::internals::compute::cuda::{CudaOptions, Kernel, lower};
use npc::internals::compute::fused::PassMode;
use tempfile::TempDir;

fn real_compiler(cache: Option<CubinCache>) -> Option<NvrtcCompiler> {
    let environment = |name: &str| match (name, std::env::var_os("NPC_TEST_NVRTC")) {
        ("VIRTUAL_ENV", Some(given)) => Some(given),
        _ => std::env::var_os(name),
    };
    let search = LibrarySearch { driver: Vec::new(), ..LibrarySearch::of_environment(environment) };
    let compiler = CudaSetup::find(&search).compiler(cache);
    if compiler.is_none() {
        eprintln!("skipped: no NVRTC (`pip install nvidia-cuda-nvrtc`)");
    }
    compiler
}

const NETWORK: &str = "npc 1
model Net(x: [3, h, w]) -> [2, h, w] = x |> conv(8, bias = false) |> bn |> relu |> maxpool(2) |> up(2) |> conv(2, k = 1)";

#[test]
fn nvrtc_compiles_a_training_step() {
    let folder = TempDir::new().unwrap();
    let cache = Some(CubinCache::in_folder(folder.path()));
    let Some(compiler) = real_compiler(cache.clone()) else { return };
    let checked = compile_text(NETWORK, Some([16, 16]), &[]).model("Net");
    let mode = PassMode::Train { to_image: false };
    let program = lower(&plan(&checked), [1, 3, 16, 16], mode, &CudaOptions::default()).unwrap();
    let kernels = &program.kernels[..program.kernels.len().min(12)];
    let capability = ComputeCapability { major: 9, minor: 0 };
    let code = compiler.compile(kernels, capability).unwrap();
    assert_eq!(compiler.compiled(), kernels.len());
    assert!(code.iter().all(|code| code.starts_with(b"\x7fELF") && code.len() > 500));
    let again = real_compiler(cache).unwrap();
    assert_eq!(again.compile(kernels, capability).unwrap(), code);
    assert_eq!(again.compiled(), 0, "all were found in the cache");
    // A card of a generation to come gets PTX.
    let future = compiler.compile(&kernels[..1], ComputeCapability { major: 99, minor: 0 }).unwrap();
    assert!(future[0].windows(8).any(|window| window == b".version"));
}

#[test]
fn nvrtc_says_what_is_wrong() {
    let Some(compiler) = real_compiler(None) else { return };
    let text = "#define THREADS 32\nKERNEL run(float* to) { to[0] = nonsense; }".to_owned();
    let kernel = Kernel { name: "wrong", text, threads: 32, shared_bytes: 0, has_barriers: false };
    let problem = compiler.compile(&[kernel], ComputeCapability { major: 8, minor: 0 }).unwrap_err();
    assert!(problem.message.starts_with("the CUDA kernel wrong does not compile for sm_80 with NVRTC "), "{problem}");
    assert!(problem.message.contains("identifier \"nonsense\" is undefined"), "{problem}");
    assert!(problem.to_string().contains("1 error detected"), "{problem}");
}
