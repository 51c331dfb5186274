//! Splits as data blocks write them.

use super::{DataSpec, GroupBy, ListedValidation, Split, StratifyBy};

impl DataSpec {
    /// Returns the split as a data block writes it: `random(test = 0.2, seed = 0)`. One that depends on the columns of a list, which
    /// no block writes, is in words.
    pub fn split_text(&self) -> String {
        let group = self.grouping.group.as_ref();
        let mut rest = group.map_or(String::new(), |group| format!(", {}", group.entry_text()));
        rest += match self.grouping.stratify {
            Some(StratifyBy::Foreground) => ", stratify = foreground",
            Some(StratifyBy::Classes) => ", stratify = classes",
            None => "",
        };
        let share = |val: &f64| if *val == 0.0 { String::new() } else { format!("val = {val}, ") };
        match &self.split {
            Split::Random { val, test, seed, .. } => {
                format!("random({}test = {test}, seed = {seed}{rest})", share(val))
            }
            Split::Kfold { k, fold, val, seed } => {
                format!("kfold(k = {k}, fold = {fold}, {}seed = {seed}{rest})", share(val))
            }
            Split::Lists { train, val, test } => {
                let val = match val {
                    Some(ListedValidation::List(list)) => format!(", val = {}", quoted(list)),
                    Some(ListedValidation::Share { share, seed: 0 }) => format!(", val = {share}"),
                    Some(ListedValidation::Share { share, seed }) => format!(", val = {share}, seed = {seed}"),
                    None => String::new(),
                };
                format!("lists(train = {}{val}, test = {}{rest})", quoted(train), quoted(test))
            }
            Split::Column => match rest.strip_prefix(", ") {
                Some(group) => format!("column({group})"),
                None => "column".into(),
            },
            Split::ColumnOrRandom => "column of the list, or random".into(),
        }
    }
}

impl GroupBy {
    /// Returns the entry of a split: `group = "{group}_z*"`.
    pub(crate) fn entry_text(&self) -> String {
        match self {
            GroupBy::Pattern(pattern) => format!("group = {}", quoted(pattern)),
            GroupBy::CvcClinicdb => "group = cvc_clinicdb".into(),
        }
    }
}

/// Returns a string of the language.
pub(crate) fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{text}\"")
}
