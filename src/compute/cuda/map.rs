//! Maps on the device: channels last.

use super::program::{BufferPlace, DeviceBufferId};

/// Channels are stored in groups of this many, which one copy of 16 bytes moves.
const GROUP: usize = 4;

/// The position of each number of a map: `offset + ((image * h + row) * w + column) * pitch + channel`. Numbers between
/// the channels and the next multiple of 4 are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeviceMap {
    pub buffer: DeviceBufferId,
    /// A multiple of 4.
    pub offset: usize,
    /// Images, channels, height and width.
    pub dims: [usize; 4],
    /// Numbers from one pixel to the next, a multiple of 4.
    pub pitch: usize,
}

impl DeviceMap {
    /// Returns the number of stored channels of a map with `channels` channels.
    pub(super) fn stored(channels: usize) -> usize {
        channels.next_multiple_of(GROUP)
    }

    pub(super) fn place(&self) -> Option<BufferPlace> {
        Some(BufferPlace { buffer: self.buffer, offset: self.offset })
    }

    pub(super) fn channels(&self) -> usize {
        self.dims[1]
    }

    /// Channels with those that fill the last group.
    pub(super) fn stored_channels(&self) -> usize {
        Self::stored(self.dims[1])
    }

    pub(super) fn size(&self) -> [usize; 2] {
        [self.dims[2], self.dims[3]]
    }

    /// Pixels of one image.
    pub(super) fn area(&self) -> usize {
        self.dims[2] * self.dims[3]
    }

    /// Pixels of all images.
    pub(super) fn pixels(&self) -> usize {
        self.dims[0] * self.area()
    }

    /// Whether channels can be a map of their own: see [`aligned`].
    pub(super) fn has_aligned(&self, first: usize, channels: usize) -> bool {
        aligned(first, channels, self.channels())
    }

    /// Returns some of the channels as a map.
    pub(super) fn slice(&self, first: usize, channels: usize) -> DeviceMap {
        let [n, _, h, w] = self.dims;
        DeviceMap { offset: self.offset + first, dims: [n, channels, h, w], ..*self }
    }
}

/// Whether `channels` channels from `first` on, of `all`, begin and end with a group; the last group of all may be
/// incomplete.
pub(super) fn aligned(first: usize, channels: usize, all: usize) -> bool {
    first.is_multiple_of(GROUP) && (channels.is_multiple_of(GROUP) || first + channels == all)
}
