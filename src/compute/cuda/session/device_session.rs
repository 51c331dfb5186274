//! Runs a program: the first pass launch by launch, the later ones as graphs.

use super::device_state::DeviceState;
use super::input_feed::{FedBuffer, InputFeed};
use super::pass_results::{FetchedBuffer, PassResults, PassTicket};
use super::resources::DeviceResources;
use super::staged_copy::StagedCopy;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::number::{bytes, thousands};
use crate::base::problem::problem;
use crate::compute::cuda::dependencies::{Dependencies, dependencies};
use crate::compute::cuda::driver::{
    DeviceAddress, DeviceBlock, DeviceGraph, GpuDriver, GpuProperties, KernelCompiler, KernelLaunch,
};
use crate::compute::cuda::places::Arena;
use crate::compute::cuda::program::{BufferPlace, BufferRole, CudaProgram, DeviceBuffer, Kernel, Launch};
use std::ops::Range;
use std::sync::Arc;

/// Most blocks along y, of every GPU.
const MOST_BLOCKS_Y: usize = 65_535;

/// What of a program runs together, and what goes in and out in each pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionOptions {
    /// Ranges of launches, each of which becomes a graph: forward and backward, or a whole training step.
    pub sections: Vec<Range<usize>>,
    /// Buffers that each pass gets anew, such as images and the seed.
    pub fed: Vec<BufferRole>,
    /// Buffers that are copied back after a pass.
    pub fetched: Vec<BufferRole>,
}

/// The memory of an arena: its state, and what each session has for itself.
struct SessionMemory {
    state: Arc<DeviceState>,
    work: DeviceBlock,
}

impl SessionMemory {
    /// Returns the address of an offset in the arena.
    fn address(&self, offset: usize) -> DeviceAddress {
        match offset.checked_sub(self.state.bytes()) {
            None => self.state.address().after(offset),
            Some(offset) => self.work.address.after(offset),
        }
    }
}

/// Launches that run together.
struct LaunchSection {
    range: Range<usize>,
    /// What each launch waits for.
    waits: Dependencies,
    /// Whether the launches have run by themselves, which loads what they need.
    is_warm: bool,
    graph: Option<DeviceGraph>,
    /// The last feed that it has computed with.
    feed: usize,
}

/// A program in a GPU's memory. After [`DeviceSession::open`] and the first two runs of each section it allocates nothing.
pub struct DeviceSession {
    memory: SessionMemory,
    /// Places of the buffers that have a role.
    buffers: Vec<(DeviceBuffer, usize)>,
    launches: Vec<KernelLaunch>,
    sections: Vec<LaunchSection>,
    feed: InputFeed,
    /// Number of feeds that were taken.
    feeds: usize,
    results: PassResults,
    staged: StagedCopy,
    resources: DeviceResources,
}

impl DeviceSession {
    /// Allocates all memory, compiles and loads the kernels. Weights are written afterwards. Errors: the GPU's memory is too small
    /// (E0731), a kernel does not compile, the driver fails.
    pub fn open(
        driver: Arc<dyn GpuDriver>,
        compiler: &dyn KernelCompiler,
        program: &CudaProgram,
        arena: &Arena,
        options: &SessionOptions,
    ) -> Result<Self> {
        check_launches(program, driver.properties())?;
        check_memory(&*driver, program, arena.bytes, options)?;
        let state = DeviceState::allocate(driver.clone(), arena)?;
        Self::open_with(driver, compiler, program, arena, options, state)
    }

