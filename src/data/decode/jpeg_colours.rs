//! The colours of a JPEG picture, by the rule of libjpeg, which most programs use.
//!
//! A file with a JFIF segment holds YCbCr. Without one the transform of an Adobe segment counts, and without both the names of the
//! components: R, G and B hold RGB. The decoder lets names and Adobe win over JFIF, so it gets a file that says one thing.

use super::jpeg_header::JpegHeader;

const RGB: [u8; 3] = *b"RGB";
const YCBCR: [u8; 3] = [1, 2, 3];

/// Changes names of components and the Adobe transform in a copy of the file, if the decoder would read other colours than libjpeg.
pub(super) fn unify(header: &JpegHeader<'_>, copy: &mut [u8]) {
    let Some(frame) = header.frame.as_ref().filter(|_| header.components == 3) else { return };
    let Ok(names) = <[u8; 3]>::try_from(header.component_names()) else { return };
    let [first, second, third] = names;
    let is_rgb = match header.adobe {
        _ if header.jfif => false,
        Some((_, transform)) => transform == 0,
        None => names == RGB,
    };
    let usual_transform = is_rgb || matches!(header.adobe, None | Some((_, 1)));
    let repeated = first == second || first == third || second == third;
    if repeated || is_rgb == (names == RGB) && usual_transform {
        return;
    }
    let new = if is_rgb { RGB } else { YCBCR };
    let mut rename = |at: usize| {
        if let Some(name) = copy.get_mut(at)
            && let Some(i) = names.iter().position(|old| old == name)
        {
            *name = new[i];
        }
    };
    header.component_places().for_each(|at| rename(frame.at + at));
    for scan in &header.scans {
        let components = usize::from(scan.content.first().copied().unwrap_or(0));
        (0..components).for_each(|k| rename(scan.at + 1 + 2 * k));
    }
    if let Some((at, _)) = header.adobe {
        copy[at] = 1;
    }
}
