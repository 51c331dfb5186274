//! What is missing, too old or too small is said in one message, with what to install.

use super::emulated_libraries::{EmulatedMachine, kept_cache};
use npc::internals::compute::cuda::Kernel;
use npc::internals::compute::cuda::driver::{
    ComputeCapability, CubinCache, CudaSetup, DeviceAddress, DeviceQueue, GpuDriver, KernelCompiler, KernelLaunch,
    LibrarySearch, LoadedKernel,
};
use std::path::PathBuf;
use tempfile::TempDir;

fn launch(kernel: LoadedKernel, arguments: [DeviceAddress; 2]) -> KernelLaunch {
    KernelLaunch { kernel, grid: [1, 1], threads: 4, shared_bytes: 0, arguments: arguments.to_vec() }
}

fn message(setup: &CudaSetup, bytes: usize) -> String {
    setup.check(0, bytes).unwrap_err().to_string()
}

#[test]
fn a_machine_without_anything() {
    let search = LibrarySearch { driver: vec!["libno-driver.so".into()], nvrtc: vec!["libno-compiler.so".into()] };
    let setup = CudaSetup::find(&search);
    let said = message(&setup, 0);
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("`cuda:0` cannot be used: the NVIDIA driver cannot be loaded (libno-driver.so"),
        "{said}"
    );
    assert!(lines[0].ends_with("; NVRTC, which compiles the kernels, is missing"), "{said}");
    assert_eq!(
        lines[1..],
        [
            "  help: install or update the NVIDIA driver, or make it visible in the container (`--gpus all`)",
            "  help: install NVRTC for your user or environment: `pip install nvidia-cuda-nvrtc`",
            "  help: or compute on the CPU: `--device cpu`",
        ]
    );
    assert!(setup.to_string().contains("NVRTC: none found"));
    assert!(setup.open(0, None).is_err());
}

#[test]
fn libraries_that_are_something_else() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("libcuda.so.1");
    std::fs::write(&text, "no library").unwrap();
    let other: PathBuf = "libc.so.6".into();
    let setup = CudaSetup::find(&LibrarySearch { driver: vec![other], nvrtc: vec![text.clone()] });
    let said = message(&setup, 0);
    assert!(said.contains("it lacks cuGetErrorName, it is too old"), "{said}");
    assert!(said.contains(&format!("no NVRTC can be used: {} cannot be loaded", text.display())), "{said}");
}

#[test]
fn what_is_too_old_or_too_small() {
    let setup = |driver: &[&str], nvrtc: &[&str]| Some(CudaSetup::find(&EmulatedMachine { driver, nvrtc }.search()?));
    let Some(good) = setup(&[], &[]) else { return };
    let gpu = good.check(0, 1 << 20).unwrap().to_string();
    assert_eq!(gpu, "Emulated GPU, compute capability 9.0, 4 multiprocessors, 1024 MiB, driver for CUDA 13.0");
    assert!(good.to_string().starts_with("driver: for CUDA 13.0\nNVRTC: "), "{good}");
    assert!(good.check(1, 0).unwrap_err().message.ends_with("the only GPU is `cuda:0`"));

    let bad = setup(&["-DDRIVER_VERSION=12040", "-DCAPABILITY=75", "-DTOTAL_BYTES=1048576"], &[]).unwrap();
    let said = message(&bad, 5 << 20);
    let first = said.lines().next().unwrap();
    assert!(first.starts_with("`cuda:0` cannot be used: no NVRTC fits the driver for CUDA 12.4: /"), "{said}");
    let rest = ".so of CUDA 13.0; Emulated GPU has compute capability 7.5, the kernels need 8.0; Emulated GPU has 1 MiB of memory, the network needs 5 MiB";
    assert!(first.ends_with(rest), "{said}");
    for help in ["`pip install nvidia-cuda-nvrtc-cu12`", "update the NVIDIA driver", "Ampere", "reduce the batch"] {
        assert!(said.contains(help), "{said}");
    }

    let none = setup(&["-DGPUS=0"], &[]).unwrap();
    assert!(
        message(&none, 0).starts_with("`cuda:0` cannot be used: the CUDA driver finds no GPU"),
        "{}",
        message(&none, 0)
    );
    let broken = setup(&["-DFAILING=cuInit", "-DFAILURE=803"], &[]).unwrap();
    assert!(
        message(&broken, 0).contains("the NVIDIA driver is not ready: error 803 from cuInit"),
        "{}",
        message(&broken, 0)
    );
    // PTX for a newer generation is read by a driver that is not older than it.
    assert!(setup(&["-DCAPABILITY=130"], &[]).unwrap().check(0, 0).is_ok());
    let older = setup(&["-DCAPABILITY=130", "-DDRIVER_VERSION=12090"], &["-DMAJOR=12"]).unwrap();
    assert!(older.check(0, 0).is_ok());
}

