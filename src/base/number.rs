//! Numbers as people read them. Each function is one style.

/// Decimal prefixes from 1 up, each a thousand times the one before.
const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

/// The largest decimal prefix that is not above the value, and what it stands for: `(1e6, "M")`.
pub(crate) fn prefix(value: f64) -> (f64, &'static str) {
    let mut best = (1.0, PREFIXES[0]);
    let mut scale = 1.0;
    for prefix in &PREFIXES[1..] {
        scale *= 1000.0;
        if value >= scale {
            best = (scale, prefix);
        }
    }
    best
}

/// All digits in groups of three: `1234567` as `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Two decimals and a prefix: `2159772672` as `2.16 G`. Numbers below 1000 in full.
pub(crate) fn with_prefix(n: u64) -> String {
    match prefix(n as f64) {
        (_, "") => n.to_string(),
        (scale, prefix) => format!("{:.2} {prefix}", n as f64 / scale),
    }
}

/// Two decimals and a decimal unit: `12345678` as `12.35 MB`. Numbers below 1000 in full.
pub(crate) fn bytes(n: u64) -> String {
    match prefix(n as f64) {
        (_, "") => format!("{n} B"),
        (scale, prefix) => format!("{:.2} {prefix}B", n as f64 / scale),
    }
}

/// What is needed or free, without digits that nobody knows: `12 kB` (rounded up), `12 MB`, `1.23 GB`.
pub(crate) fn rough_bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{} kB", n.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// Three digits and a prefix, for where there is little room: `1.73k`, `36.9M`.
pub(crate) fn three_digits(n: u64) -> String {
    let mut value = n as f64;
    let mut prefix = 0;
    // 999.5 would be shown as 1000.
    while value >= 999.5 && prefix + 1 < PREFIXES.len() {
        value /= 1000.0;
        prefix += 1;
    }
    let digits = match value {
        _ if prefix == 0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{}", PREFIXES[prefix])
}

/// Four significant digits without zeros at the end: `0.9512`, `12.5`, `1234`.
pub(crate) fn four_digits(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { 3 - value.abs().log10().floor() as i32 };
    match digits {
        ..=0 => format!("{value:.0}"),
        1..=8 => {
            let text = format!("{value:.*}", digits as usize);
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
        9.. => format!("{value:.3e}"),
    }
}

/// Three digits of a measured amount, zeros at the end included: `123`, `12.3`, `1.23`, `0.123`.
pub(crate) fn measured(value: f64) -> String {
    let decimals = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// Hours, minutes and seconds, rounded to the second.
fn parts(seconds: f64) -> (u64, u64, u64) {
    let s = seconds.round() as u64;
    (s / 3600, s / 60 % 60, s % 60)
}

/// Seconds as `0:05`, `12:34` or `1:02:03`.
pub(crate) fn clock(seconds: f64) -> String {
    match parts(seconds) {
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// Seconds as `5 s`, `12 min 34 s` or `1 h 2 min`.
pub(crate) fn duration(seconds: f64) -> String {
    match parts(seconds) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 999, 1000, 2_159_772_672].map(with_prefix), ["0", "999", "1.00 k", "2.16 G"]);
        assert_eq!([999, 1730, 36_900_000, 999_500].map(three_digits), ["999", "1.73k", "36.9M", "1.00M"]);
        assert_eq!(three_digits(u64::MAX), "18.4E");
    }

    #[test]
    fn sizes() {
        assert_eq!([999, 12_345_678].map(bytes), ["999 B", "12.35 MB"]);
        assert_eq!([1, 12_345_678, 1_234_567_890].map(rough_bytes), ["1 kB", "12 MB", "1.23 GB"]);
    }

    #[test]
    fn measurements() {
        let values = [0.0, 1.0, 0.12345, 12345.6, 1e-4, -2.5, 3e-12];
        assert_eq!(values.map(four_digits), ["0", "1", "0.1235", "12346", "0.0001", "-2.5", "3.000e-12"]);
        assert_eq!([0.1234, 1.234, 12.34, 123.4].map(measured), ["0.123", "1.23", "12.3", "123"]);
    }

    #[test]
    fn times() {
        assert_eq!([5.0, 754.0, 3723.4].map(clock), ["0:05", "12:34", "1:02:03"]);
        assert_eq!([5.0, 754.0, 3723.4].map(duration), ["5 s", "12 min 34 s", "1 h 2 min"]);
    }
}
