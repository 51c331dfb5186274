//! NIfTI files that tests write and read by the fields of `nifti1.h`, so that a header may say anything.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;

/// A NIfTI-1 file of 16-bit integers whose fields can be changed before it is written.
pub struct NiftiFile {
    /// Header of 352 bytes, little-endian.
    pub header: Vec<u8>,
    pub voxels: Vec<u8>,
}

/// Rows of a matrix from voxel indices to mm.
pub type Affine = [[f32; 4]; 3];

impl NiftiFile {
    /// A file with an sform and no qform.
    pub fn new(dims: [i16; 3], affine: Affine, voxels: &[i16]) -> NiftiFile {
        let mut file =
            NiftiFile { header: vec![0; 352], voxels: voxels.iter().flat_map(|v| v.to_le_bytes()).collect() };
        file.put(0, &348i32.to_le_bytes());
        let [x, y, z] = dims;
        file.numbers(40, &[3, x, y, z, 1, 1, 1, 1], i16::to_le_bytes);
        file.numbers(70, &[4, 16], i16::to_le_bytes);
        let size = |a: usize| affine.iter().map(|row| row[a] * row[a]).sum::<f32>().sqrt();
        file.numbers(76, &[1.0, size(0), size(1), size(2)], f32::to_le_bytes);
        file.numbers(108, &[352.0, 1.0], f32::to_le_bytes);
        file.put(123, &[2]);
        file.sform(1, affine);
        file.put(344, b"n+1\0");
        file
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) -> &mut NiftiFile {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Puts numbers one after the other.
    pub fn numbers<T: Copy, const N: usize>(
        &mut self,
        at: usize,
        values: &[T],
        bytes: fn(T) -> [u8; N],
    ) -> &mut NiftiFile {
        values.iter().enumerate().for_each(|(i, v)| {
            self.put(at + N * i, &bytes(*v));
        });
        self
    }

    pub fn sform(&mut self, code: i16, affine: Affine) -> &mut NiftiFile {
        self.numbers(254, &[code], i16::to_le_bytes).numbers(280, affine.as_flattened(), f32::to_le_bytes)
    }

    /// Puts a qform: code, quaternion b, c, d, offset, and the sign of the third axis.
    pub fn qform(&mut self, code: i16, quaternion: [f32; 3], offset: [f32; 3], sign: f32) -> &mut NiftiFile {
        self.numbers(252, &[code], i16::to_le_bytes)
            .numbers(256, &quaternion, f32::to_le_bytes)
            .numbers(268, &offset, f32::to_le_bytes)
            .numbers(76, &[sign], f32::to_le_bytes)
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.header.as_slice(), &self.voxels].concat()
    }

    /// Writes the file, gzipped unless its name ends with `.nii`.
    pub fn write(&self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.extension().is_some_and(|e| e == "nii") {
            return fs::write(path, self.bytes()).unwrap();
        }
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(&self.bytes()).unwrap();
        fs::write(path, file.finish().unwrap()).unwrap();
    }
}

/// What predictions are compared with.
#[cfg(all(feature = "cli", feature = "run"))]
impl NiftiFile {
    /// Reads a gzipped file whose stream is one valid member up to its checksum.
    pub fn read(path: &Path) -> NiftiFile {
        let packed = fs::read(path).unwrap();
        let (mut bytes, mut decoder) = (Vec::new(), flate2::read::GzDecoder::new(&packed[..]));
        std::io::Read::read_to_end(&mut decoder, &mut bytes).unwrap();
        assert_eq!(decoder.into_inner().len(), 0, "{} ends with its stream", path.display());
        let voxels = bytes.split_off(352);
        NiftiFile { header: bytes, voxels }
    }

    pub fn short(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.header[at..at + 2].try_into().unwrap())
    }

    pub fn float(&self, at: usize) -> f32 {
        f32::from_le_bytes(self.header[at..at + 4].try_into().unwrap())
    }

    pub fn dims(&self) -> Vec<usize> {
        (1..=self.short(40)).map(|i| self.short(40 + 2 * i as usize) as usize).collect()
    }

    pub fn sform_rows(&self) -> Affine {
        [0, 1, 2].map(|r| [0, 1, 2, 3].map(|c| self.float(280 + 16 * r + 4 * c)))
    }

    pub fn floats(&self) -> Vec<f32> {
        self.voxels.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }
}
