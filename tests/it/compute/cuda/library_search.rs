//! Where the driver and NVRTC are looked for, and in which order.

use npc::internals::compute::cuda::driver::{CodeTarget, ComputeCapability, LibrarySearch};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn touch(path: PathBuf) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    path
}

fn search(set: &[(&str, &Path)]) -> LibrarySearch {
    let value = |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value));
    LibrarySearch::of_environment(value)
}

#[test]
fn nvrtc_is_looked_for_by_name_then_in_toolkits_then_in_python_packages() {
    let folder = TempDir::new().unwrap();
    let at = |path: &str| folder.path().join(path);
    let toolkit = touch(at("cuda/lib64/libnvrtc.so.12"));
    touch(at("cuda/lib64/libnvrtc.so.12.4.127"));
    touch(at("cuda/lib64/libnvrtc.so"));
    touch(at("cuda/lib64/libnvrtc-builtins.so.12.4"));
    touch(at("cuda/lib64/libnvrtc.alt.so.12"));
    touch(at("cuda/lib64/libnvrtc_static.a"));
    let environment = touch(at("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13"));
    let older = touch(at("venv/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"));
    let of_user = touch(at("home/.local/lib/python3.11/site-packages/nvidia/cu13/lib/libnvrtc.so.13"));
    let of_interpreter = touch(at("tool/lib/python3.10/site-packages/nvidia/cu13/lib/libnvrtc.so.13"));
    touch(at("tool/bin/python3"));

    let found = search(&[
        ("CUDA_PATH", &at("cuda")),
        ("CUDA_HOME", &at("cuda")),
        ("VIRTUAL_ENV", &at("venv")),
        ("HOME", &at("home")),
        ("PATH", &at("tool/bin")),
    ]);
    let paths: Vec<&PathBuf> = found.nvrtc.iter().filter(|path| path.starts_with(folder.path())).collect();
    assert_eq!(paths, [&toolkit, &environment, &older, &of_interpreter, &of_user]);
    assert!(found.nvrtc[0].parent().is_some_and(|folder| folder.as_os_str().is_empty()), "names come first");
    assert!(!found.driver.is_empty());
}

#[test]
fn nothing_set_is_no_error() {
    assert!(!search(&[]).nvrtc.is_empty());
    assert!(!search(&[("VIRTUAL_ENV", Path::new("/no/such/folder")), ("PATH", Path::new(""))]).nvrtc.is_empty());
}

#[test]
fn code_is_made_for_the_gpu_itself_or_for_the_newest_before_it() {
    let choose = |major, minor, known: &[usize]| {
        CodeTarget::choose(ComputeCapability { major, minor }, known).map(|target| target.to_string())
    };
    let known = [75, 80, 86, 90, 100, 120];
    assert_eq!(choose(9, 0, &known).as_deref(), Some("sm_90"));
    assert_eq!(choose(8, 9, &known).as_deref(), Some("sm_86"), "of the same generation");
    assert_eq!(
        choose(11, 0, &known).as_deref(),
        Some("compute_100"),
        "of a generation that the compiler does not know"
    );
    assert_eq!(choose(13, 0, &known).as_deref(), Some("compute_120"));
    assert_eq!(choose(7, 0, &known), None);
}
