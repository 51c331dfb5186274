//! The functions of the CUDA driver's library, as in its header `cuda.h`. Each one that fails becomes a problem.
//!
//! Pointers and handles are numbers here. They come from the driver itself; `CudaDevice` keeps them in tables and gives none away.

use super::function_table::function_table;
use super::loaded_library::load_library;
use crate::base::error::{Result, RunError};
use crate::compute::cuda::driver::device_problem::device_problem;
use crate::compute::cuda::driver::gpu_properties::CudaVersion;
use std::ffi::{CStr, c_char, c_float, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr;

/// Pointer to something of the driver's.
type Handle = *mut c_void;

function_table! {
    DriverFunctions {
        get_error_name: fn(c_int, *mut *const c_char) = "cuGetErrorName";
        init: fn(c_uint) = "cuInit";
        driver_version: fn(*mut c_int) = "cuDriverGetVersion";
        device_count: fn(*mut c_int) = "cuDeviceGetCount";
        device: fn(*mut c_int, c_int) = "cuDeviceGet";
        device_name: fn(*mut c_char, c_int, c_int) = "cuDeviceGetName";
        device_attribute: fn(*mut c_int, c_int, c_int) = "cuDeviceGetAttribute";
        device_memory: fn(*mut usize, c_int) = "cuDeviceTotalMem_v2";
        retain_context: fn(*mut Handle, c_int) = "cuDevicePrimaryCtxRetain";
        release_context: fn(c_int) = "cuDevicePrimaryCtxRelease_v2";
        set_context: fn(Handle) = "cuCtxSetCurrent";
        memory_info: fn(*mut usize, *mut usize) = "cuMemGetInfo_v2";
        allocate: fn(*mut u64, usize) = "cuMemAlloc_v2";
        free: fn(u64) = "cuMemFree_v2";
        allocate_host: fn(*mut Handle, usize, c_uint) = "cuMemHostAlloc";
        free_host: fn(Handle) = "cuMemFreeHost";
        upload: fn(u64, *const c_void, usize, Handle) = "cuMemcpyHtoDAsync_v2";
        download: fn(*mut c_void, u64, usize, Handle) = "cuMemcpyDtoHAsync_v2";
        copy: fn(u64, u64, usize, Handle) = "cuMemcpyDtoDAsync_v2";
        fill: fn(u64, c_uint, usize, Handle) = "cuMemsetD32Async";
        load_module: fn(*mut Handle, *const c_void) = "cuModuleLoadData";
        unload_module: fn(Handle) = "cuModuleUnload";
        function: fn(*mut Handle, Handle, *const c_char) = "cuModuleGetFunction";
        set_attribute: fn(Handle, c_int, c_int) = "cuFuncSetAttribute";
        launch: fn(
            Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void, *mut *mut c_void,
        ) = "cuLaunchKernel";
        create_stream: fn(*mut Handle, c_uint) = "cuStreamCreate";
        destroy_stream: fn(Handle) = "cuStreamDestroy_v2";
        synchronise: fn(Handle) = "cuStreamSynchronize";
        wait_event: fn(Handle, Handle, c_uint) = "cuStreamWaitEvent";
        create_graph: fn(*mut Handle, c_uint) = "cuGraphCreate";
        add_kernel: fn(*mut Handle, Handle, *const Handle, usize, *const KernelNodeParameters) = "cuGraphAddKernelNode_v2";
        instantiate: fn(*mut Handle, Handle, u64) = "cuGraphInstantiateWithFlags";
        launch_graph: fn(Handle, Handle) = "cuGraphLaunch";
        destroy_executable: fn(Handle) = "cuGraphExecDestroy";
        destroy_graph: fn(Handle) = "cuGraphDestroy";
        create_event: fn(*mut Handle, c_uint) = "cuEventCreate";
        destroy_event: fn(Handle) = "cuEventDestroy_v2";
        record_event: fn(Handle, Handle) = "cuEventRecord";
        synchronise_event: fn(Handle) = "cuEventSynchronize";
        elapsed: fn(*mut c_float, Handle, Handle) = "cuEventElapsedTime";
    }
}

/// Numbers of `CUdevice_attribute` and `CUfunction_attribute`.
pub(super) mod attribute {
    use std::ffi::c_int;
    pub(in super::super) const MULTIPROCESSORS: c_int = 16;
    pub(in super::super) const CAPABILITY_MAJOR: c_int = 75;
    pub(in super::super) const CAPABILITY_MINOR: c_int = 76;
    pub(in super::super) const SHARED_BYTES: c_int = 97;
    pub(super) const DYNAMIC_SHARED_BYTES: c_int = 8;
}
/// A stream that does not wait for the default stream.
const STREAM_NON_BLOCKING: c_uint = 1;
/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: c_int = 100;

/// `CUDA_KERNEL_NODE_PARAMS_v2`.
#[repr(C)]
struct KernelNodeParameters {
    function: Handle,
    grid: [c_uint; 3],
    block: [c_uint; 3],
    shared_bytes: c_uint,
    parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
    kernel: Handle,
    context: Handle,
}

/// The driver's library.
pub(in super::super) struct LibCuda {
    functions: DriverFunctions,
}

/// Number of a context, stream, module, kernel, graph or event of the driver.
pub(super) type RawHandle = usize;

fn handle(raw: RawHandle) -> Handle {
    ptr::with_exposed_provenance_mut(raw)
}

fn raw(handle: Handle) -> RawHandle {
    handle.expose_provenance()
}

/// A kernel with its blocks and its arguments, which are addresses.
pub(super) struct RawLaunch<'a> {
    pub(super) function: RawHandle,
    pub(super) grid: [c_uint; 2],
    pub(super) threads: c_uint,
    pub(super) shared_bytes: c_uint,
    pub(super) arguments: &'a [u64],
}

