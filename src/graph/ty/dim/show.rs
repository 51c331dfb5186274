//! Text of formulas in the syntax of the language: `4 * ceil(H / 2) * W + 3`.

use super::{Atom, Dim, Repr};
use std::fmt;

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = match &self.0 {
            Repr::Const(n) => return number(f, *n),
            Repr::Sum(sum) => sum,
        };
        // Longer products are written first and the constant, which sorts first, last.
        let mut terms: Vec<_> = sum.terms.iter().collect();
        terms.sort_by_key(|(atoms, _)| std::cmp::Reverse(atoms.len()));
        for (i, (atoms, n)) in terms.into_iter().enumerate() {
            match (i, *n < 0) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            let n = n.unsigned_abs();
            if n != 1 || atoms.is_empty() {
                number(f, n)?;
            }
            for (j, atom) in atoms.iter().enumerate() {
                if j > 0 || n != 1 {
                    f.write_str(" * ")?;
                }
                atom.fmt(f)?;
            }
        }
        Ok(())
    }
}

/// Writes a number; `{:#}` groups its digits by three.
fn number(f: &mut fmt::Formatter<'_>, n: impl fmt::Display) -> fmt::Result {
    let digits = n.to_string();
    if !f.alternate() {
        return f.write_str(&digits);
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", &digits[..]), |rest| ("-", rest));
    f.write_str(sign)?;
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            f.write_str(",")?;
        }
        write!(f, "{c}")?;
    }
    Ok(())
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Height => f.write_str("H"),
            Atom::Width => f.write_str("W"),
            Atom::Min(a, b) => write!(f, "min({a}, {b})"),
            Atom::Floor(inner, by) => {
                // floor((x + n - 1) / n) is usually written as ceil(x / n).
                let up = inner.offset() == by - 1;
                let shown = if up { inner.plus_n(1 - by) } else { None };
                let (word, shown) = match &shown {
                    Some(x) => ("ceil", x),
                    None => ("floor", inner),
                };
                match shown.is_product() {
                    true => write!(f, "{word}({shown} / {by})"),
                    false => write!(f, "{word}(({shown}) / {by})"),
                }
            }
        }
    }
}

impl Dim {
    /// Returns whether it has at most one term and needs no parentheses in a division.
    fn is_product(&self) -> bool {
        self.terms().len() <= 1
    }
}
