//! ChannelSums over a map: rows in 32 bits, rows of a plane and planes in 64 bits, one after the other.

use crate::compute::engine::kernel::team;
use crate::compute::engine::memory_layout::MapLayout;

/// `count` sums for each lane of each plane, `[plane][count][lane]`. `row` adds up one row into `[count][lane]`, zeros at
/// first, and gets the numbers of plane and row.
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

/// Sum `at` of [`plane_sums`] over all images, one for each channel.
pub(super) fn channel_sums(layout: &MapLayout, count: usize, planes: &[f64], at: usize) -> Vec<f32> {
    let (lanes, blocks) = (layout.lanes, layout.blocks());
    let of_slot = |slot: usize| {
        let place = |image: usize| ((image * blocks + slot / lanes) * count + at) * lanes + slot % lanes;
        (0..layout.n).map(|image| planes[place(image)]).sum::<f64>() as f32
    };
    layout.slot_of_channel().into_iter().map(of_slot).collect()
}
