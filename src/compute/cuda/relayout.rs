//! Copies between maps and numbers in the order `[n][c][h][w]`.

use super::builder::{CudaBuilder, KernelCall};
use super::constants::KernelConstants;
use super::map::DeviceMap;
use super::program::BufferPlace;

const RELAYOUT: &[&str] = &[include_str!("kernels/relayout.cu")];

/// Copies a map to planar numbers with `to_planar`, else planar numbers to the map, or adds them to it.
pub(super) fn relayout(b: &mut CudaBuilder, map: DeviceMap, planar: BufferPlace, to_planar: bool, add: bool) {
    let constants = KernelConstants::new()
        .ints([("N", map.dims[0]), ("AREA", map.area()), ("C", map.channels())])
        .ints([("C4", map.stored_channels()), ("PITCH", map.pitch)])
        .flag("TO_PLANAR", to_planar)
        .flag("ADD", add);
    let places = if to_planar { [map.place(), Some(planar)] } else { [Some(planar), map.place()] };
    let call = KernelCall::of_items("relayout", RELAYOUT, constants, map.pixels() * map.stored_channels());
    b.launch(call, places.into());
}
