//! Sets of sizes that are periodic from some size on.

use std::fmt;

/// A set of sizes: some sizes below `start`, and from there on the sizes whose remainder by the period is accepted. `start` and
/// the period are as small as possible, so that equal sets are equal values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizePattern {
    /// Accepted sizes below `start`.
    pub first: Vec<usize>,
    /// The size from which on the remainders count, at least 1.
    pub start: usize,
    /// Accepted remainders: a size n from `start` on is accepted if `remainders[n % len]` is true.
    pub remainders: Vec<bool>,
}

impl SizePattern {
    /// Makes the set from the acceptance of the sizes 1, 2, 3, ..., of which the last `period` repeat without end.
    pub(super) fn new(accepted: Vec<bool>, period: usize) -> Self {
        let mut start = accepted.len() + 1 - period;
        let mut remainders = vec![false; period];
        for n in start..start + period {
            remainders[n % period] = accepted[n - 1];
        }
        // Find the shortest period and the first size from which on it holds.
        let divides = |p: &usize| period.is_multiple_of(*p) && (0..period).all(|i| remainders[i] == remainders[i % p]);
        let shortest = (1..=period).find(divides).unwrap_or(period);
        remainders.truncate(shortest);
        while start > 1 && accepted[start - 2] == remainders[(start - 1) % shortest] {
            start -= 1;
        }
        let first = (1..start).filter(|n| accepted[n - 1]).collect();
        Self { first, start, remainders }
    }

    /// Returns whether size `n`, in pixels, is accepted.
    pub fn contains(&self, n: usize) -> bool {
        if n >= self.start { self.remainders[n % self.remainders.len()] } else { self.first.contains(&n) }
    }

    /// Returns the accepted sizes nearest to `n`, about `count` on each side.
    pub fn near(&self, n: usize, count: usize) -> Vec<usize> {
        let reach = self.start.max(n) + (count + 1) * self.remainders.len();
        let mut found: Vec<usize> = (1..n).rev().filter(|&m| self.contains(m)).take(count).collect();
        found.extend((n..=reach).filter(|&m| self.contains(m)).take(count));
        found.sort_unstable();
        found
    }

    /// Returns the smallest accepted size; `None` where there is none.
    pub fn least(&self) -> Option<usize> {
        let later = || (self.start..self.start + self.remainders.len()).find(|&n| self.contains(n));
        self.first.first().copied().or_else(later)
    }
}

impl fmt::Display for SizePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = self.remainders.len();
        let kept: Vec<usize> = (0..period).filter(|&r| self.remainders[r]).collect();
        let next = (self.start..self.start + period).find(|&n| self.contains(n));
        let list = |sizes: &[usize]| {
            let shown: Vec<String> = sizes.iter().take(8).map(usize::to_string).collect();
            shown.join(", ") + if sizes.len() > 8 { ", ..." } else { "" }
        };
        let Some(next) = next else {
            return match &self.first[..] {
                [] => f.write_str("none"),
                sizes => write!(f, "only {}", list(sizes)),
            };
        };
        if !self.first.is_empty() {
            write!(f, "{}, and ", list(&self.first))?;
        }
        let from = |f: &mut fmt::Formatter<'_>, least: usize| match next <= least {
            true => Ok(()),
            false => write!(f, " from {next} up"),
        };
        match &kept[..] {
            [_] if period == 1 => {
                f.write_str("any size")?;
                from(f, 1)
            }
            [0] => {
                write!(f, "multiples of {period}")?;
                from(f, period)
            }
            [rest] => {
                write!(f, "{period} n + {rest}")?;
                from(f, *rest)
            }
            several => {
                write!(f, "sizes that leave {} when divided by {period}", list(several))?;
                from(f, several[0].max(1))
            }
        }
    }
}