    /// Opens a session that works on the state of another one of the same network. Errors: as those of [`DeviceSession::open`].
    pub fn open_with(
        driver: Arc<dyn GpuDriver>,
        compiler: &dyn KernelCompiler,
        program: &CudaProgram,
        arena: &Arena,
        options: &SessionOptions,
        state: Arc<DeviceState>,
    ) -> Result<Self> {
        check_launches(program, driver.properties())?;
        check_memory(&*driver, program, arena.bytes - arena.state_bytes, options)?;
        if state.bytes() != arena.state_bytes {
            let [has, needs] = [state.bytes(), arena.state_bytes].map(|n| bytes(n as u64));
            return Err(problem!(E0799, "a program needs a state of {needs}, and one of {has} was allocated"));
        }
        let code = compiler.compile(&program.kernels, driver.properties().capability)?;
        if code.len() != program.kernels.len() {
            return Err(problem!(E0799, "{} kernels were compiled to {}", program.kernels.len(), code.len()));
        }
        let mut resources = DeviceResources::of(driver);
        let work = resources.block(arena.bytes - arena.state_bytes)?;
        let memory = SessionMemory { state, work };
        let load = |(kernel, code): (&Kernel, &Vec<u8>)| resources.kernel(kernel.name, code, kernel.shared_bytes);
        let kernels = program.kernels.iter().zip(&code).map(load).collect::<Result<Vec<_>>>()?;
        let address = |place: &Option<BufferPlace>| match place {
            Some(place) => memory.address(arena.offsets[place.buffer] + place.offset * size_of::<f32>()),
            None => DeviceAddress::NULL,
        };
        let bind = |launch: &Launch| KernelLaunch {
            kernel: kernels[launch.kernel],
            grid: launch.grid,
            threads: program.kernels[launch.kernel].threads,
            shared_bytes: program.kernels[launch.kernel].shared_bytes,
            arguments: launch.arguments.iter().map(address).collect(),
        };
        let named = program.buffers.iter().zip(&arena.offsets);
        let named = named.filter(|(buffer, _)| buffer.role != BufferRole::Temporary);
        let buffers: Vec<(DeviceBuffer, usize)> = named.map(|(buffer, &offset)| (buffer.clone(), offset)).collect();
        let place = |role: &BufferRole| {
            let (buffer, offset) = find(&buffers, role)?;
            Ok((role.clone(), memory.address(offset), buffer.len))
        };
        let fed =
            options.fed.iter().map(|role| place(role).map(|(role, address, len)| FedBuffer { role, address, len }));
        let fed = fed.collect::<Result<Vec<_>>>()?;
        let fetched = options.fetched.iter();
        let fetched = fetched
            .map(|role| place(role).map(|(role, address, len)| FetchedBuffer { role, address, len }))
            .collect::<Result<Vec<_>>>()?;
        let sections =
            options.sections.iter().map(|range| section(range, program, arena)).collect::<Result<Vec<_>>>()?;
        let largest = buffers.iter().map(|(buffer, _)| buffer.len).max().unwrap_or(0);
        let launches = program.launches.iter().map(bind).collect();
        Ok(Self {
            launches,
            sections,
            feed: InputFeed::new(&mut resources, fed)?,
            feeds: 0,
            results: PassResults::new(&mut resources, fetched)?,
            staged: StagedCopy::new(&mut resources, largest)?,
            memory,
            buffers,
            resources,
        })
    }

    /// Writes a buffer, after the work before. Errors: the program has no such buffer, or it has another length.
    pub fn write(&self, role: &BufferRole, numbers: &[f32]) -> Result<()> {
        let (address, len) = self.place(role)?;
        if numbers.len() != len {
            return Err(problem!(E0799, "{role:?} takes {}, {} were given", counted(len, "number"), numbers.len()));
        }
        self.staged.write(&*self.resources.driver, address, numbers)
    }

    /// Fills a buffer with zeros, after the work before.
    pub fn clear(&self, role: &BufferRole) -> Result<()> {
        let (address, len) = self.place(role)?;
        self.resources.driver.clear(address, len)
    }

    /// Waits for the work before and reads a buffer.
    pub fn read(&self, role: &BufferRole) -> Result<Vec<f32>> {
        let (address, len) = self.place(role)?;
        self.staged.read(&*self.resources.driver, address, len)
    }

    /// Returns the roles of all buffers that can be written and read, with the number of their numbers.
    pub fn buffers(&self) -> impl Iterator<Item = &DeviceBuffer> {
        self.buffers.iter().map(|(buffer, _)| buffer)
    }

    /// Starts the copy of what the next pass gets: each buffer of [`SessionOptions::fed`]. The pass before may still be computed.
    pub fn feed(&mut self, inputs: &[(BufferRole, &[f32])]) -> Result<()> {
        self.feed.feed(&*self.resources.driver, inputs)
    }

    /// Starts sections, in this order, with the numbers that were fed last. A section computes with each feed once: with what was fed
    /// for the pass before it would train on the same batch and seed, which nothing would show.
    pub fn run(&mut self, sections: &[usize]) -> Result<()> {
        self.feeds += usize::from(self.feed.take(&*self.resources.driver)?);
        sections.iter().try_for_each(|&number| self.run_section(number))
    }

