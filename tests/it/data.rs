//! Files to batches: pairs, splits, decoding, masks, volumes, augmentation.

mod augment;
mod batches;
mod case_lists;
mod damaged_files;
mod dicom;
mod intensities;
mod jpeg_files;
mod left_out;
mod mask_formats;
mod mask_palettes;
mod masks;
mod notices;
mod orientation;
mod pairs;
mod phantoms;
mod picture_formats;
mod published_data;
mod quick_survey;
mod series_folders;
mod series_headers;
mod split;
mod tiff_storage;
mod tiff_tiles;
mod volume;
mod volume_place;
