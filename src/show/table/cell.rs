//! The cells of a table: values with a form for people and one for programs.

use crate::base::number::{bytes, thousands};
use crate::base::xml::escaped;
use serde_json::{Value, json};

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value applies.
    Empty,
    /// The value is not known or not defined: `-`.
    Missing,
    /// A text, printed unchanged.
    Text(String),
    /// A count: `1,234,567`.
    Count(u64),
    /// A change of a count: `+1,234`, `-5`, or nothing where it stays the same.
    Change {
        /// The count before.
        from: u64,
        /// The count after.
        to: u64,
    },
    /// An amount of memory: `12.35 MB`.
    Bytes(u64),
    /// A percentage: `12.5 %`.
    Percent(f64),
    /// A number with a fixed number of decimals; NaN is printed as `-`.
    Decimal {
        /// The number.
        value: f64,
        /// Number of decimals in the form for people.
        decimals: usize,
    },
    /// A number with its statistical error.
    Estimate(Estimate),
    /// A flag: `*` or nothing.
    Flag(bool),
}

/// A mean with its spread: `0.9512 ± 0.0021 [0.9432, 0.9581]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// The standard deviation.
    pub deviation: Option<f64>,
    /// The ends of the interval.
    pub interval: Option<[f64; 2]>,
    /// Number of decimals in the form for people.
    pub decimals: usize,
    /// Whether numbers that are not negative get a plus sign, as in differences.
    pub signed: bool,
}

impl Estimate {
    /// Creates an estimate without deviation and interval.
    pub fn new(value: f64, decimals: usize) -> Self {
        Self { value, deviation: None, interval: None, decimals, signed: false }
    }

    fn number(&self, value: f64) -> String {
        let plus = if self.signed && value >= 0.0 { "+" } else { "" };
        format!("{plus}{}", decimal(value, self.decimals))
    }

    /// Returns the mean with its deviation, and separately the interval in brackets.
    fn parts(&self) -> (String, Option<String>) {
        let deviation = self.deviation.map_or(String::new(), |sd| format!(" ± {}", decimal(sd, self.decimals)));
        let interval = self.interval.map(|[low, high]| format!("[{}, {}]", self.number(low), self.number(high)));
        (self.number(self.value) + &deviation, interval)
    }
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.parts() {
            (mean, Some(interval)) => write!(f, "{mean} {interval}"),
            (mean, None) => f.write_str(&mean),
        }
    }
}

/// Formats a number such as `0.9512`, and `-` for NaN.
fn decimal(value: f64, decimals: usize) -> String {
    if value.is_nan() { "-".into() } else { format!("{value:.decimals$}") }
}

fn change(from: u64, to: u64) -> i128 {
    i128::from(to) - i128::from(from)
}

impl Cell {
    /// Creates a number with this many decimals in the form for people.
    pub fn decimal(value: f64, decimals: usize) -> Self {
        Cell::Decimal { value, decimals }
    }

    /// Creates a count that is printed as `-` where it is 0.
    pub fn nonzero_count(n: u64) -> Self {
        if n == 0 { Cell::Missing } else { Cell::Count(n) }
    }

    /// Returns the form for people.
    pub fn text(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Missing => "-".into(),
            Cell::Text(text) => text.clone(),
            Cell::Count(n) => thousands(*n),
            Cell::Change { from, to } if from == to => String::new(),
            Cell::Change { from, to } if from < to => format!("+{}", thousands(to - from)),
            Cell::Change { from, to } => format!("-{}", thousands(from - to)),
            Cell::Bytes(n) => bytes(*n),
            Cell::Percent(value) => format!("{value:.1} %"),
            Cell::Decimal { value, decimals } => decimal(*value, *decimals),
            Cell::Estimate(estimate) => estimate.to_string(),
            Cell::Flag(set) => if *set { "*" } else { "" }.into(),
        }
    }

    /// Returns the form for programs: digits without separators and units, six decimals, and nothing where the value is
    /// missing.
    pub fn plain(&self) -> String {
        match self {
            Cell::Empty | Cell::Missing => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Count(n) | Cell::Bytes(n) => n.to_string(),
            Cell::Change { from, to } => change(*from, *to).to_string(),
            Cell::Percent(value) | Cell::Decimal { value, .. } | Cell::Estimate(Estimate { value, .. })
                if value.is_nan() =>
            {
                String::new()
            }
            Cell::Percent(value) | Cell::Decimal { value, .. } | Cell::Estimate(Estimate { value, .. }) => {
                format!("{value:.6}")
            }
            Cell::Flag(set) => u8::from(*set).to_string(),
        }
    }

    /// Returns a JSON value, `null` where the value is missing.
    pub fn json(&self) -> Value {
        match self {
            Cell::Empty | Cell::Missing => Value::Null,
            Cell::Text(text) => json!(text),
            Cell::Count(n) | Cell::Bytes(n) => json!(n),
            Cell::Change { from, to } => json!(i64::try_from(change(*from, *to)).ok()),
            Cell::Percent(value) | Cell::Decimal { value, .. } => json!(value),
            Cell::Estimate(Estimate { value, deviation, interval, .. }) => {
                json!({"value": value, "deviation": deviation, "interval": interval})
            }
            Cell::Flag(set) => json!(set),
        }
    }

    /// Returns the content of an HTML cell. The interval of an estimate is an element of its own.
    pub fn html(&self) -> String {
        match self {
            Cell::Estimate(estimate) => match estimate.parts() {
                (mean, Some(interval)) => format!("{mean}<span class=\"interval\">{interval}</span>"),
                (mean, None) => mean,
            },
            Cell::Empty
            | Cell::Missing
            | Cell::Text(_)
            | Cell::Count(_)
            | Cell::Change { .. }
            | Cell::Bytes(_)
            | Cell::Percent(_)
            | Cell::Decimal { .. }
            | Cell::Flag(_) => escaped(&self.text()),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.into())
    }
}

/// `None` becomes a missing value.
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Cell::Missing, Into::into)
    }
}
