//! Operators that move channels: slice, channel padding, channel shuffle.

use crate::graph::op::{ChannelPad, ChannelShuffle, Slice};

/// An operator each of whose output channels is a channel of the input or zeros.
pub(crate) trait ChannelMapping {
    /// Returns the input channel of output channel `c`; a number beyond the input's channels means zeros.
    fn source(&self, c: usize, channels: usize) -> usize;
}

impl ChannelMapping for Slice {
    fn source(&self, c: usize, _: usize) -> usize {
        self.from + c
    }
}

impl ChannelMapping for ChannelPad {
    fn source(&self, c: usize, _: usize) -> usize {
        c
    }
}

impl ChannelMapping for ChannelShuffle {
    fn source(&self, c: usize, channels: usize) -> usize {
        c % self.groups * (channels / self.groups) + c / self.groups
    }
}
