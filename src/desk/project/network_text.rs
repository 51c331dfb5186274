//! The network of a project as text, and comments.

/// Name of the network in the model file.
pub(super) const MODEL: &str = "UNet";
/// Name of the block of the network.
pub(super) const BLOCK: &str = "double";
/// Name of the run in the model file.
pub(super) const RUN: &str = "first";
/// Width of comments.
const WIDTH: usize = 98;

/// Returns the U-Net as text.
pub(super) fn network_text(channels: usize, classes: usize, width: &[usize], guess: &str) -> String {
    let note = if guess.is_empty() { String::new() } else { comment("", &format!("guess of `width`: {guess}")) };
    format!(
        "/// Two 3x3 convolutions, each with batch norm and ReLU.
block {block}(x: [c, h, w], out: int) -> [out, h, w]
  = x |> conv(out, bias = false) |> bn |> relu |> conv(out, bias = false) |> bn |> relu

{note}
/// U-Net (Ronneberger, Fischer, Brox 2015) with batch norm: `width` has the channels of each level. Each level halves height and
/// width, and the way back joins the maps of the same size.
model {name}(x: [{channels}, H, W], classes: int = {classes}, width: int[] = {width:?}) -> [classes, H, W] {{
  let last = len(width) - 1
  let down[0] = x |> {block}(width[0])
  for i in 1..len(width) {{
    let down[i] = down[i - 1] |> maxpool(2) |> {block}(width[i])
  }}
  let up[last] = down[last]
  for k in 1..len(width) {{
    let up[last - k] = (down[last - k] ++ (up[last - k + 1] |> up(2))) |> {block}(width[last - k])
  }}
  return up[0] |> conv(classes, k = 1)
}}
",
        name = MODEL,
        block = BLOCK,
    )
}

/// Returns a comment of several lines.
pub(super) fn comment(indent: &str, text: &str) -> String {
    let mut out = String::new();
    let mut line = format!("{indent}//");
    for (i, word) in text.split_whitespace().enumerate() {
        if i > 0 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out += &line;
            out.push('\n');
            line = format!("{indent}//");
        }
        line.push(' ');
        line += word;
    }
    out += &line;
    out.push('\n');
    out
}
