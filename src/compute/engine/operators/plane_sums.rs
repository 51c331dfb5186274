//! Sums over a map in a fixed order: rows in 32 bits, the rows of a plane and the planes in 64 bits.

use crate::compute::engine::kernel::team;
use crate::compute::engine::memory_layout::MapLayout;

/// Computes `count` sums for each lane of each plane, `[plane][count][lane]`. `row` gets the indices of plane and row,
/// and adds the row to sums `[count][lane]`, which are zero at first.
pub(super) fn plane_sums(layout: &MapLayout, count: usize, row: impl Fn(usize, usize, &mut [f32]) + Sync) -> Vec<f64> {
    let (h, width) = (layout.h, count * layout.lanes);
    let planes = layout.n * layout.blocks();
    let mut sums = vec![0f64; planes * width];
    let mut rows = vec![0f32; planes * h * width];
    let least = team::MIN_SHARE / layout.inner_len().max(1);
    team::for_chunks(&mut rows, width, least, |i, sums| row(i / h, i % h, sums));
    for (i, row) in rows.chunks_exact(width).enumerate() {
        let plane = i / h;
        for (sum, part) in sums[plane * width..].iter_mut().zip(row) {
            *sum += f64::from(*part);
        }
    }
    sums
}

/// Returns sum `at` of [`plane_sums`] over all images, one per channel.
pub(super) fn channel_sums(layout: &MapLayout, count: usize, planes: &[f64], at: usize) -> Vec<f32> {
    let (lanes, blocks) = (layout.lanes, layout.blocks());
    let of_slot = |slot: usize| {
        let place = |image: usize| ((image * blocks + slot / lanes) * count + at) * lanes + slot % lanes;
        (0..layout.n).map(|image| planes[place(image)]).sum::<f64>() as f32
    };
    layout.slot_of_channel().into_iter().map(of_slot).collect()
}
