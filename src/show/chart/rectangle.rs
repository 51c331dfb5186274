//! Rectangles in the units of a chart.

/// A rectangle with its sides parallel to the axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub(super) fn centred_at([x, y]: [f64; 2], radius: f64) -> Self {
        Rect { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
    }

    pub(super) fn overlaps(&self, other: &Rect) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    pub(super) fn contains(&self, other: &Rect) -> bool {
        self.left <= other.left && self.top <= other.top && self.right >= other.right && self.bottom >= other.bottom
    }

    /// Checks whether a horizontal or vertical line crosses it.
    pub(super) fn is_crossed_by(&self, [a, b]: [[f64; 2]; 2]) -> bool {
        let line = Rect {
            left: a[0].min(b[0]),
            top: a[1].min(b[1]),
            right: a[0].max(b[0]) + 1e-6,
            bottom: a[1].max(b[1]) + 1e-6,
        };
        self.overlaps(&line)
    }

    /// Returns the point of the rectangle that is nearest to a point.
    pub(super) fn nearest_point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [x.clamp(self.left, self.right), y.clamp(self.top, self.bottom)]
    }
}
