//! Whether a stream gets colours: an option, variables of the environment, and the stream itself.

use std::ffi::OsString;

/// Returns a variable of the environment. An empty one counts as none.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Decides about colours: the option, then NO_COLOR, CLICOLOR_FORCE and CLICOLOR, then whether the stream is a terminal that has
/// colours (<https://bixense.com/clicolors>). A value of 0 means that the variable asks for nothing; of CLICOLOR it means no.
pub(crate) fn has_colours(option: Option<bool>, variable: &dyn Fn(&str) -> Option<OsString>, terminal: bool) -> bool {
    let set = |name: &str| variable(name).map(|value| value != "0");
    match (option, variable("NO_COLOR").is_some(), set("CLICOLOR_FORCE"), set("CLICOLOR")) {
        (Some(true), _, _, _) => true,
        (Some(false), _, _, _) | (None, true, _, _) => false,
        (None, false, Some(true), _) => true,
        (None, false, Some(false) | None, Some(false)) => false,
        (None, false, Some(false) | None, Some(true)) => terminal,
        (None, false, Some(false) | None, None) => {
            let able = if cfg!(windows) {
                variable("TERM").is_none_or(|term| term != "dumb")
            } else {
                variable("TERM").is_some_and(|term| term != "dumb")
            };
            terminal && (able || variable("CI").is_some())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of the table: the option, the variables, and whether a terminal and a file get colours.
    type ColourCase = (Option<bool>, &'static [(&'static str, &'static str)], [bool; 2]);

    #[test]
    fn colours_follow_a_table() {
        let (auto, always, never) = (None, Some(true), Some(false));
        let table: &[ColourCase] = &[
            (auto, &[], [true, false]),
            (auto, &[("NO_COLOR", "1")], [false, false]),
            (auto, &[("NO_COLOR", "0")], [false, false]),
            (auto, &[("NO_COLOR", "")], [true, false]),
            (auto, &[("CLICOLOR", "0")], [false, false]),
            (auto, &[("CLICOLOR", "1")], [true, false]),
            (auto, &[("CLICOLOR_FORCE", "1")], [true, true]),
            (auto, &[("CLICOLOR_FORCE", "0")], [true, false]),
            (auto, &[("CLICOLOR_FORCE", "")], [true, false]),
            (auto, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], [true, true]),
            (auto, &[("CLICOLOR_FORCE", "0"), ("CLICOLOR", "0")], [false, false]),
            (auto, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], [false, false]),
            (auto, &[("TERM", "dumb")], [false, false]),
            (auto, &[("TERM", "dumb"), ("CLICOLOR", "1")], [true, false]),
            (always, &[("NO_COLOR", "1"), ("CLICOLOR", "0"), ("CLICOLOR_FORCE", "0")], [true, true]),
            (never, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "1")], [false, false]),
        ];
        for (mode, variables, [terminal, file]) in table {
            let variable = |name: &str| {
                let given = variables.iter().rev().find(|(n, _)| *n == name).map(|(_, value)| *value);
                let value = given.or((name == "TERM").then_some("xterm"));
                value.filter(|value| !value.is_empty()).map(OsString::from)
            };
            assert_eq!(has_colours(*mode, &variable, true), *terminal, "{mode:?} {variables:?} on a terminal");
            assert_eq!(has_colours(*mode, &variable, false), *file, "{mode:?} {variables:?} in a file");
        }
    }
}
