//! Compiles a program's kernels with a C++ compiler and runs them.

use npc::internals::compute::cuda::{Arena, BufferPlace, BufferRole, CudaProgram, DeviceBufferId, PRELUDE};
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;
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

/// Numbers of buffers by their number.
pub type BufferNumbers = HashMap<DeviceBufferId, Vec<f32>>;

/// Where the buffers of a program lie.
#[derive(Clone, Copy)]
pub enum BufferMemory {
    /// Each by itself, between pages that nothing may touch.
    Guarded,
    /// In one block, at their places.
    Arena,
}

/// What a host does with a program.
pub enum HostAction {
    /// Writes buffers.
    Give(Numbers),
    /// Runs launches.
    Run(Range<usize>),
    /// Reads buffers.
    Take(Vec<DeviceBufferId>),
}

/// A program that a compiler has turned into one that runs on the processor.
pub struct EmulatedProgram<'a> {
    program: &'a CudaProgram,
    folder: TempDir,
}

impl<'a> EmulatedProgram<'a> {
    /// Compiles the kernels. `NPC_KERNELS=DIR` also writes their texts there, for `scripts/nvrtc_check.py`.
    pub fn compile(compiler: &str, program: &'a CudaProgram, arena: &Arena) -> Self {
        if let Some(kernels) = std::env::var_os("NPC_KERNELS") {
            write_kernels(program, Path::new(&kernels));
        }
        let folder = TempDir::new().unwrap();
        let source = folder.path().join("program.cpp");
        std::fs::write(&source, source_text(program, arena)).unwrap();
        let run = Command::new(compiler)
            .args(["-std=c++17", "-O1", "-w", "-U_FORTIFY_SOURCE", "-fsanitize=alignment", "-fno-sanitize-recover"])
            .args(["-ffp-contract=off", "-I"])
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
        let mut actions = vec![HostAction::Give(inputs.clone())];
        actions.extend(order.iter().map(|&launch| HostAction::Run(launch..launch + 1)));
        actions.push(HostAction::Take(outputs(self.program)));
        let mut found = self.act(&actions, memory, seed);
        let of_last = found.pop().expect("something was taken").into_iter();
        of_last.map(|(id, numbers)| (self.program.buffers[id].role.clone(), numbers)).collect()
    }

    /// Does what a host does, one action after the other. Returns what it takes.
    pub fn act(&self, actions: &[HostAction], memory: BufferMemory, seed: u32) -> Vec<BufferNumbers> {
        let memory = match memory {
            BufferMemory::Guarded => "guarded",
            BufferMemory::Arena => "arena",
        };
        let mut run = Command::new(self.path("program"));
        run.arg(seed.to_string()).arg(memory);
        let mut taken = Vec::new();
        for (i, action) in actions.iter().enumerate() {
            let path = self.path(&i.to_string());
            match action {
                HostAction::Give(numbers) => {
                    std::fs::write(&path, self.bytes(numbers)).unwrap();
                    run.arg("give").arg(path);
                }
                HostAction::Run(launches) => {
                    run.arg("run").arg(launches.start.to_string()).arg(launches.end.to_string());
                }
                HostAction::Take(ids) => {
                    run.arg("take").arg(&path).arg(list(ids.iter().copied()));
                    taken.push(path);
                }
            }
        }
        let run = run.output().unwrap();
        assert!(run.status.success(), "{:?} {}", run.status, String::from_utf8_lossy(&run.stderr));
        taken.iter().map(|path| read(path)).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bytes(&self, numbers: &Numbers) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (role, numbers) in numbers {
            if let Some(id) = self.program.buffer(role) {
                bytes.extend((id as u64).to_le_bytes());
                bytes.extend((numbers.len() as u64).to_le_bytes());
                bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
        }
        bytes
    }
}

fn read(path: &Path) -> BufferNumbers {
    let bytes = std::fs::read(path).unwrap();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let mut found = BufferNumbers::new();
    let mut at = 0;
    while at < bytes.len() {
        let (id, len) = (word(at), word(at + 8));
        let numbers = bytes[at + 16..at + 16 + 4 * len].chunks_exact(4);
        found.insert(id, numbers.map(|number| f32::from_le_bytes(number.try_into().unwrap())).collect());
        at += 16 + 4 * len;
    }
    found
}

/// Writes each kernel to a file that is named after its text.
fn write_kernels(program: &CudaProgram, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for kernel in &program.kernels {
        let hash = kernel
            .text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        let text = format!("{PRELUDE}\n{}", kernel.text);
        std::fs::write(folder.join(format!("{}.{hash:016x}.cu", kernel.name)), text).unwrap();
    }
}

/// Returns the buffers whose numbers leave the program.
pub fn outputs(program: &CudaProgram) -> Vec<DeviceBufferId> {
    (0..program.buffers.len()).filter(|&i| is_output(&program.buffers[i].role)).collect()
}

fn is_output(role: &BufferRole) -> bool {
    match role {
        BufferRole::Result(_)
        | BufferRole::Classes
        | BufferRole::Probabilities
        | BufferRole::WeightGradient { .. }
        | BufferRole::BatchStatistics { .. }
        | BufferRole::ImageGradient
        | BufferRole::Loss
        | BufferRole::Report
        | BufferRole::Region(_) => true,
        BufferRole::Image
        | BufferRole::Targets
        | BufferRole::Scalars
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
    let lens = list(program.buffers.iter().map(|buffer| buffer.len));
    let (offsets, bytes) = (list(arena.offsets.iter().copied()), arena.bytes);
    write!(
        text,
        "int main(int count, char** given) {{\nunsigned seed = atoi(given[1]);\n\
         emulator::Memory m({{{lens}}}, {{{offsets}}}, given[2][0] == 'a' ? {bytes} : 0);\n\
         std::vector<std::function<void()>> launches;\n",
    )
    .unwrap();
    for (id, buffer) in program.buffers.iter().enumerate() {
        if buffer.inside.is_some() {
            let outer = program.outermost(id);
            writeln!(text, "m.part({id}, {}, {});", outer.buffer, outer.offset).unwrap();
        }
        if matches!(buffer.role, BufferRole::Region(_)) {
            writeln!(text, "m.clear({id});").unwrap();
        }
    }
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
    text + "emulator::act(m, launches, given + 3, given + count);\n}\n"
}
