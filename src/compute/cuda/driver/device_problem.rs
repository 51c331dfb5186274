//! Errors of the CUDA driver as problems.

use crate::base::error::RunError;
use crate::base::problem::problem;

/// Returns the problem for an error of the driver: `status` is the number of a `CUresult`, `name` its name, `call` the function
/// that returned it.
pub fn device_problem(call: &str, status: i32, name: &str) -> RunError {
    let reason = format!("{name} from {call}");
    match status {
        // CUDA_ERROR_OUT_OF_MEMORY
        2 => problem!(E0731, "the GPU has not enough free memory: {reason}";
            help: "reduce the batch or the image size, or end other programs on the GPU (`nvidia-smi` lists them)"),
        // CUDA_ERROR_DEVICE_UNAVAILABLE
        46 => problem!(E0730, "another program holds the GPU: {reason}";
            help: "`nvidia-smi` lists the programs on each GPU; choose another one: `--device cuda:1`"),
        // CUDA_ERROR_NO_DEVICE, CUDA_ERROR_INVALID_DEVICE
        100 | 101 => problem!(E0730, "the CUDA driver finds no such GPU: {reason}";
            help: "`nvidia-smi -L` lists all GPUs; `CUDA_VISIBLE_DEVICES` may hide some of them"),
        // Images for other GPUs, or in a form that is newer than the driver.
        200 | 209 | 218 | 222 => problem!(E0730, "the CUDA driver cannot load a kernel: {reason}";
            help: "update the NVIDIA driver, or install the NVRTC of its CUDA version: `pip install nvidia-cuda-nvrtc`"),
        // CUDA_ERROR_ECC_UNCORRECTABLE
        214 => problem!(E0730, "the GPU's memory is damaged: {reason}";
            help: "restart the machine; if the error returns, the card is faulty"),
        // Errors of kernels themselves: CUDA_ERROR_ILLEGAL_ADDRESS and what is like it.
        700 | 714..=719 => problem!(E0730, "a kernel failed on the GPU: {reason}";
            help: "train on the CPU meanwhile: `--device cpu`";
            help: "please report it with what `npc selftest --device cuda` prints: it is a mistake of npc or of the driver"),
        // CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES
        701 => problem!(E0730, "the GPU lacks registers or shared memory for a kernel: {reason}";
            help: "please report it with the name of the card"),
        // CUDA_ERROR_LAUNCH_TIMEOUT
        702 => problem!(E0730, "the system stopped a kernel because it ran too long: {reason}";
            help: "use a GPU that drives no screen, or reduce the batch"),
        // CUDA_ERROR_SYSTEM_NOT_READY, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE
        802..=804 => problem!(E0730, "the NVIDIA driver is not ready: {reason}";
            help: "restart the machine, so that the driver's library and its kernel module have one version";
            help: "in a container, do not mount another version's libcuda.so (compat folder)"),
        _ => problem!(E0730, "the CUDA driver failed: {reason}";
            help: "`nvidia-smi` shows whether the driver works"),
    }
}
