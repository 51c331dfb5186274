//! Separable linear operators: which rows and columns each position reads, and with which weights.

/// The positions of another axis that each position of an axis reads, with their weights.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AxisTaps {
    /// Number of positions of the axis that is read.
    from: usize,
    /// Index of the first tap of each position, and the end of the last taps.
    pub starts: Vec<usize>,
    pub places: Vec<usize>,
    pub weights: Vec<f32>,
}

impl AxisTaps {
    /// `of` lists the taps of each of `to` positions.
    pub(crate) fn new<I: IntoIterator<Item = (usize, f32)>>(from: usize, to: usize, of: impl Fn(usize) -> I) -> Self {
        let mut taps = Self { from, starts: vec![0], places: Vec::new(), weights: Vec::new() };
        for i in 0..to {
            for (place, weight) in of(i) {
                taps.places.push(place);
                taps.weights.push(weight);
            }
            taps.starts.push(taps.places.len());
        }
        taps
    }

    /// Each position reads itself.
    pub(crate) fn same(size: usize) -> Self {
        Self::new(size, size, |i| [(i, 1.0)])
    }

    /// Number of positions of the axis that is written.
    pub(crate) fn to(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the places that position `i` reads, and their weights.
    pub(crate) fn of(&self, i: usize) -> (&[usize], &[f32]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.places[range.clone()], &self.weights[range])
    }

    /// Returns the positions that read each place, in order.
    pub(crate) fn transposed(&self) -> Self {
        let mut readers = vec![Vec::new(); self.from];
        for i in 0..self.to() {
            let (places, weights) = self.of(i);
            places.iter().zip(weights).for_each(|(&place, &weight)| readers[place].push((i, weight)));
        }
        Self::new(self.to(), self.from, |place| readers[place].iter().copied())
    }
}
