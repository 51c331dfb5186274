//! Where the libraries of CUDA may be: by name, in a CUDA toolkit, and in the Python packages of NVIDIA.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

#[cfg(windows)]
const DRIVER_NAMES: &[&str] = &["nvcuda.dll"];
#[cfg(not(windows))]
const DRIVER_NAMES: &[&str] = &["libcuda.so.1", "libcuda.so"];

/// Names with the version of CUDA first: without it a library is that of a toolkit for development.
#[cfg(windows)]
const NVRTC_NAMES: &[&str] = &["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"];
#[cfg(not(windows))]
const NVRTC_NAMES: &[&str] = &["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"];

/// Folders of libraries in a toolkit or a Python package.
const LIBRARY_FOLDERS: &[&str] =
    &["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib", "bin/x64", "bin"];

/// Names and paths of libraries, to be tried in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LibrarySearch {
    /// The driver.
    pub driver: Vec<PathBuf>,
    /// NVRTC, the compiler of kernels.
    pub nvrtc: Vec<PathBuf>,
}

impl LibrarySearch {
    /// Returns where this process looks. `variable` returns variables of the environment.
    pub fn of_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let mut nvrtc: Vec<PathBuf> = NVRTC_NAMES.iter().map(PathBuf::from).collect();
        let toolkits = ["CUDA_PATH", "CUDA_HOME"].into_iter().filter_map(set).chain([PathBuf::from("/usr/local/cuda")]);
        for toolkit in toolkits {
            nvrtc.extend(LIBRARY_FOLDERS.iter().filter_map(|folder| nvrtc_in(&toolkit.join(folder))));
        }
        let path = variable("PATH").unwrap_or_default();
        for packages in python_packages(&set, &path) {
            nvrtc.extend(nvrtc_of_packages(&packages));
        }
        let mut seen = Vec::new();
        nvrtc.retain(|path| {
            !seen.contains(path) && {
                seen.push(path.clone());
                true
            }
        });
        Self { driver: DRIVER_NAMES.iter().map(PathBuf::from).collect(), nvrtc }
    }
}

/// Returns the folders of Python packages, without running Python: of the active environment, of the `python3` that a shell finds,
/// of pyenv and of the user.
fn python_packages(set: &impl Fn(&str) -> Option<PathBuf>, path: &OsStr) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(set).collect();
    let interpreter = std::env::split_paths(path).map(|folder| folder.join("python3")).find(|file| file.is_file());
    if let Some(interpreter) = interpreter {
        // An environment has a link to the interpreter that it was made from, whose packages it may use.
        let real = interpreter.canonicalize().ok();
        roots.extend([Some(interpreter), real].into_iter().flatten().filter_map(|file| root_of(&file)));
    }
    let pyenv = set("PYENV_ROOT").or_else(|| set("HOME").map(|home| home.join(".pyenv")));
    roots.extend(pyenv.iter().flat_map(|pyenv| folders_in(&pyenv.join("versions"), |_| true)));
    roots.extend(set("HOME").map(|home| home.join(".local")));
    roots.push(PathBuf::from("/usr/local"));
    roots.iter().flat_map(|root| packages_of(root)).collect()
}

/// Returns `root` for an interpreter `root/bin/python3`.
fn root_of(interpreter: &Path) -> Option<PathBuf> {
    Some(interpreter.parent()?.parent()?.to_path_buf())
}

/// Returns the folders of packages below the root of an interpreter.
fn packages_of(root: &Path) -> Vec<PathBuf> {
    let is_python = |name: &str| name.starts_with("python3");
    let versions = folders_in(&root.join("lib"), is_python);
    // Debian has `dist-packages`, Windows no folder of the version.
    let folders = versions.iter().flat_map(|lib| ["site-packages", "dist-packages"].map(|name| lib.join(name)));
    folders.chain([root.join("Lib").join("site-packages")]).filter(|folder| folder.is_dir()).collect()
}

/// Returns the NVRTC of each NVIDIA package in a folder of Python packages, the newest first.
fn nvrtc_of_packages(packages: &Path) -> Vec<PathBuf> {
    let packages = folders_in(&packages.join("nvidia"), |_| true);
    let folders = packages.iter().flat_map(|package| LIBRARY_FOLDERS.iter().map(|folder| package.join(folder)));
    let mut found: Vec<PathBuf> = folders.filter_map(|folder| nvrtc_in(&folder)).collect();
    found.sort_by(|a, b| b.file_name().cmp(&a.file_name()));
    found
}

/// Returns the folders in a folder whose names fit, in descending order: the newest version first.
fn folders_in(folder: &Path, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| entry.file_name().to_str().is_some_and(&fits)).map(|entry| entry.path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found.reverse();
    found
}

/// Returns the NVRTC of a folder: `libnvrtc.so.13` rather than `libnvrtc.so`, and no other form of it.
fn nvrtc_in(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut found: Vec<(usize, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let rank = nvrtc_rank(name.to_str()?)?;
            Some((rank, entry.path()))
        })
        .collect();
    found.sort();
    Some(found.into_iter().next()?.1)
}

/// Returns how far behind a file is among those of NVRTC; `None` for another library.
fn nvrtc_rank(name: &str) -> Option<usize> {
    let is_version =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'_');
    if let Some(version) = name.strip_prefix("libnvrtc.so.") {
        return is_version(version).then_some(version.len());
    }
    if let Some(version) = name.strip_prefix("nvrtc64_").and_then(|rest| rest.strip_suffix(".dll")) {
        return is_version(version).then_some(version.len());
    }
    (name == "libnvrtc.so").then_some(usize::MAX)
}
