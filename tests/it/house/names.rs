//! Names of types: each is declared once, and says what the type is.

use super::parse::{head, is_test};
use super::tree::{SOURCES, none};
use std::collections::BTreeMap;
use syn::Item;
use syn::visit::{self, Visit};

/// Names that several types may have: the options of each command.
const SHARED: &[&str] = &["Opts"];

/// Words that describe no type by themselves.
const VAGUE: &[&str] = &[
    "After", "Asked", "Back", "Before", "Chosen", "Done", "Drawn", "Found", "From", "Given", "Goal", "How", "Info",
    "Inside", "Item", "Job", "Kept", "Kind", "Known", "Loaded", "Looked", "Made", "Meant", "Misc", "Over", "Placed",
    "Prepared", "Put", "Ready", "Recorded", "Row", "Said", "Scored", "Seen", "Shown", "Stuff", "Taken", "Task",
    "Thing", "Through", "Told", "Tried", "What", "Where", "Written",
];

/// Types that are still named like another one or like one of the vague words: `file name`. The list may only become
/// shorter.
const LEFT: &[&str] = &[];

/// Returns the names of the structs, enums, unions, traits and type aliases of a text, without those of tests.
pub fn types(text: &str) -> Vec<String> {
    struct Types(Vec<String>);
    impl<'ast> Visit<'ast> for Types {
        fn visit_item(&mut self, item: &'ast Item) {
            let (attributes, name) = head(item);
            if is_test(attributes) {
                return;
            }
            if let Item::Struct(_) | Item::Enum(_) | Item::Union(_) | Item::Trait(_) | Item::Type(_) = item {
                self.0.extend(name);
            }
            visit::visit_item(self, item);
        }
    }
    let mut types = Types(Vec::new());
    types.visit_file(&syn::parse_file(text).unwrap_or_else(|e| panic!("{e}: {text}")));
    types.0
}

#[test]
fn each_type_name_is_declared_once_and_says_what_it_is() {
    let mut declared: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (file, text) in &SOURCES.files {
        for name in types(text).into_iter().filter(|name| !SHARED.contains(&name.as_str())) {
            declared.entry(name).or_default().push(file);
        }
    }
    let mut found = Vec::new();
    for (name, files) in &declared {
        if files.len() > 1 || VAGUE.contains(&name.as_str()) {
            found.extend(files.iter().map(|file| format!("{file} {name}")));
        }
    }
    none(found.iter().filter(|place| !LEFT.contains(&place.as_str())), "types with a shared or vague name");
    none(LEFT.iter().filter(|place| !found.iter().any(|other| other == *place)), "exceptions that are not needed");
}
