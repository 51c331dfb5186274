//! TIFF files of tiles, whose data and places a test chooses.

/// A TIFF file of tiles.
pub struct TiledTiff {
    /// Bytes of each tile as they are in the file.
    pub data: Vec<Vec<u8>>,
    /// Width and height of a tile.
    pub side: [usize; 2],
    /// Height and width of the picture.
    pub size: [usize; 2],
    pub compression: u16,
    pub bits: u16,
    pub predictor: u16,
    pub big: bool,
}

impl TiledTiff {
    pub fn of(data: &[&[u8]], side: usize, size: [usize; 2]) -> TiledTiff {
        let data = data.iter().map(|tile| tile.to_vec()).collect();
        TiledTiff { data, side: [side; 2], size, compression: 5, bits: 8, predictor: 1, big: false }
    }

    /// The file with the places of its tiles.
    pub fn whole(&self) -> Vec<u8> {
        let mut at = if self.big { 16 } else { 8 };
        let places: Vec<[u64; 2]> = self
            .data
            .iter()
            .map(|tile| {
                at += tile.len() as u64;
                [at - tile.len() as u64, tile.len() as u64]
            })
            .collect();
        self.bytes(&places)
    }

    /// A little-endian file, or a BigTIFF, whose tiles have these offsets and lengths.
    pub fn bytes(&self, places: &[[u64; 2]]) -> Vec<u8> {
        let width = if self.big { 8 } else { 4 };
        let number = |value: u64, width: usize| value.to_le_bytes()[..width].to_vec();
        let data = self.data.concat();
        let start = if self.big { 16 } else { 8 };
        let array = |i: usize| places.iter().flat_map(|place| number(place[i], width)).collect::<Vec<u8>>();
        let arrays = start + data.len() as u64;
        let directory = arrays + 2 * (width * places.len()) as u64;
        let mut file = if self.big {
            [&b"II\x2b\0\x08\0\0\0"[..], &number(directory, 8)].concat()
        } else {
            [&b"II\x2a\0"[..], &number(directory, 4)].concat()
        };
        file.extend(data);
        file.extend(array(0));
        file.extend(array(1));
        let [h, w] = self.size.map(|n| n as u64);
        let [tile_w, tile_h] = self.side.map(|n| n as u64);
        let long = if self.big { 16 } else { 4 };
        let point = |i: u64| {
            let one = places.len() == 1;
            (
                long,
                places.len() as u64,
                if one { places[0][i as usize] } else { arrays + i * (width * places.len()) as u64 },
            )
        };
        let one = |value: u64| (3u64, 1, value);
        let entries = [
            (256, one(w)),
            (257, one(h)),
            (258, one(u64::from(self.bits))),
            (259, one(u64::from(self.compression))),
            (262, one(1)),
            (277, one(1)),
            (317, one(u64::from(self.predictor))),
            (322, one(tile_w)),
            (323, one(tile_h)),
            (324, point(0)),
            (325, point(1)),
        ];
        file.extend(number(entries.len() as u64, if self.big { 8 } else { 2 }));
        for (tag, (kind, count, value)) in entries {
            file.extend([number(tag, 2), number(kind, 2), number(count, width), number(value, width)].concat());
        }
        file.extend(number(0, width));
        file
    }
}
