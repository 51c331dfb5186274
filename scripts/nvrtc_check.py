#!/usr/bin/env python3
"""Compiles CUDA kernels with NVRTC, which needs no GPU: `scripts/nvrtc_check.py FOLDER [sm_90 ...]`.

FOLDER has the files of `npc lower --cuda --kernels FOLDER`. Each is compiled for compute capability 8.0, 9.0 and 12.0
unless others are named. A kernel that does not compile, or that spills registers to memory, is printed, and the exit
code is 1. NVRTC comes from `pip install nvidia-cuda-nvrtc`; without it the exit code is 3.
"""
import ctypes
import glob
import multiprocessing
import os
import re
import sys
import sysconfig

ARCHITECTURES = ["sm_80", "sm_90", "sm_120"]


def library():
    """NVRTC of the Python package, or None."""
    found = glob.glob(os.path.join(sysconfig.get_paths()["purelib"], "nvidia", "*", "lib", "libnvrtc.so.*"))
    if not found:
        return None
    for builtins in glob.glob(os.path.join(os.path.dirname(found[0]), "libnvrtc-builtins.so.*")):
        ctypes.CDLL(builtins, mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(found[0])


def compile_file(job):
    """Returns what is wrong with a kernel on an architecture, or None, and its number of registers."""
    path, architecture = job
    nvrtc, program, size = library(), ctypes.c_void_p(), ctypes.c_size_t()
    with open(path, "rb") as file:
        text = file.read()
    if nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, path.encode(), 0, None, None) != 0:
        return f"{path}: NVRTC refuses the text", 0
    options = [f"--gpu-architecture={architecture}", "--std=c++17", "--ptxas-options=--verbose"]
    given = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    status = nvrtc.nvrtcCompileProgram(program, len(options), given)
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, buffer)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    log = buffer.value.decode()
    place = f"{os.path.basename(path)} for {architecture}"
    if status != 0:
        return f"{place}: {log}", 0
    spills = sum(int(n) for n in re.findall(r"(\d+) bytes spill", log))
    registers = max((int(n) for n in re.findall(r"Used (\d+) registers", log)), default=0)
    if registers == 0:
        return f"{place}: the log of the assembler is missing", 0
    return (f"{place}: {spills} bytes of registers spilled", registers) if spills else (None, registers)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if library() is None:
        print("NVRTC is missing: pip install nvidia-cuda-nvrtc")
        sys.exit(3)
    files = sorted(glob.glob(os.path.join(sys.argv[1], "*.cu")))
    if not files:
        sys.exit(f"{sys.argv[1]} has no kernels")
    jobs = [(path, architecture) for path in files for architecture in sys.argv[2:] or ARCHITECTURES]
    with multiprocessing.Pool() as pool:
        found = pool.map(compile_file, jobs, chunksize=4)
    wrong = [problem for problem, _ in found if problem]
    print("\n".join(wrong + [f"{len(jobs)} compiled, {len(wrong)} wrong, at most {max(r for _, r in found)} registers"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
