//! Layouts of public data sets: their published folders and encodings.
//!
//! A layout is a shorthand for entries that a data block could contain itself.

use super::MaskRule;

/// The layout of a published data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DatasetLayout {
    /// Name in `layout = ...` of a data block.
    pub name: &'static str,
    /// Default name of the folder of the data set.
    pub folder: &'static str,
    /// Path pattern of the images, below the folder.
    pub images: &'static str,
    /// Path pattern of the masks, below the folder.
    pub masks: &'static str,
    /// Names of the two classes, the background first.
    pub classes: [&'static str; 2],
    /// Pixel value of each class in the mask files.
    pub labels: [u32; 2],
    /// How a pixel of a mask becomes a class.
    pub mask: MaskRule,
    /// Range of intensities that is scaled to 0..1, in the units of the files; `None` for 8-bit images.
    pub window: Option<[f64; 2]>,
}

/// All layouts; `docs/data.md` gives the source of each.
pub const LAYOUTS: &[DatasetLayout] = &[
    // ISIC 2018 Task 1, training set: photographs of many sizes, masks of 0 and 255.
    DatasetLayout {
        name: "isic2018",
        folder: "ISIC2018",
        images: "ISIC2018_Task1-2_Training_Input/*.jpg",
        masks: "ISIC2018_Task1_Training_GroundTruth/*_segmentation.png",
        classes: ["background", "lesion"],
        labels: [0, 255],
        mask: MaskRule::Threshold,
        window: None,
    },
    // The PNG copies, because several programs report the TIFF files of the archive as unreadable. Masks are RGB with
    // anti-aliased edges.
    DatasetLayout {
        name: "cvc_clinicdb",
        folder: "CVC-ClinicDB",
        images: "PNG/Original/*.png",
        masks: "PNG/Ground Truth/*.png",
        classes: ["background", "polyp"],
        labels: [0, 255],
        mask: MaskRule::Threshold,
        window: None,
    },
    // Kaggle "Finding and Measuring Lungs in CT Data", the 2D files: signed 16-bit Hounsfield units.
    DatasetLayout {
        name: "luna_2d",
        folder: "finding-lungs-in-ct-data",
        images: "2d_images/*.tif",
        masks: "2d_masks/*.tif",
        classes: ["background", "lung"],
        labels: [0, 255],
        mask: MaskRule::Threshold,
        window: Some([-1000.0, 400.0]),
    },
    // Masks are JPEG files with values 0..8 and 247..255.
    DatasetLayout {
        name: "kvasir_seg",
        folder: "Kvasir-SEG",
        images: "images/*.jpg",
        masks: "masks/*.jpg",
        classes: ["background", "polyp"],
        labels: [0, 255],
        mask: MaskRule::Threshold,
        window: None,
    },
];

impl DatasetLayout {
    /// Returns the path patterns of images and masks for a data set in `folder` below the data root. `"."` is the root itself.
    pub fn patterns(&self, folder: Option<&str>) -> [String; 2] {
        let folder = folder.unwrap_or(self.folder).trim_end_matches('/');
        [self.images, self.masks].map(|pattern| match folder {
            "" | "." => pattern.to_string(),
            _ => format!("{folder}/{pattern}"),
        })
    }
}