    fn run_section(&mut self, number: usize) -> Result<()> {
        let count = self.sections.len();
        let section = self.sections.get_mut(number);
        let section =
            section.ok_or_else(|| problem!(E0799, "a program of {count} sections has no section {number}"))?;
        if !self.feed.is_empty() && section.feed == self.feeds {
            return Err(problem!(E0799, "section {number} ran again without new numbers"));
        }
        section.feed = self.feeds;
        let launches = &self.launches[section.range.clone()];
        if !section.is_warm {
            launches.iter().try_for_each(|launch| self.resources.driver.launch(launch))?;
            section.is_warm = true;
            return Ok(());
        }
        let graph = match section.graph {
            Some(graph) => graph,
            None => *section.graph.insert(self.resources.graph(launches, &section.waits.before)?),
        };
        self.resources.driver.replay(graph)
    }

    /// Starts the copies of what the last pass leaves behind. The results of two passes are kept.
    pub fn fetch(&mut self) -> Result<PassTicket> {
        self.results.fetch(&*self.resources.driver)
    }

    /// Waits for a pass and returns a buffer of [`SessionOptions::fetched`] as that pass left it. Errors: those of the GPU in the pass,
    /// and results that newer passes have written over.
    pub fn results(&self, ticket: PassTicket, role: &BufferRole) -> Result<Vec<f32>> {
        self.results.read(&*self.resources.driver, ticket, role)
    }

    /// Returns the bytes of the GPU's memory that this session has for itself, without its state.
    pub fn bytes(&self) -> usize {
        self.memory.work.bytes + self.feed.bytes()
    }

    /// Waits until the GPU has done all work.
    pub fn synchronise(&self) -> Result<()> {
        self.resources.driver.synchronise()
    }

    fn place(&self, role: &BufferRole) -> Result<(DeviceAddress, usize)> {
        let (buffer, offset) = find(&self.buffers, role)?;
        Ok((self.memory.address(offset), buffer.len))
    }
}

fn find<'a>(buffers: &'a [(DeviceBuffer, usize)], role: &BufferRole) -> Result<(&'a DeviceBuffer, usize)> {
    let found = buffers.iter().find(|(buffer, _)| buffer.role == *role);
    let (buffer, offset) = found.ok_or_else(|| problem!(E0799, "the program has no buffer for {role:?}"))?;
    Ok((buffer, *offset))
}

fn section(range: &Range<usize>, program: &CudaProgram, arena: &Arena) -> Result<LaunchSection> {
    let count = program.launches.len();
    if range.start > range.end || range.end > count {
        return Err(problem!(E0799, "launches {range:?} are not among the {count} of the program"));
    }
    let waits = dependencies(program, arena, range.clone());
    Ok(LaunchSection { range: range.clone(), waits, is_warm: false, graph: None, feed: 0 })
}

/// Refuses launches that the GPU would refuse, before anything is allocated.
fn check_launches(program: &CudaProgram, gpu: &GpuProperties) -> Result<()> {
    let too_large = |kernel: &&Kernel| kernel.shared_bytes > gpu.shared_bytes;
    if let Some(Kernel { name, shared_bytes, .. }) = program.kernels.iter().find(too_large) {
        let (most, gpu) = (thousands(gpu.shared_bytes), &gpu.name);
        let needed = counted(*shared_bytes, "byte");
        return Err(problem!(E0730, "the kernel {name} needs {needed} of shared memory, {gpu} has {most}";
            help: "please report it with the name of the card"));
    }
    if let Some(launch) = program.launches.iter().find(|launch| launch.grid[1] > MOST_BLOCKS_Y) {
        let (name, blocks) = (program.kernels[launch.kernel].name, launch.grid[1]);
        return Err(problem!(E0799, "the kernel {name} is launched with {} of blocks", counted(blocks, "row")));
    }
    Ok(())
}

/// Compares what the session will allocate with what is free.
fn check_memory(driver: &dyn GpuDriver, program: &CudaProgram, bytes: usize, options: &SessionOptions) -> Result<()> {
    let fed = program.buffers.iter().filter(|buffer| options.fed.contains(&buffer.role));
    let needed = bytes + fed.map(|buffer| buffer.len * size_of::<f32>()).sum::<usize>();
    let free = driver.free_bytes()?;
    if needed > free {
        let [needed, free] = [needed.div_ceil(1 << 20), free >> 20];
        let name = &driver.properties().name;
        return Err(problem!(E0731, "the network needs {needed} MiB of memory on {name}, {free} MiB are free";
            help: "reduce the batch or the image size, or end other programs on the GPU (`nvidia-smi` lists them)"));
    }
    Ok(())
}
