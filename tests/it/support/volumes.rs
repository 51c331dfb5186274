//! NIfTI files that tests write and read by the fields of `nifti1.h`, without the code of this repository.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

/// A NIfTI-1 file in memory: the first 352 bytes, and the voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct NiftiFile {
    pub header: Vec<u8>,
    pub voxels: Vec<u8>,
}

impl NiftiFile {
    /// Creates a volume of 16-bit values with this affine in sform and, of a signed permutation, in the qform too.
    pub fn of_i16(dims: [usize; 3], affine: [[f32; 4]; 3], values: &[i16]) -> NiftiFile {
        assert_eq!(values.len(), dims.iter().product::<usize>());
        let mut file = NiftiFile { header: vec![0; 352], voxels: Vec::new() };
        file.put(0, &348i32.to_le_bytes());
        file.put(344, b"n+1\0");
        file.put(108, &352f32.to_le_bytes());
        for (i, n) in [3, dims[0], dims[1], dims[2], 1, 1, 1, 1].into_iter().enumerate() {
            file.put(40 + 2 * i, &(n as i16).to_le_bytes());
        }
        file.put(70, &4i16.to_le_bytes());
        file.put(72, &16i16.to_le_bytes());
        for (a, row) in affine.iter().enumerate() {
            let spacing = affine.iter().map(|row| row[a] * row[a]).sum::<f32>().sqrt();
            file.put(80 + 4 * a, &spacing.to_le_bytes());
            for (c, value) in row.iter().enumerate() {
                file.put(280 + 16 * a + 4 * c, &value.to_le_bytes());
            }
        }
        file.put(76, &1f32.to_le_bytes());
        file.put(254, &2i16.to_le_bytes());
        file.voxels = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        file
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub fn write(&self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = [&self.header[..], &self.voxels].concat();
        if path.extension().is_some_and(|e| e == "nii") {
            return fs::write(path, bytes).unwrap();
        }
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(&bytes).unwrap();
        fs::write(path, file.finish().unwrap()).unwrap();
    }

    /// Reads a gzipped file whose stream is one valid member up to its checksum.
    pub fn read(path: &Path) -> NiftiFile {
        let packed = fs::read(path).unwrap();
        let (mut bytes, mut decoder) = (Vec::new(), GzDecoder::new(&packed[..]));
        decoder.read_to_end(&mut bytes).unwrap();
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

    /// Rows of the sform.
    pub fn sform(&self) -> [[f32; 4]; 3] {
        [0, 1, 2].map(|r| [0, 1, 2, 3].map(|c| self.float(280 + 16 * r + 4 * c)))
    }

    pub fn floats(&self) -> Vec<f32> {
        self.voxels.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }
}