/// Memory, copies, events and kernels of the driver by themselves.
#[test]
fn the_driver_copies_and_launches() {
    let Some(search) = EmulatedMachine::default().search() else { return };
    let (gpu, compiler) = CudaSetup::find(&search).open(0, Some(kept_cache())).unwrap();
    let text = "#define THREADS 4\nKERNEL run(const float* from, float* to) { to[threadIdx.x] = from ? 2.f * from[threadIdx.x] : 0.f; }";
    let kernel =
        |text: &str| Kernel { name: "double", text: text.to_owned(), threads: 4, shared_bytes: 0, has_barriers: false };
    let code = compiler.compile(&[kernel(text)], gpu.properties().capability).unwrap();
    let loaded = gpu.load("double", &code[0], 0).unwrap();
    let (block, pinned) = (gpu.allocate(4096).unwrap(), gpu.allocate_pinned(8).unwrap());
    gpu.write_pinned(pinned, 0, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let [start, end] = [gpu.create_event().unwrap(), gpu.create_event().unwrap()];
    gpu.record(start, DeviceQueue::Compute).unwrap();
    gpu.upload(DeviceQueue::Compute, pinned, 0, block.address, 4).unwrap();
    let to = block.address.after(256);
    gpu.launch(&launch(loaded, [block.address, to])).unwrap();
    gpu.download(to, pinned, 4, 4).unwrap();
    gpu.record(end, DeviceQueue::Compute).unwrap();
    gpu.wait(end).unwrap();
    assert!(gpu.milliseconds(start, end).unwrap() >= 0.0);
    let mut numbers = [0.0; 4];
    gpu.read_pinned(pinned, 4, &mut numbers).unwrap();
    assert_eq!(numbers, [2.0, 4.0, 6.0, 8.0]);
    assert!(gpu.read_pinned(pinned, 5, &mut numbers).is_err() && gpu.write_pinned(pinned, 8, &[0.0]).is_err());
    assert!(gpu.upload(DeviceQueue::Compute, pinned, usize::MAX, block.address, 4).is_err());
    gpu.free(block);
    gpu.unload(loaded);
    assert_eq!(gpu.launch(&launch(loaded, [to, to])).unwrap_err().message, "the GPU has no kernel 1");
    assert!(gpu.load("nothing", b"no code, but as long as the head of a file of code, which has 64 bytes", 0).is_err());

    let wrong = compiler.compile(&[kernel("KERNEL run() { nonsense(); }")], gpu.properties().capability).unwrap_err();
    assert!(
        wrong.message.starts_with("the CUDA kernel double does not compile for sm_90 with NVRTC 13.0: "),
        "{wrong}"
    );
    assert!(wrong.message.contains("nonsense"), "{wrong}");
}

#[test]
fn a_kernel_is_compiled_once() {
    let Some(search) = EmulatedMachine::default().search() else { return };
    let folder = TempDir::new().unwrap();
    let kernel = |n: u32| Kernel {
        name: "constant",
        text: format!("#define THREADS 4\nKERNEL run(float* to) {{ to[threadIdx.x] = {n}; }}"),
        threads: 4,
        shared_bytes: 0,
        has_barriers: false,
    };
    let kernels: Vec<Kernel> = (0..3).map(kernel).collect();
    let capability = ComputeCapability { major: 9, minor: 0 };
    let run = |cache: Option<CubinCache>| {
        let (_gpu, compiler) = CudaSetup::find(&search).open(0, cache).unwrap();
        let code = compiler.compile(&kernels, capability).unwrap();
        (compiler.compiled(), code)
    };
    let cache = Some(CubinCache::in_folder(folder.path()));
    let (compiled, code) = run(cache.clone());
    assert_eq!(compiled, 3);
    assert_eq!(run(cache.clone()), (0, code));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    assert_eq!(run(cache).0, 3);
    assert_eq!(run(None).0, 3);
}
