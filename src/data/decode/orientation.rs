//! Orientation tags: how a viewer turns the stored pixels (EXIF 2.32 and TIFF 6.0, tag 274).

use crate::data::pixels::Pixels;

/// The number of the orientation tag in EXIF blocks and TIFF directories.
const TAG: u16 = 274;
/// Number of entries of a directory that are searched.
const MAX_ENTRIES: usize = 4096;

/// Orientation of a stored picture: 1 is upright, 2 mirrored, 3 upside down, 4 mirrored upside down, 5 transposed, 6 to be
/// turned by 90 degrees clockwise, 7 transposed along the other diagonal, 8 to be turned by 90 degrees anticlockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    pub(crate) const UPRIGHT: Orientation = Orientation(1);

    /// Returns the orientation with this number, from 1 to 8.
    pub(crate) fn new(number: u64) -> Option<Orientation> {
        u8::try_from(number).ok().filter(|n| (1..=8).contains(n)).map(Orientation)
    }

    pub(crate) fn is_upright(self) -> bool {
        self == Orientation::UPRIGHT
    }

    /// Checks whether height and width change places.
    pub(crate) fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// Returns the number and the meaning of the tag.
    pub(crate) fn describe(self) -> String {
        let meaning = match self.0 {
            1 => "upright",
            2 => "mirrored",
            3 => "upside down",
            4 => "mirrored and upside down",
            5 => "transposed",
            6 => "turned by 90 degrees",
            7 => "transposed and upside down",
            _ => "turned by 270 degrees",
        };
        format!("{} ({meaning})", self.0)
    }

    /// Returns height and width as viewers show a picture of this stored size.
    pub(crate) fn shown_size(self, [height, width]: [usize; 2]) -> [usize; 2] {
        if self.swaps_sides() { [width, height] } else { [height, width] }
    }

    /// Turns stored pixels as viewers show them.
    pub(crate) fn apply(self, pixels: &mut Pixels) {
        if self.is_upright() {
            return;
        }
        let [height, width] = pixels.size;
        let shown = self.shown_size(pixels.size);
        let source = |i: usize| {
            let (y, x) = (i / shown[1], i % shown[1]);
            let (y, x) = match self.0 {
                2 => (y, width - 1 - x),
                3 => (height - 1 - y, width - 1 - x),
                4 => (height - 1 - y, x),
                5 => (x, y),
                6 => (height - 1 - x, y),
                7 => (height - 1 - x, width - 1 - y),
                8 => (x, width - 1 - y),
                _ => (y, x),
            };
            y * width + x
        };
        pixels.values = pixels.values.reordered(pixels.channels, source);
        if let Some(alpha) = &mut pixels.alpha {
            alpha.values = alpha.values.reordered(1, source);
        }
        pixels.size = shown;
    }
}

/// Reads the orientation from an EXIF block; `None` if it holds none. Errors: what is wrong with the block.
pub(super) fn of_exif(block: &[u8]) -> Result<Option<Orientation>, String> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let big = match block.get(..4) {
        Some(b"II*\0") => false,
        Some(b"MM\0*") => true,
        _ => return Err("it does not begin like a TIFF file".into()),
    };
    let short = |at: usize| {
        let bytes = block.get(at..at.checked_add(2)?)?;
        Some(if big { u16::from_be_bytes([bytes[0], bytes[1]]) } else { u16::from_le_bytes([bytes[0], bytes[1]]) })
    };
    let long = |at: usize| {
        let (first, second) = (u32::from(short(at)?), u32::from(short(at.checked_add(2)?)?));
        Some(if big { first << 16 | second } else { second << 16 | first })
    };
    let cut = || "it is cut off".to_string();
    let directory = long(4).ok_or_else(cut)? as usize;
    let entries = usize::from(short(directory).ok_or_else(cut)?);
    for i in 0..entries.min(MAX_ENTRIES) {
        let at = directory + 2 + 12 * i;
        if short(at).ok_or_else(cut)? != TAG {
            continue;
        }
        let value = match short(at + 2) {
            Some(1) => block.get(at + 8).map(|&byte| u64::from(byte)),
            Some(3) => short(at + 8).map(u64::from),
            Some(4) => long(at + 8).map(u64::from),
            Some(other) => return Err(format!("its orientation has the type {other}")),
            None => None,
        };
        let value = value.ok_or_else(cut)?;
        // Cameras write 0 where they do not know the orientation.
        return match (value, Orientation::new(value)) {
            (0, _) => Ok(None),
            (_, Some(orientation)) => Ok(Some(orientation)),
            (_, None) => Err(format!("its orientation is {value}, not 1 to 8")),
        };
    }
    Ok(None)
}

/// Reads `tiff:Orientation` from an XMP packet.
pub(super) fn of_xmp(packet: &[u8]) -> Option<Orientation> {
    const NAME: &[u8] = b"tiff:Orientation";
    let at = packet.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let digit = packet[at..].iter().take(4).find(|byte| byte.is_ascii_digit())?;
    Orientation::new(u64::from(digit - b'0'))
}
