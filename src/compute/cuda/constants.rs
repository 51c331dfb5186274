//! The constants of a kernel's text: sizes, switches, tables and functions.

use std::fmt::Write;

/// Lines of C++ in front of a kernel's source.
#[derive(Debug, Clone, Default)]
pub struct KernelConstants {
    text: String,
}

impl KernelConstants {
    pub fn new() -> Self {
        Self::default()
    }

    fn line(mut self, line: std::fmt::Arguments) -> Self {
        self.text.write_fmt(line).expect("a string takes every line");
        self.text.push('\n');
        self
    }

    pub fn int(self, name: &str, value: usize) -> Self {
        assert!(i32::try_from(value).is_ok(), "`size_limit` refuses maps of 2^31 numbers");
        self.line(format_args!("constexpr int {name} = {value};"))
    }

    pub fn ints<const N: usize>(self, all: [(&str, usize); N]) -> Self {
        all.into_iter().fold(self, |constants, (name, value)| constants.int(name, value))
    }

    pub fn flag(self, name: &str, value: bool) -> Self {
        self.line(format_args!("constexpr bool {name} = {value};"))
    }

    /// 64-bit number, exact.
    pub fn number(self, name: &str, value: f64) -> Self {
        self.line(format_args!("constexpr double {name} = {value:e};"))
    }

    /// Integers to look up. An empty table gets one number that is never read.
    pub fn table(self, name: &str, values: impl IntoIterator<Item = isize>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        let values = if values.is_empty() { "0".to_owned() } else { values.join(",") };
        self.line(format_args!("TABLE int {name}[] = {{{values}}};"))
    }

    /// 32-bit numbers to look up.
    pub fn weights(self, name: &str, values: &[f32]) -> Self {
        let values: Vec<String> = values.iter().map(|value| format!("{value:e}f")).collect();
        let values = if values.is_empty() { "0.f".to_owned() } else { values.join(",") };
        self.line(format_args!("TABLE float {name}[] = {{{values}}};"))
    }

    /// 64-bit numbers to look up, exact.
    pub fn numbers(self, name: &str, values: &[f64]) -> Self {
        let values: Vec<String> = values.iter().map(|value| format!("{value:e}")).collect();
        let values = if values.is_empty() { "0.0".to_owned() } else { values.join(",") };
        self.line(format_args!("TABLE double {name}[] = {{{values}}};"))
    }

    /// A function of the kernel in C++.
    pub fn function(self, text: &str) -> Self {
        self.line(format_args!("FUNCTION {text}"))
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}
