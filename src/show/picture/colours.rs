//! The colours of the light and the dark scheme. They are written out because many SVG viewers do not support CSS
//! variables, and some no media queries.

use std::fmt::Write;

/// Number of hues for block names. Further names reuse them from the start.
pub(super) const HUES: usize = 8;

const RULES: &str = include_str!("page/colours.css");

/// The colours of a scheme: named ones, and the hues of block names.
struct ColourScheme {
    named: [(&'static str, &'static str); 13],
    hues: [&'static str; HUES],
}

const LIGHT: ColourScheme = ColourScheme {
    named: [
        ("paper", "#ffffff"),
        ("ink", "#16202c"),
        ("soft", "#55657a"),
        ("line", "#64748b"),
        ("border", "#9aa8ba"),
        ("under", "#e6ebf1"),
        ("focus", "#d9480f"),
        ("s0", "#ffffff"),
        ("s1", "#eef5fc"),
        ("s2", "#d7e8f8"),
        ("s3", "#b3d3f1"),
        ("s4", "#86b9e8"),
        ("s5", "#5a9fdf"),
    ],
    hues: ["#2f6fbf", "#c2571a", "#2b8a57", "#8a4fc0", "#9a7209", "#c0396b", "#1b7f8c", "#6b7280"],
};

const DARK: ColourScheme = ColourScheme {
    named: [
        ("paper", "#0f151d"),
        ("ink", "#e8eef5"),
        ("soft", "#a3b1c2"),
        ("line", "#8595a8"),
        ("border", "#4d5d70"),
        ("under", "#1f2935"),
        ("focus", "#ffa94d"),
        ("s0", "#18212c"),
        ("s1", "#1a2a3c"),
        ("s2", "#1c3551"),
        ("s3", "#1f466f"),
        ("s4", "#245a92"),
        ("s5", "#2c70b8"),
    ],
    hues: ["#6aa8ee", "#ee9157", "#5fc38d", "#ba8ae8", "#ddb449", "#ef7ba5", "#58c2d0", "#a6b0bd"],
};

impl ColourScheme {
    fn rules(&self, template: &str) -> String {
        let mut out = template.to_string();
        for (name, colour) in self.named {
            out = out.replace(&format!("${name};"), &format!("{colour};"));
        }
        for (i, hue) in self.hues.iter().enumerate() {
            let _ = writeln!(
                out,
                "svg.npc .k{i} .mark, svg.npc .mark.k{i} {{ fill: {hue}; }}\n\
                 svg.npc .frame.k{i} > rect {{ fill: {hue}; stroke: {hue}; }}\nsvg.npc .frame.k{i} .head {{ fill: {hue}; }}"
            );
        }
        out
    }
}

/// Returns the CSS rules of the picture and of a template in both schemes.
pub(super) fn rules(template: &str) -> String {
    let both = format!("{RULES}{template}");
    format!("{}@media (prefers-color-scheme: dark) {{\n{}}}\n", LIGHT.rules(&both), DARK.rules(&both))
}

/// Returns the fill of a cost shade in the light scheme.
pub(super) fn shade(shade: usize) -> &'static str {
    LIGHT.named[7 + shade.min(5)].1
}

/// Returns the hue of a block name in the light scheme.
pub(super) fn hue(kind: usize) -> &'static str {
    LIGHT.hues[kind % HUES]
}
