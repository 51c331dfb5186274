//! Voxel grids: positions and directions of a volume's voxels in the patient.
//!
//! Directions are as in NIfTI: the first world axis points from left to right, the second from back to front, the third from feet
//! to head. Oblique volumes are read along the nearest axes, without interpolation.

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::pixels::MAX_SIDE;
use crate::text::config::SliceAxis;
use std::path::Path;

/// Maximum number of voxels of one volume: 2 GiB of 16-bit values.
const MOST: usize = 1 << 30;

/// Volume of a voxel below which its axes span no space, as a part of the product of their lengths.
const FLAT: f64 = 1e-3;

/// Size, place, orientation and spacing of an array of voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct VoxelGrid {
    /// Number of voxels along each axis of the array.
    pub dims: [usize; 3],
    /// World axis of each axis of the array.
    world: [usize; 3],
    /// Whether the axis points to the right, the front or the head.
    ascending: [bool; 3],
    /// Distance between voxels along each axis of the array, in mm.
    pub spacing: [f64; 3],
    /// Whether the file says where its voxels are. If not, the place is a default of the format.
    pub placed: bool,
    /// Rows of the matrix from voxel indices to world coordinates.
    affine: [[f64; 4]; 3],
}

/// Index arithmetic for slices across an axis: the pixel at `row`, `column` of slice `index` is at
/// `start + index * across + row * down + column * right`. Strides are negative where the array runs in the opposite direction.
pub(super) struct SliceIndexing {
    pub size: [usize; 2],
    pub count: usize,
    start: i64,
    across: i64,
    down: i64,
    right: i64,
}

impl SliceIndexing {
    /// Returns the position of a pixel in the array.
    pub(super) fn at(&self, index: usize, row: usize, column: usize) -> usize {
        let place = self.start + index as i64 * self.across + row as i64 * self.down + column as i64 * self.right;
        // The position is in the array by construction; otherwise indexing would panic.
        usize::try_from(place).unwrap_or(usize::MAX)
    }
}

impl VoxelGrid {
    /// Creates a grid from the rows of its affine matrix, in mm: see [`affine`](VoxelGrid::affine).
    pub(crate) fn new(path: &Path, dims: [usize; 3], affine: [[f64; 4]; 3]) -> Result<VoxelGrid> {
        let columns = [0, 1, 2].map(|axis| affine.map(|row| row[axis]));
        let voxels = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if dims.iter().any(|&d| d == 0 || d > MAX_SIDE) || voxels.is_none_or(|n| n > MOST) {
            let [x, y, z] = dims;
            return Err(problem!(
                E0714,
                path,
                "unsupported volume of {x} x {y} x {z} voxels; each side must be 1 to {MAX_SIDE}, and the product at most 2^30"
            ));
        }
        let spacing = columns.map(|c| c.iter().map(|v| v * v).sum::<f64>().sqrt());
        if spacing.iter().any(|s| !s.is_finite() || *s <= 0.0) {
            let [x, y, z] = spacing;
            return Err(problem!(E0714, path, "invalid voxel size: the header declares {x} x {y} x {z} mm"));
        }
        if affine.iter().any(|row| !row[3].is_finite()) {
            return Err(problem!(E0714, path, "the position of the first voxel is not finite"));
        }
        let world = nearest_axes([0, 1, 2].map(|a| columns[a].map(|v| v / spacing[a])));
        let ascending = [0, 1, 2].map(|a| columns[a][world[a]] > 0.0);
        if determinant(columns).abs() < FLAT * spacing.iter().product::<f64>() {
            return Err(problem!(
                E0714,
                path,
                "the header places all voxels in one plane: its axes depend on each other"
            ));
        }
        Ok(VoxelGrid { dims, world, ascending, spacing, placed: true, affine })
    }

