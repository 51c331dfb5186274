//! A program as text: its launches in order, for people and for snapshots.

use super::dependencies::dependencies;
use super::places::Arena;
use super::program::{CudaProgram, Launch, ProgramSection};
use crate::base::count::counted;
use crate::graph::plan::Plan;
use std::fmt::Write;

impl CudaProgram {
    /// Returns a line for each section, and below it one for each launch: number, kernel with its number, blocks, threads of a
    /// block, bytes of shared memory, and the step of the plan if it computes one.
    pub fn to_text(&self, plan: &Plan, arena: &Arena) -> String {
        let rows: Vec<[String; 6]> = self.launches.iter().enumerate().map(|row| self.row(plan, row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..5).map(width).collect();
        let mut text = format!(
            "cuda {}: {}, {} on the longest path, {}, {} bytes\n",
            plan.name,
            counted(self.launches.len(), "launch"),
            dependencies(self, arena, 0..self.launches.len()).longest_path(),
            counted(self.kernels.len(), "kernel"),
            arena.bytes,
        );
        for (section, launches) in &self.sections {
            let _ = writeln!(text, "{}: {}", section.name(), counted(launches.len(), "launch"));
            for [at, kernel, blocks, threads, shared, path] in &rows[launches.clone()] {
                let line = format!(
                    "  {at:>w0$}  {kernel:w1$}  {blocks:>w2$} blocks of {threads:>w3$}  {shared:>w4$} bytes  {path}",
                    w0 = widths[0],
                    w1 = widths[1],
                    w2 = widths[2],
                    w3 = widths[3],
                    w4 = widths[4],
                );
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        text
    }

    fn row(&self, plan: &Plan, (at, launch): (usize, &Launch)) -> [String; 6] {
        let kernel = &self.kernels[launch.kernel];
        let [x, y] = launch.grid;
        let of_step = [ProgramSection::Forward, ProgramSection::Backward]
            .into_iter()
            .any(|section| self.section(section).contains(&at));
        [
            at.to_string(),
            format!("{}.{}", kernel.name, launch.kernel),
            format!("{x}x{y}"),
            kernel.threads.to_string(),
            kernel.shared_bytes.to_string(),
            if of_step { format!("# {}", plan.steps[launch.step].path) } else { String::new() },
        ]
    }
}
