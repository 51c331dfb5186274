//! Height and width of an image, and how they are written.

/// Height and width of an image in pixels.
pub type ImageSize = [usize; 2];

/// The largest height or width of an image.
pub(super) const MAX_SIDE: usize = 1 << 20;

/// Parses `288x384` to `[288, 384]`, height and width. Errors: a message for any other text, and for sides outside 1 to 2^20.
pub fn parse_size(text: &str) -> Result<ImageSize, String> {
    let parse = |s: &str| s.trim().parse::<usize>().ok().filter(|n| (1..=MAX_SIDE).contains(n));
    let size = text.split_once(['x', 'X']).and_then(|(h, w)| parse(h).zip(parse(w)));
    size.map(|(h, w)| [h, w])
        .ok_or_else(|| format!("`{text}` is not an image size; write height x width, for example 288x384"))
}