    /// Returns the matrix from voxel indices to positions in mm, without its last row, as in nibabel: the voxel at `[i, j, k]` of the
    /// array is at `x = affine[0][0] * i + affine[0][1] * j + affine[0][2] * k + affine[0][3]`, and likewise `y` and `z`. World axes
    /// point to the right, the front and the head (RAS).
    ///
    /// The array is the file's own for NIfTI. For a DICOM series `i` counts columns, `j` rows, and `k` slices in the direction of the
    /// normal (the cross product of the directions along rows and columns), whatever the order of the files.
    pub(crate) fn affine(&self) -> [[f64; 4]; 3] {
        self.affine
    }

    /// Returns the same grid for a mask whose axes `axes` run along those of `image`, in the opposite direction where `forward` is
    /// false. A slice of the mask then consists of the same voxels as a slice of the image, even if a header lies so between two
    /// world axes that rounding decides.
    pub(super) fn named_as(&self, image: &VoxelGrid, axes: [usize; 3], forward: [bool; 3]) -> VoxelGrid {
        let world = axes.map(|b| image.world[b]);
        let ascending = [0, 1, 2].map(|a| image.ascending[axes[a]] == forward[a]);
        VoxelGrid { world, ascending, ..*self }
    }

    /// Returns the same grid with its first voxel at `place`.
    pub(super) fn moved_to(&self, place: [f64; 3]) -> VoxelGrid {
        let mut moved = *self;
        (0..3).for_each(|r| moved.affine[r][3] = place[r]);
        moved
    }

    /// Returns the steps of the array's axes in mm.
    pub(super) fn columns(&self) -> [[f64; 3]; 3] {
        [0, 1, 2].map(|axis| self.affine.map(|row| row[axis]))
    }

    /// Returns the place of a voxel, or of a point between voxels, in mm.
    pub(super) fn place(&self, index: [f64; 3]) -> [f64; 3] {
        self.affine.map(|[x, y, z, shift]| x * index[0] + y * index[1] + z * index[2] + shift)
    }

    /// Returns the index of a place in mm, the inverse of [`place`](VoxelGrid::place).
    pub(super) fn index_of(&self, place: [f64; 3]) -> [f64; 3] {
        let columns = self.columns();
        let offset = [0, 1, 2].map(|r| place[r] - self.affine[r][3]);
        // Cramer's rule; the determinant is not 0, since the axes span space.
        let whole = determinant(columns);
        [0, 1, 2].map(|axis| {
            let mut replaced = columns;
            replaced[axis] = offset;
            determinant(replaced) / whole
        })
    }

    /// Returns the array axis that runs along a world axis.
    fn array_axis(&self, world: usize) -> usize {
        self.world.iter().position(|w| *w == world).unwrap_or(world)
    }

    fn slice_axis(&self, axis: SliceAxis) -> usize {
        self.array_axis(match axis {
            SliceAxis::Sagittal => 0,
            SliceAxis::Coronal => 1,
            SliceAxis::Axial => 2,
        })
    }

    /// Returns the array axes of the rows and columns of a slice.
    fn row_column_axes(&self, axis: SliceAxis) -> [usize; 2] {
        match axis {
            SliceAxis::Axial => [self.array_axis(1), self.array_axis(0)],
            SliceAxis::Coronal => [self.array_axis(2), self.array_axis(0)],
            SliceAxis::Sagittal => [self.array_axis(2), self.array_axis(1)],
        }
    }

    /// Returns the number of slices across an axis.
    pub(crate) fn count(&self, axis: SliceAxis) -> usize {
        self.dims[self.slice_axis(axis)]
    }

    /// Returns the index of a slice in the file's array.
    pub(crate) fn stored_index(&self, axis: SliceAxis, index: usize) -> usize {
        let a = self.slice_axis(axis);
        if self.ascending[a] { index } else { self.dims[a] - 1 - index }
    }

    /// Returns height and width of slices across an axis.
    pub(crate) fn size(&self, axis: SliceAxis) -> [usize; 2] {
        self.row_column_axes(axis).map(|a| self.dims[a])
    }

    /// Returns the distances between rows and between columns of a slice in mm.
    pub(crate) fn pixel_spacing(&self, axis: SliceAxis) -> [f64; 2] {
        self.row_column_axes(axis).map(|a| self.spacing[a])
    }

