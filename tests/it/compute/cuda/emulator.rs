//! Compiles a program's kernels with a C++ compiler and runs them.

use npc::internals::compute::cuda::{Arena, BufferPlace, BufferRole, CudaProgram, DeviceBufferId};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

use crate::support::repository::repository;

/// Numbers of buffers by their role.
pub type Numbers = HashMap<BufferRole, Vec<f32>>;

/// The C++ compiler, if there is one.
pub fn compiler() -> Option<&'static str> {
    let found = ["c++", "g++", "clang++"].into_iter().find(|name| Command::new(name).arg("--version").output().is_ok());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI has a C++ compiler");
        eprintln!("skipped: no C++ compiler, which runs the GPU's kernels on the processor");
    }
    found
}

/// Where the buffers of a program lie.
#[derive(Clone, Copy)]
pub enum BufferMemory {
    /// Each by itself, between pages that nothing may touch.
    Guarded,
    /// In one block, at their places.
    Arena,
}

/// A program that a compiler has turned into one that runs on the processor.
pub struct EmulatedProgram<'a> {
    program: &'a CudaProgram,
    folder: TempDir,
}

impl<'a> EmulatedProgram<'a> {
    /// Compiles the kernels.
    pub fn compile(compiler: &str, program: &'a CudaProgram, arena: &Arena) -> Self {
        let folder = TempDir::new().unwrap();
        let source = folder.path().join("program.cpp");
        std::fs::write(&source, source_text(program, arena)).unwrap();
        let run = Command::new(compiler)
            .args(["-std=c++17", "-O1", "-w", "-U_FORTIFY_SOURCE", "-fsanitize=alignment", "-fno-sanitize-recover"])
            .arg("-I")
            .arg(repository("tests/cuda"))
            .arg(&source)
            .arg("-o")
            .arg(folder.path().join("program"))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        Self { program, folder }
    }

    /// Runs all launches in their order; `seed` decides the order of the threads. Returns what the program leaves behind.
    pub fn run(&self, inputs: &Numbers, memory: BufferMemory, seed: u32) -> Numbers {
        let order: Vec<usize> = (0..self.program.launches.len()).collect();
        self.run_in_order(inputs, memory, seed, &order)
    }

    /// Runs all launches in this order.
    pub fn run_in_order(&self, inputs: &Numbers, memory: BufferMemory, seed: u32, order: &[usize]) -> Numbers {
        let path = |name: &str| -> PathBuf { self.folder.path().join(name) };
        let mut bytes = Vec::new();
        for (role, numbers) in inputs {
            if let Some(id) = self.program.buffer(role) {
                bytes.extend((id as u64).to_le_bytes());
                bytes.extend((numbers.len() as u64).to_le_bytes());
                bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
        }
        std::fs::write(path("in"), bytes).unwrap();
        let memory = match memory {
            BufferMemory::Guarded => "guarded",
            BufferMemory::Arena => "arena",
        };
        let mut run = Command::new(path("program"));
        let run = run.arg(path("in")).arg(path("out")).arg(seed.to_string()).arg(memory);
        let run = run.args(order.iter().map(|launch| launch.to_string())).output().unwrap();
        assert!(run.status.success(), "{:?} {}", run.status, String::from_utf8_lossy(&run.stderr));
        self.read(&path("out"))
    }

    fn read(&self, path: &Path) -> Numbers {
        let bytes = std::fs::read(path).unwrap();
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let mut found = Numbers::new();
        let mut at = 0;
        while at < bytes.len() {
            let (id, len) = (word(at), word(at + 8));
            let numbers = bytes[at + 16..at + 16 + 4 * len].chunks_exact(4);
            let numbers = numbers.map(|number| f32::from_le_bytes(number.try_into().unwrap())).collect();
            found.insert(self.program.buffers[id].role.clone(), numbers);
            at += 16 + 4 * len;
        }
        found
    }
}

/// Whether a buffer's numbers leave the program.
fn is_output(role: &BufferRole) -> bool {
    match role {
        BufferRole::Result(_)
        | BufferRole::WeightGradient { .. }
        | BufferRole::BatchStatistics { .. }
        | BufferRole::ImageGradient => true,
        BufferRole::Image
        | BufferRole::ResultGradient(_)
        | BufferRole::Weight { .. }
        | BufferRole::Seed
        | BufferRole::Temporary => false,
    }
}

fn list(numbers: impl Iterator<Item = usize>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

fn source_text(program: &CudaProgram, arena: &Arena) -> String {
    let mut text = "#include \"emulator.h\"\n".to_owned();
    for (i, kernel) in program.kernels.iter().enumerate() {
        writeln!(text, "namespace k{i} {{\n{}\n}}", kernel.text).unwrap();
    }
    let (offsets, bytes) = (list(arena.offsets.iter().copied()), arena.bytes);
    let outputs: Vec<DeviceBufferId> =
        (0..program.buffers.len()).filter(|&i| is_output(&program.buffers[i].role)).collect();
    write!(
        text,
        "#include <functional>\nint main(int count, char** argv) {{\nemulator::Memory m({{{}}}, {{{offsets}}}, argv[4][0] == 'a' ? {bytes} : 0);\nm.read(argv[1]);\n\
         unsigned seed = atoi(argv[3]);\nstd::vector<std::function<void()>> launches;\n",
        list(program.buffers.iter().map(|buffer| buffer.len)),
    )
    .unwrap();
    for launch in &program.launches {
        let kernel = &program.kernels[launch.kernel];
        let argument = |place: &Option<BufferPlace>| match place {
            Some(BufferPlace { buffer, offset }) => format!("m.at[{buffer}] + {offset}"),
            None => "nullptr".to_owned(),
        };
        let arguments: Vec<String> = launch.arguments.iter().map(argument).collect();
        let [x, y] = launch.grid;
        writeln!(
            text,
            "launches.push_back([&] {{ emulator::launch({{{x}, {y}, 1}}, {}, {}, {}, [&] {{ k{}::run({}); }}, seed); }});",
            kernel.threads,
            kernel.shared_bytes,
            kernel.has_barriers,
            launch.kernel,
            arguments.join(", "),
        )
        .unwrap();
    }
    writeln!(text, "for (int i = 5; i < count; i++) launches[atoi(argv[i])]();").unwrap();
    writeln!(text, "m.write(argv[2], {{{}}});\n}}", list(outputs.into_iter())).unwrap();
    text
}
