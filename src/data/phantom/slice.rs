//! A generated phantom slice.

use crate::data::pixels::{Pixels, SampleValues};

/// A generated slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhantomSlice {
    /// Height, width.
    pub size: [usize; 2],
    /// Hounsfield units, row by row.
    pub hu: Vec<i16>,
    /// 1 in the lungs, 0 elsewhere.
    pub lungs: Vec<u8>,
}

impl PhantomSlice {
    pub(crate) fn into_pixels(self) -> Pixels {
        Pixels::new(self.size, 1, SampleValues::I16(self.hu))
    }
}
