//! Numbers formatted for people. Each function is one style.

use std::fmt::Display;

/// Decimal prefixes from 1 up, each a thousand times the previous one.
const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

/// Returns the largest decimal prefix that is not above the value, with its factor: `(1e6, "M")`.
pub(crate) fn decimal_prefix(value: f64) -> (f64, &'static str) {
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

/// Formats all digits in groups of three: `1234567` as `1,234,567`. Every count of things that people read is written so: images,
/// pixels, parameters, steps. Files for programs (CSV, JSON), sizes such as `1024x2048`, numbers of epochs and lines, seeds and
/// measurements have no commas.
pub(crate) fn thousands(n: impl Copy + Display + TryInto<u64>) -> String {
    let digits = n.to_string();
    if TryInto::<u64>::try_into(n).is_err() {
        return digits;
    }
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Formats with two decimals and a prefix: `2159772672` as `2.16 G`. Numbers below 1000 are written in full.
pub(crate) fn with_prefix(n: u64) -> String {
    match decimal_prefix(n as f64) {
        (_, "") => n.to_string(),
        (scale, prefix) => format!("{:.2} {prefix}", n as f64 / scale),
    }
}

/// Formats bytes with two decimals and a decimal unit: `12345678` as `12.35 MB`. Numbers below 1000 are written in full.
pub(crate) fn bytes(n: u64) -> String {
    match decimal_prefix(n as f64) {
        (_, "") => format!("{n} B"),
        (scale, prefix) => format!("{:.2} {prefix}B", n as f64 / scale),
    }
}

/// Formats an estimated number of bytes with few digits: `12 kB` (rounded up), `12 MB`, `1.23 GB`.
pub(crate) fn rough_bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{} kB", n.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// Formats with three digits and a prefix, for narrow places: `1.73k`, `36.9M`.
pub(crate) fn three_digits(n: u64) -> String {
    let mut value = n as f64;
    let mut prefix = 0;
    // 999.5 would be rounded to 1000.
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

/// Formats with four significant digits without trailing zeros: `0.9512`, `12.5`, `1234`.
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

/// Formats a measurement with three significant digits, trailing zeros included: `123`, `12.3`, `1.23`, `0.123`.
pub(crate) fn three_significant_digits(value: f64) -> String {
    let decimals = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// Formats a p-value with three decimals: `0.031`, and `< 0.001` where it is below that.
pub(crate) fn p_value(value: f64) -> String {
    if value < 0.001 { "< 0.001".into() } else { format!("{value:.3}") }
}

/// Formats a p-value after its sign: `= 0.031` or `< 0.001`.
pub(crate) fn p_relation(value: f64) -> String {
    if value < 0.001 { p_value(value) } else { format!("= {}", p_value(value)) }
}

/// Splits a duration into hours, minutes and seconds, rounded to the second.
fn hours_minutes_seconds(seconds: f64) -> (u64, u64, u64) {
    let s = seconds.round() as u64;
    (s / 3600, s / 60 % 60, s % 60)
}

/// Formats seconds as `0:05`, `12:34` or `1:02:03`.
pub(crate) fn clock(seconds: f64) -> String {
    match hours_minutes_seconds(seconds) {
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// Formats seconds as `5 s`, `12 min 34 s` or `1 h 2 min`.
pub(crate) fn duration(seconds: f64) -> String {
    match hours_minutes_seconds(seconds) {
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
        assert_eq!(
            [0, 999, 1000, 1_234_567, -1234].map(|n: i64| thousands(n)),
            ["0", "999", "1,000", "1,234,567", "-1234"]
        );
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
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
        assert_eq!([0.1234, 1.234, 12.34, 123.4].map(three_significant_digits), ["0.123", "1.23", "12.3", "123"]);
    }

    #[test]
    fn p_values_have_three_decimals() {
        assert_eq!([1.0, 0.125, 0.0314, 0.001, 0.000_99].map(p_value), ["1.000", "0.125", "0.031", "0.001", "< 0.001"]);
        assert_eq!([0.125, 0.0].map(p_relation), ["= 0.125", "< 0.001"]);
    }

    #[test]
    fn times() {
        assert_eq!([5.0, 754.0, 3723.4].map(clock), ["0:05", "12:34", "1:02:03"]);
        assert_eq!([5.0, 754.0, 3723.4].map(duration), ["5 s", "12 min 34 s", "1 h 2 min"]);
    }
}
