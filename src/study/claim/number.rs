//! Numbers as papers print them, and their comparison with counts.

use crate::text::syntax::ast::{ByteUnit, Relation};
use std::str::FromStr;

/// A number as a paper prints it: `0.71M` matches every count that rounds to it.
#[derive(Clone, Copy)]
pub struct PrintedNumber(ScaledNumber);

impl PrintedNumber {
    /// Checks whether `n`, rounded half up to the last printed digit, is this number.
    pub fn matches(self, n: u64) -> bool {
        relation_holds(Relation::Rounds, n, self.0)
    }

    /// Returns the printed value, the middle of the counts that match.
    pub fn value(self) -> f64 {
        self.0.value as f64 * self.0.num as f64 / self.0.den as f64
    }
}

impl FromStr for PrintedNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let suffix = text.chars().last().map(|c| c.to_ascii_uppercase()).filter(|c| "KMGT".contains(*c));
        let digits = if suffix.is_some() { &text[..text.len() - 1] } else { text }.trim();
        let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.') && digits.matches('.').count() <= 1;
        let number = digits.chars().any(|c| c.is_ascii_digit()) && plain;
        parse_number(digits, suffix, None)
            .filter(|_| number)
            .map(PrintedNumber)
            .ok_or_else(|| format!("`{text}` is no number such as 707330, 0.71M or 2.17G"))
    }
}

/// `value` times `num / den`: `0.71M` is 71 times 10^4, `12.5` is 125 tenths, `1.5GiB` is 15 times 2^30 / 10.
#[derive(Clone, Copy)]
pub(super) struct ScaledNumber {
    value: u128,
    /// Unit of the last digit as `num / den`; neither exceeds 10^18.
    num: u128,
    den: u128,
}

impl ScaledNumber {
    pub(super) fn whole(value: u64) -> Self {
        ScaledNumber { value: value.into(), num: 1, den: 1 }
    }
}

/// Parses a number. Returns `None` for numbers far above any count, for which the products of [`relation_holds`] would
/// overflow.
pub(super) fn parse_number(digits: &str, suffix: Option<char>, bytes: Option<ByteUnit>) -> Option<ScaledNumber> {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let value = format!("{whole}{fraction}").replace('_', "").parse::<u128>().ok()?;
    let scale = match suffix {
        None => 0,
        Some('K') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some(_) => 4,
    };
    let (scale, binary) = match bytes {
        Some(ByteUnit::Binary) => (0, 1u128 << (10 * scale)),
        Some(ByteUnit::Decimal) | None => (3 * scale, 1),
    };
    let power = exponent.checked_add(scale)?.checked_sub(i32::try_from(fraction.replace('_', "").len()).ok()?)?;
    let size = 10u128.checked_pow(power.unsigned_abs())?;
    let (num, den) = if power < 0 { (binary, size) } else { (binary.checked_mul(size)?, 1) };
    (value < 1 << 64 && num <= MAX_SCALE && den <= MAX_SCALE).then_some(ScaledNumber { value, num, den })
}

/// Largest numerator and denominator of a [`ScaledNumber`].
const MAX_SCALE: u128 = 10u128.pow(18);

/// Checks whether `n` has this relation to a number.
pub(super) fn relation_holds(relation: Relation, n: u64, ScaledNumber { value, num, den }: ScaledNumber) -> bool {
    let (a, b) = (u128::from(n) * den, value * num);
    match relation {
        // Rounded half up to the last digit written.
        Relation::Rounds => (2 * a + num) / (2 * num) == value,
        Relation::Eq => a == b,
        Relation::Ne => a != b,
        Relation::Lt => a < b,
        Relation::Le => a <= b,
        Relation::Gt => a > b,
        Relation::Ge => a >= b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(digits: &str, suffix: Option<char>, bytes: Option<ByteUnit>) -> ScaledNumber {
        parse_number(digits, suffix, bytes).expect("a number")
    }

    #[test]
    fn units_of_memory() {
        let gib = number("1.5", Some('G'), Some(ByteUnit::Binary));
        assert!(relation_holds(Relation::Eq, 3 << 29, gib));
        assert!(relation_holds(Relation::Lt, (3 << 29) - 1, gib) && !relation_holds(Relation::Lt, 3 << 29, gib));
        assert!(relation_holds(Relation::Eq, 1_500_000, number("1.5", Some('M'), Some(ByteUnit::Decimal))));
        // A tenth of a KiB is 102.4 bytes: no whole number is equal, and 102 and 103 lie on its two sides.
        let tenth = number("0.1", Some('K'), Some(ByteUnit::Binary));
        assert!(
            relation_holds(Relation::Lt, 102, tenth)
                && relation_holds(Relation::Gt, 103, tenth)
                && relation_holds(Relation::Ne, 102, tenth)
        );
        assert!(relation_holds(Relation::Rounds, 1 << 30, number("1", Some('G'), Some(ByteUnit::Binary))));
        assert!(parse_number("1e30", Some('T'), Some(ByteUnit::Binary)).is_none());
        assert!(parse_number("340282366920938463463374607431768211456", None, None).is_none());
    }

    proptest! {
        /// Compares with integer arithmetic: `digits` with `places` decimals, in units of 10^scale.
        #[test]
        fn relations_are_those_of_numbers(n in 0u64..2_000_000, digits in 0u64..3000, places in 0usize..4, kilo: bool) {
            let text = format!("{digits:04}");
            let text = format!("{}.{}", &text[..4 - places], &text[4 - places..]);
            let text = text.trim_end_matches('.');
            let suffix = kilo.then_some('K');
            let number = number(text, suffix, None);
            // Both sides times 1000.
            let (a, unit) = (u128::from(n) * 1000, 10u128.pow(3 - places as u32) * if kilo { 1000 } else { 1 });
            let b = u128::from(digits) * unit;
            for (relation, holds) in [
                (Relation::Eq, a == b),
                (Relation::Lt, a < b),
                (Relation::Ge, a >= b),
                (Relation::Rounds, 2 * b <= 2 * a + unit && 2 * a + unit < 2 * b + 2 * unit),
            ] {
                prop_assert_eq!(relation_holds(relation, n, number), holds, "{} {:?} {}{:?}", n, relation, text, suffix);
            }
        }
    }
}
