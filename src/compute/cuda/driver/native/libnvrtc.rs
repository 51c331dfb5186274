//! The functions of NVRTC, NVIDIA's compiler as a library, as in its header `nvrtc.h`.

use super::function_table::function_table;
use super::loaded_library::{load_library, preload_library};
use crate::compute::cuda::driver::gpu_properties::CudaVersion;
use crate::compute::cuda::driver::kernel_compiler::CodeTarget;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;

function_table! {
    NvrtcFunctions {
        version: fn(*mut c_int, *mut c_int) = "nvrtcVersion";
        architecture_count: fn(*mut c_int) = "nvrtcGetNumSupportedArchs";
        architectures: fn(*mut c_int) = "nvrtcGetSupportedArchs";
        create: fn(*mut *mut c_void, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char)
            = "nvrtcCreateProgram";
        destroy: fn(*mut *mut c_void) = "nvrtcDestroyProgram";
        compile: fn(*mut c_void, c_int, *const *const c_char) = "nvrtcCompileProgram";
        log_size: fn(*mut c_void, *mut usize) = "nvrtcGetProgramLogSize";
        log: fn(*mut c_void, *mut c_char) = "nvrtcGetProgramLog";
        cubin_size: fn(*mut c_void, *mut usize) = "nvrtcGetCUBINSize";
        cubin: fn(*mut c_void, *mut c_char) = "nvrtcGetCUBIN";
        ptx_size: fn(*mut c_void, *mut usize) = "nvrtcGetPTXSize";
        ptx: fn(*mut c_void, *mut c_char) = "nvrtcGetPTX";
    }
}

/// NVRTC.
pub(in super::super) struct LibNvrtc {
    functions: NvrtcFunctions,
    pub(in super::super) version: CudaVersion,
    /// Numbers of the architectures that it compiles for, such as 90.
    pub(in super::super) architectures: Vec<usize>,
}

/// Why a text was not compiled.
pub(in super::super) struct NvrtcFailure {
    /// Number of an `nvrtcResult`.
    pub(in super::super) status: c_int,
    /// What the compiler printed.
    pub(in super::super) log: String,
}

impl NvrtcFailure {
    fn without_log(status: c_int) -> Self {
        Self { status, log: String::new() }
    }
}

/// A function that writes the length of something, and one that writes the thing.
type Getters =
    (unsafe extern "C" fn(*mut c_void, *mut usize) -> c_int, unsafe extern "C" fn(*mut c_void, *mut c_char) -> c_int);

impl LibNvrtc {
    /// Loads NVRTC. Error: the reason.
    pub(in super::super) fn load(path: &Path) -> Result<Self, String> {
        preload_builtins(path);
        let library = load_library(path)?;
        // SAFETY: the table repeats nvrtc.h, and `load_library` never unloads.
        let functions = unsafe { NvrtcFunctions::of(library) };
        let functions = functions.map_err(|missing| format!("it lacks {missing}, it is too old"))?;
        let (mut major, mut minor, mut count) = (0, 0, 0);
        // SAFETY: types are those of nvrtc.h, and the variables outlive the calls.
        let failed = unsafe {
            (functions.version.1)(&raw mut major, &raw mut minor) != 0
                || (functions.architecture_count.1)(&raw mut count) != 0
        };
        let count = usize::try_from(count).ok().filter(|&count| !failed && (1..1000).contains(&count));
        let mut architectures: Vec<c_int> = vec![0; count.ok_or("it does not say its version")?];
        // SAFETY: NVRTC writes as many numbers as it has just counted.
        if unsafe { (functions.architectures.1)(architectures.as_mut_ptr()) } != 0 {
            return Err("it does not say its architectures".to_owned());
        }
        let number = |n: c_int| usize::try_from(n).unwrap_or(0);
        let version = CudaVersion { major: number(major), minor: number(minor) };
        Ok(Self { functions, version, architectures: architectures.into_iter().map(number).collect() })
    }

    /// Compiles a text. It may be called by several threads.
    pub(in super::super) fn compile(
        &self,
        name: &CStr,
        text: &CStr,
        options: &[CString],
        target: CodeTarget,
    ) -> Result<Vec<u8>, NvrtcFailure> {
        let mut program = ptr::null_mut();
        let (no, texts) = (ptr::null(), text.as_ptr());
        // SAFETY: types are those of nvrtc.h; texts end with a zero and live until the program is destroyed.
        let status = unsafe { (self.functions.create.1)(&raw mut program, texts, name.as_ptr(), 0, no, no) };
        if status != 0 {
            return Err(NvrtcFailure::without_log(status));
        }
        let code = self.compile_program(program, options, target);
        // SAFETY: the program was created above and is not used again.
        unsafe { (self.functions.destroy.1)(&raw mut program) };
        code
    }

    fn compile_program(
        &self,
        program: *mut c_void,
        options: &[CString],
        target: CodeTarget,
    ) -> Result<Vec<u8>, NvrtcFailure> {
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let count = c_int::try_from(pointers.len()).unwrap_or(0);
        // SAFETY: `count` texts that end with a zero, and a program that is alive.
        let status = unsafe { (self.functions.compile.1)(program, count, pointers.as_ptr()) };
        if status != 0 {
            let log = self.get(program, (self.functions.log_size.1, self.functions.log.1)).unwrap_or_default();
            let log = String::from_utf8_lossy(&log).trim_end_matches('\0').to_owned();
            return Err(NvrtcFailure { status, log });
        }
        let getters = match target {
            CodeTarget::Cubin(_) => (self.functions.cubin_size.1, self.functions.cubin.1),
            CodeTarget::Ptx(_) => (self.functions.ptx_size.1, self.functions.ptx.1),
        };
        self.get(program, getters).map_err(NvrtcFailure::without_log)
    }

    fn get(&self, program: *mut c_void, (size_of, write): Getters) -> Result<Vec<u8>, c_int> {
        let mut size = 0;
        // SAFETY: the program is alive, and `size` outlives the call.
        match unsafe { size_of(program, &raw mut size) } {
            0 => {}
            status => return Err(status),
        }
        let mut bytes = vec![0u8; size];
        // SAFETY: NVRTC writes as many bytes as it has just said.
        match unsafe { write(program, bytes.as_mut_ptr().cast()) } {
            0 => Ok(bytes),
            status => Err(status),
        }
    }
}

/// Loads the part of NVRTC that it looks for by name alone, from the folder of its library.
fn preload_builtins(path: &Path) {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("libnvrtc-builtins.so.")) {
            preload_library(&entry.path());
        }
    }
}