    /// Returns the distance between slices across an axis in mm.
    pub(crate) fn slice_spacing(&self, axis: SliceAxis) -> f64 {
        self.spacing[self.slice_axis(axis)]
    }

    /// Writes a slice across an axis, height x width as read, into an array of this grid.
    pub(crate) fn put_slice<T: Copy>(&self, axis: SliceAxis, index: usize, slice: &[T], array: &mut [T]) {
        let view = self.slice_indexing(axis);
        for (row, line) in slice.chunks_exact(view.size[1]).enumerate() {
            line.iter().enumerate().for_each(|(column, &value)| array[view.at(index, row, column)] = value);
        }
    }

    /// Returns a slice across an axis, height x width as read, of an array of this grid.
    pub(crate) fn slice_of<T: Copy>(&self, axis: SliceAxis, index: usize, array: &[T]) -> Vec<T> {
        let view = self.slice_indexing(axis);
        let pixels = (0..view.size[0]).flat_map(|row| (0..view.size[1]).map(move |column| (row, column)));
        pixels.map(|(row, column)| array[view.at(index, row, column)]).collect()
    }

    /// Returns the orientation code of the array's axes, for example `LPS`.
    pub(crate) fn orientation(&self) -> String {
        let letter = |a: usize| match (self.world[a], self.ascending[a]) {
            (0, true) => 'R',
            (0, false) => 'L',
            (1, true) => 'A',
            (1, false) => 'P',
            (_, true) => 'S',
            (_, false) => 'I',
        };
        (0..3).map(letter).collect()
    }

    /// Returns the number of voxels along the world axes, for comparison with another volume.
    pub(crate) fn world_dims(&self) -> [usize; 3] {
        [0, 1, 2].map(|w| self.dims[self.array_axis(w)])
    }

    pub(super) fn slice_indexing(&self, axis: SliceAxis) -> SliceIndexing {
        let strides = [1, self.dims[0], self.dims[0] * self.dims[1]];
        // Slices are counted in the positive direction; rows and columns run in the negative one: to the back or the feet, to the
        // left or the back.
        let up = |a: usize| {
            let stride = strides[a] as i64;
            if self.ascending[a] { (0, stride) } else { ((self.dims[a] as i64 - 1) * stride, -stride) }
        };
        let down = |a: usize| {
            let (first, stride) = up(a);
            (first + (self.dims[a] as i64 - 1) * stride, -stride)
        };
        let [rows, columns] = self.row_column_axes(axis);
        let ((s, across), (r, by_row), (c, by_column)) = (up(self.slice_axis(axis)), down(rows), down(columns));
        SliceIndexing {
            size: [self.dims[rows], self.dims[columns]],
            count: self.dims[self.slice_axis(axis)],
            start: s + r + c,
            across,
            down: by_row,
            right: by_column,
        }
    }
}

/// Returns the cosines of the angles between each axis of the mask and each axis of the image.
pub(super) fn cosines(image: &VoxelGrid, mask: &VoxelGrid) -> [[f64; 3]; 3] {
    let (of_image, of_mask) = (image.columns(), mask.columns());
    [0, 1, 2].map(|a| {
        [0, 1, 2].map(|b| {
            let product: f64 = of_mask[a].iter().zip(of_image[b]).map(|(x, y)| x * y).sum();
            product / (mask.spacing[a] * image.spacing[b])
        })
    })
}

/// Returns the other axis that runs along each axis, by the cosines of the angles between each axis and each other axis: the
/// permutation with the best agreement, the first of equal ones.
pub(super) fn nearest_axes(cosines: [[f64; 3]; 3]) -> [usize; 3] {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let agreement = |order: &[usize; 3]| (0..3).map(|a| cosines[a][order[a]].abs()).sum::<f64>();
    let mut best = ORDERS[0];
    for order in ORDERS {
        if agreement(&order) > agreement(&best) + 1e-9 {
            best = order;
        }
    }
    best
}

/// Returns the determinant of a matrix of three columns.
pub(super) fn determinant([a, b, c]: [[f64; 3]; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1])
}