fn pointers_to(arguments: &[u64]) -> Vec<*mut c_void> {
    arguments.iter().map(|argument| ptr::from_ref(argument).cast_mut().cast()).collect()
}

/// Calls a function of the table and makes a problem of its error.
macro_rules! call {
    ($cuda:expr, $field:ident($($argument:expr),* $(,)?)) => {{
        let (name, function) = $cuda.functions.$field;
        // SAFETY: types are those of cuda.h. Pointers to results and to texts outlive the call; handles are the driver's own.
        let status = unsafe { function($($argument),*) };
        $cuda.check(name, status)
    }};
}

impl LibCuda {
    /// Loads the driver. Error: the system's reason, or the function that an old driver lacks.
    pub(in super::super) fn load(path: &Path) -> std::result::Result<Self, String> {
        let library = load_library(path)?;
        // SAFETY: the table repeats cuda.h, and `load_library` never unloads.
        let functions = unsafe { DriverFunctions::of(library) };
        Ok(Self { functions: functions.map_err(|missing| format!("it lacks {missing}, it is too old"))? })
    }

    fn check(&self, call: &str, status: c_int) -> Result<()> {
        if status == 0 { Ok(()) } else { Err(self.problem(call, status)) }
    }

    fn problem(&self, call: &str, status: c_int) -> RunError {
        let mut name = ptr::null();
        // SAFETY: the driver writes a pointer to a text that it never frees, or null.
        let name = unsafe {
            (self.functions.get_error_name.1)(status, &raw mut name);
            if name.is_null() { None } else { Some(CStr::from_ptr(name).to_string_lossy().into_owned()) }
        };
        device_problem(call, status, &name.unwrap_or_else(|| format!("error {status}")))
    }

    /// Initialises the driver; it may be called again. Returns whether there is a GPU.
    pub(in super::super) fn init(&self) -> Result<bool> {
        let (name, init) = self.functions.init;
        // SAFETY: `CUresult cuInit(unsigned int)`.
        match unsafe { init(0) } {
            NO_DEVICE => Ok(false),
            status => self.check(name, status).map(|()| true),
        }
    }

    pub(in super::super) fn version(&self) -> Result<CudaVersion> {
        let mut version = 0;
        call!(self, driver_version(&raw mut version))?;
        let version = usize::try_from(version).unwrap_or(0);
        Ok(CudaVersion { major: version / 1000, minor: version % 1000 / 10 })
    }

