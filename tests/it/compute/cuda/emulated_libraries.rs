//! Libraries with the functions of the CUDA driver and of NVRTC, whose GPU is the processor: `tests/cuda/emulated_driver.cpp` and
//! `tests/cuda/emulated_nvrtc.cpp`.

use super::emulator::compiler;
use crate::support::repository::repository;
use npc::internals::compute::cuda::driver::{CubinCache, LibrarySearch};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use tempfile::TempDir;

/// Options of the compiled kernels. They are those of the compiled header.
const KERNEL_FLAGS: &[&str] = &[
    "-std=c++17",
    "-O1",
    "-w",
    "-fPIC",
    "-U_FORTIFY_SOURCE",
    "-fno-gnu-unique",
    "-fsanitize=alignment",
    "-fno-sanitize-recover",
];

/// Where the libraries of this process are.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
/// Libraries that were compiled, by their options.
static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

/// What a GPU of the tests is like: options of the compiler for the two libraries.
#[derive(Default, Clone, Copy)]
pub struct EmulatedMachine<'a> {
    pub driver: &'a [&'a str],
    pub nvrtc: &'a [&'a str],
}

impl EmulatedMachine<'_> {
    /// Compiles the libraries; `None` without a C++ compiler.
    pub fn search(self) -> Option<LibrarySearch> {
        let compiler = compiler()?;
        let text = |name: &str, path: &Path| format!("-D{name}=\"{}\"", path.display());
        let kernel_flags = format!("-DFLAGS=\"{}\"", KERNEL_FLAGS.join(" "));
        let headers = repository("tests/cuda");
        built(compiler, "header", |into| {
            let into = into.with_file_name("emulator.h.gch");
            Command::new(compiler)
                .args(KERNEL_FLAGS)
                .args(["-x", "c++-header"])
                .arg(headers.join("emulator.h"))
                .arg("-o")
                .arg(into)
                .output()
        });
        let driver = built(compiler, &format!("libcuda {:?}", self.driver), |into| {
            let source = headers.join("emulated_driver.cpp");
            let mut run = Command::new(compiler);
            run.args(KERNEL_FLAGS).args(self.driver).arg("-shared").arg("-I").arg(&headers).arg(source);
            run.arg("-o").arg(into).arg("-ldl").output()
        });
        let nvrtc = built(compiler, &format!("libnvrtc {:?}", self.nvrtc), |into| {
            let mut run = Command::new(compiler);
            run.args(["-std=c++17", "-w", "-fPIC", "-shared"]).args(self.nvrtc).arg(kernel_flags);
            run.arg(format!("-DCOMPILER=\"{compiler}\"")).arg(text("HEADERS", &headers));
            run.arg(text("COMPILED", FOLDER.path()));
            run.arg(text("PRELUDE", &repository("src/compute/cuda/kernels/prelude.cu")));
            run.arg(headers.join("emulated_nvrtc.cpp")).arg("-o").arg(into).output()
        });
        Some(LibrarySearch { driver: vec![driver], nvrtc: vec![nvrtc] })
    }

    /// Returns a folder in which a process finds the libraries by their names; `None` without a C++ compiler.
    #[cfg(feature = "run")]
    pub fn folder(self) -> Option<TempDir> {
        let search = self.search()?;
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for (library, name) in [(&search.driver[0], "libcuda.so.1"), (&search.nvrtc[0], "libnvrtc.so.13")] {
            std::os::unix::fs::symlink(library, folder.path().join(name)).unwrap();
        }
        Some(folder)
    }
}

/// Returns the library that `build` makes, which is called once.
fn built(compiler: &str, key: &str, build: impl FnOnce(&Path) -> std::io::Result<std::process::Output>) -> PathBuf {
    let mut all = BUILT.lock().unwrap();
    let all = all.get_or_insert_default();
    let path = FOLDER.path().join(format!("library{}.so", all.len()));
    all.entry(key.to_owned())
        .or_insert_with(|| {
            let run = build(&path).unwrap();
            assert!(run.status.success(), "{compiler}: {}", String::from_utf8_lossy(&run.stderr));
            path
        })
        .clone()
}

/// A cache that is kept from one run of the tests to the next, as long as the emulator is the same.
pub fn kept_cache() -> CubinCache {
    CubinCache::in_folder(&kept_cache_folder())
}

/// The folder of [`kept_cache`].
pub fn kept_cache_folder() -> PathBuf {
    let mut hash = DefaultHasher::new();
    for name in ["emulator.h", "emulated_nvrtc.cpp"] {
        std::fs::read(repository("tests/cuda").join(name)).unwrap().hash(&mut hash);
    }
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("emulated-kernels-{:016x}", hash.finish()))
}
