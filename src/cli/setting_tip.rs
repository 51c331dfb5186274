//! What a wrong option was meant to be: `--epochs 3` is a setting, `--set epochs=3`.

use crate::text::config::schema;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Commands that take `--set` with settings of a run.
const COMMANDS: [&str; 3] = ["train", "sweep", "reproduce"];

/// Returns a tip where an unknown option has the name of a setting. `words` are those of the command line.
pub(super) fn setting_tip(error: &clap::Error, words: &[String]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument || !words.iter().take(2).any(|w| COMMANDS.contains(&w.as_str())) {
        return None;
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    let written = option.split('=').next()?;
    let key = written.strip_prefix("--")?.replace('-', "_");
    let (of, key) = match (schema::train_key(&key), schema::data_key(&key)) {
        (Some(key), _) => ("run", key.to_string()),
        (None, Some(key)) => ("data block", format!("data.{key}")),
        (None, None) => return None,
    };
    let at = words.iter().position(|word| word.split('=').next() == Some(written))?;
    let value = match words[at].split_once('=') {
        Some((_, value)) => Some(value),
        None => words.get(at + 1).map(String::as_str).filter(|next| !next.starts_with("--")),
    };
    Some(format!("  tip: `{key}` is a setting of the {of}: `--set {key}={}`", value.unwrap_or("VALUE")))
}

#[cfg(test)]
mod tests {
    use crate::cli::parse_arguments;

    fn message(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_string).collect();
        parse_arguments(&words).expect_err(line)
    }

    #[test]
    fn an_option_with_the_name_of_a_setting_names_set() {
        for (line, wanted) in [
            ("sweep f.model s --epochs 3", "`--set epochs=3`"),
            ("sweep f.model s --learning-rate=1e-3", "`--set lr=1e-3`"),
            ("sweep f.model s --mean [1]", "`--set data.mean=[1]`"),
            ("sweep f.model s --batch", "`--set batch=VALUE`"),
        ] {
            assert!(message(line).contains(wanted), "{line}: {}", message(line));
        }
        assert!(!message("sweep f.model s --nonsense 3").contains("--set nonsense"));
        assert!(!message("check f.model --epochs 3").contains("--set epochs"));
    }
}