    pub(in super::super) fn device_count(&self) -> Result<usize> {
        let mut count = 0;
        call!(self, device_count(&raw mut count))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    pub(super) fn device(&self, index: usize) -> Result<c_int> {
        let mut device = 0;
        call!(self, device(&raw mut device, c_int::try_from(index).unwrap_or(c_int::MAX)))?;
        Ok(device)
    }

    pub(super) fn device_name(&self, device: c_int) -> Result<String> {
        let mut name: [c_char; 256] = [0; 256];
        call!(self, device_name(name.as_mut_ptr(), 255, device))?;
        let bytes: Vec<u8> = name.iter().map(|&byte| byte.cast_unsigned()).take_while(|&byte| byte != 0).collect();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn attribute(&self, device: c_int, attribute: c_int) -> Result<usize> {
        let mut value = 0;
        call!(self, device_attribute(&raw mut value, attribute, device))?;
        Ok(usize::try_from(value).unwrap_or(0))
    }

    pub(super) fn total_bytes(&self, device: c_int) -> Result<usize> {
        let mut bytes = 0;
        call!(self, device_memory(&raw mut bytes, device))?;
        Ok(bytes)
    }

    pub(super) fn retain_context(&self, device: c_int) -> Result<RawHandle> {
        let mut context = ptr::null_mut();
        call!(self, retain_context(&raw mut context, device))?;
        Ok(raw(context))
    }

    pub(super) fn release_context(&self, device: c_int) -> Result<()> {
        call!(self, release_context(device))
    }

    /// Makes a context that of the calling thread.
    pub(super) fn set_context(&self, context: RawHandle) -> Result<()> {
        call!(self, set_context(handle(context)))
    }

    pub(super) fn free_bytes(&self) -> Result<usize> {
        let (mut free, mut total) = (0, 0);
        call!(self, memory_info(&raw mut free, &raw mut total))?;
        Ok(free)
    }

    pub(super) fn allocate(&self, bytes: usize) -> Result<u64> {
        let mut address = 0;
        call!(self, allocate(&raw mut address, bytes))?;
        Ok(address)
    }

    pub(super) fn free(&self, address: u64) -> Result<()> {
        call!(self, free(address))
    }

    pub(super) fn upload(&self, to: u64, from: RawHandle, bytes: usize, stream: RawHandle) -> Result<()> {
        call!(self, upload(to, handle(from), bytes, handle(stream)))
    }

    pub(super) fn download(&self, to: RawHandle, from: u64, bytes: usize, stream: RawHandle) -> Result<()> {
        call!(self, download(handle(to), from, bytes, handle(stream)))
    }

    pub(super) fn copy(&self, to: u64, from: u64, bytes: usize, stream: RawHandle) -> Result<()> {
        call!(self, copy(to, from, bytes, handle(stream)))
    }

    pub(super) fn clear(&self, to: u64, len: usize, stream: RawHandle) -> Result<()> {
        call!(self, fill(to, 0, len, handle(stream)))
    }

    pub(super) fn load_module(&self, code: &[u8]) -> Result<RawHandle> {
        let mut module = ptr::null_mut();
        call!(self, load_module(&raw mut module, code.as_ptr().cast()))?;
        Ok(raw(module))
    }

    pub(super) fn unload_module(&self, module: RawHandle) -> Result<()> {
        call!(self, unload_module(handle(module)))
    }

    /// Returns a kernel of a module, and lets its blocks have `shared_bytes` of shared memory.
    pub(super) fn function(&self, module: RawHandle, name: &CStr, shared_bytes: usize) -> Result<RawHandle> {
        let mut function = ptr::null_mut();
        call!(self, function(&raw mut function, handle(module), name.as_ptr()))?;
        if shared_bytes > 0 {
            let bytes = c_int::try_from(shared_bytes).unwrap_or(c_int::MAX);
            call!(self, set_attribute(function, attribute::DYNAMIC_SHARED_BYTES, bytes))?;
        }
        Ok(raw(function))
    }

    pub(super) fn launch(&self, kernel: &RawLaunch<'_>, stream: RawHandle) -> Result<()> {
        // The driver copies the arguments before it returns.
        let mut pointers = pointers_to(kernel.arguments);
        let RawLaunch { grid: [x, y], threads, shared_bytes, .. } = *kernel;
        let parameters = pointers.as_mut_ptr();
        let (function, stream) = (handle(kernel.function), handle(stream));
        call!(self, launch(function, x, y, 1, threads, 1, 1, shared_bytes, stream, parameters, ptr::null_mut()))
    }

    pub(super) fn create_stream(&self) -> Result<RawHandle> {
        let mut stream = ptr::null_mut();
        call!(self, create_stream(&raw mut stream, STREAM_NON_BLOCKING))?;
        Ok(raw(stream))
    }

    pub(super) fn destroy_stream(&self, stream: RawHandle) -> Result<()> {
        call!(self, destroy_stream(handle(stream)))
    }

    pub(super) fn synchronise(&self, stream: RawHandle) -> Result<()> {
        call!(self, synchronise(handle(stream)))
    }

    pub(super) fn create_graph(&self) -> Result<RawHandle> {
        let mut graph = ptr::null_mut();
        call!(self, create_graph(&raw mut graph, 0))?;
        Ok(raw(graph))
    }

    /// Adds a kernel to a graph, which waits for the nodes `before`.
    pub(super) fn add_kernel(
        &self,
        graph: RawHandle,
        before: &[RawHandle],
        kernel: &RawLaunch<'_>,
    ) -> Result<RawHandle> {
        // The driver copies the arguments and the dependencies before it returns.
        let before: Vec<Handle> = before.iter().copied().map(handle).collect();
        let mut pointers: Vec<*mut c_void> = pointers_to(kernel.arguments);
        let [x, y] = kernel.grid;
        let parameters = KernelNodeParameters {
            function: handle(kernel.function),
            grid: [x, y, 1],
            block: [kernel.threads, 1, 1],
            shared_bytes: kernel.shared_bytes,
            parameters: pointers.as_mut_ptr(),
            extra: ptr::null_mut(),
            kernel: ptr::null_mut(),
            context: ptr::null_mut(),
        };
        let mut node = ptr::null_mut();
        call!(self, add_kernel(&raw mut node, handle(graph), before.as_ptr(), before.len(), &raw const parameters))?;
        Ok(raw(node))
    }

    pub(super) fn instantiate(&self, graph: RawHandle) -> Result<RawHandle> {
        let mut executable = ptr::null_mut();
        call!(self, instantiate(&raw mut executable, handle(graph), 0))?;
        Ok(raw(executable))
    }

    pub(super) fn launch_graph(&self, executable: RawHandle, stream: RawHandle) -> Result<()> {
        call!(self, launch_graph(handle(executable), handle(stream)))
    }

    pub(super) fn destroy_executable(&self, executable: RawHandle) -> Result<()> {
        call!(self, destroy_executable(handle(executable)))
    }

    pub(super) fn destroy_graph(&self, graph: RawHandle) -> Result<()> {
        call!(self, destroy_graph(handle(graph)))
    }

    pub(super) fn create_event(&self) -> Result<RawHandle> {
        let mut event = ptr::null_mut();
        call!(self, create_event(&raw mut event, 0))?;
        Ok(raw(event))
    }

    pub(super) fn destroy_event(&self, event: RawHandle) -> Result<()> {
        call!(self, destroy_event(handle(event)))
    }

    pub(super) fn record_event(&self, event: RawHandle, stream: RawHandle) -> Result<()> {
        call!(self, record_event(handle(event), handle(stream)))
    }

    pub(super) fn wait_event(&self, stream: RawHandle, event: RawHandle) -> Result<()> {
        call!(self, wait_event(handle(stream), handle(event), 0))
    }

    pub(super) fn synchronise_event(&self, event: RawHandle) -> Result<()> {
        call!(self, synchronise_event(handle(event)))
    }

    pub(super) fn milliseconds(&self, from: RawHandle, to: RawHandle) -> Result<f64> {
        let mut milliseconds: c_float = 0.0;
        call!(self, elapsed(&raw mut milliseconds, handle(from), handle(to)))?;
        Ok(f64::from(milliseconds))
    }

    pub(super) fn allocate_host(&self, len: usize) -> Result<HostMemory> {
        let mut address = ptr::null_mut();
        let bytes = len.max(1).saturating_mul(size_of::<f32>());
        call!(self, allocate_host(&raw mut address, bytes, 0))?;
        // SAFETY: the driver has just given these bytes. Reading them later needs them to hold numbers.
        unsafe { ptr::write_bytes(address.cast::<u8>(), 0, bytes) };
        Ok(HostMemory { address: raw(address), len })
    }

    pub(super) fn free_host(&self, memory: HostMemory) -> Result<()> {
        call!(self, free_host(handle(memory.address)))
    }
}

/// Memory of this machine from [`LibCuda::allocate_host`], which has not been freed.
#[derive(Clone, Copy)]
pub(super) struct HostMemory {
    address: RawHandle,
    pub(super) len: usize,
}

impl HostMemory {
    /// Returns the address of `len` numbers from `first` on, if the memory has them.
    pub(super) fn part(self, first: usize, len: usize) -> Option<RawHandle> {
        (first.checked_add(len)? <= self.len).then(|| self.address + first * size_of::<f32>())
    }

    /// Writes numbers from `first` on. Returns whether there is room for them.
    pub(super) fn write(self, first: usize, numbers: &[f32]) -> bool {
        let Some(to) = self.part(first, numbers.len()) else { return false };
        // SAFETY: `part` has checked the bounds, the driver aligns to more than four bytes, and no other code has a reference.
        unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), handle(to).cast::<f32>(), numbers.len()) };
        true
    }

    /// Reads numbers from `first` on. Returns whether they are there.
    pub(super) fn read(self, first: usize, numbers: &mut [f32]) -> bool {
        let Some(from) = self.part(first, numbers.len()) else { return false };
        // SAFETY: as in `write`; the memory was set when it was allocated.
        unsafe { ptr::copy_nonoverlapping(handle(from).cast::<f32>(), numbers.as_mut_ptr(), numbers.len()) };
        true
    }
}
