//! What a wrong option was meant to be: `--epochs 3` is a setting, `--set epochs=3`.

use crate::text::config::schema;

/// Commands that take `--set` with settings of a run.
const COMMANDS: [&str; 3] = ["train", "sweep", "reproduce"];

/// Returns a tip where an unknown `option`, such as `--epochs`, has the name of a setting. `words` are those of the command line.
pub(crate) fn setting_tip(option: &str, words: &[String]) -> Option<String> {
    if !words.iter().take(2).any(|word| COMMANDS.contains(&word.as_str())) {
        return None;
    }
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
    Some(format!("tip: `{key}` is a setting of the {of}: `--set {key}={}`", value.unwrap_or("VALUE")))
}

#[cfg(test)]
mod tests {
    use super::setting_tip;

    #[test]
    fn an_option_with_the_name_of_a_setting_names_set() {
        let tip = |option: &str, line: &str| {
            setting_tip(option, &line.split(' ').map(str::to_string).collect::<Vec<_>>()).unwrap_or_default()
        };
        for (option, line, wanted) in [
            ("--epochs", "npc train f.model r --epochs 3", "`--set epochs=3`"),
            ("--lr", "train f.model r --lr 3", "`--set lr=3`"),
            ("--learning-rate", "npc sweep f.model s --learning-rate=1e-3", "`--set lr=1e-3`"),
            ("--mean", "npc train f.model r --mean [1]", "`--set data.mean=[1]`"),
            ("--batch", "npc train f.model r --batch", "`--set batch=VALUE`"),
        ] {
            assert!(tip(option, line).contains(wanted), "{line}: {}", tip(option, line));
        }
        assert_eq!(tip("--nonsense", "npc train f.model r --nonsense 3"), "");
        assert_eq!(tip("--epochs", "npc check f.model --epochs 3"), "");
    }
}
