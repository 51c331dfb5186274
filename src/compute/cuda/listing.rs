//! A program as text: its launches in order, for people and for snapshots.

use super::arena::Arena;
use super::program::{CudaProgram, Launch};
use crate::graph::plan::Plan;
use std::fmt::Write;

impl CudaProgram {
    /// Returns one line for each launch: number, kernel with its number, blocks, threads of a block, bytes of shared memory,
    /// and the step of the plan.
    pub fn to_text(&self, plan: &Plan, arena: &Arena) -> String {
        let row = |(at, launch): (usize, &Launch)| {
            let kernel = &self.kernels[launch.kernel];
            let [x, y] = launch.grid;
            [
                at.to_string(),
                format!("{}.{}", kernel.name, launch.kernel),
                format!("{x}x{y}"),
                kernel.threads.to_string(),
                kernel.shared_bytes.to_string(),
                plan.steps[launch.step].path.clone(),
            ]
        };
        let rows: Vec<[String; 6]> = self.launches.iter().enumerate().map(row).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..5).map(width).collect();
        let mut text = format!(
            "cuda {}: {} launches, {} of them forward, {} kernels, {} bytes\n",
            plan.name,
            self.launches.len(),
            self.backward,
            self.kernels.len(),
            arena.bytes,
        );
        for [at, kernel, blocks, threads, shared, path] in &rows {
            let _ = writeln!(
                text,
                "  {at:>w0$}  {kernel:w1$}  {blocks:>w2$} blocks of {threads:>w3$}  {shared:>w4$} bytes  # {path}",
                w0 = widths[0],
                w1 = widths[1],
                w2 = widths[2],
                w3 = widths[3],
                w4 = widths[4],
            );
        }
        text
    }
}
