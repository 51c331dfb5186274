//! Names of types: each is declared once and describes its type.

use super::parse::{head, is_test};
use super::tree::{SOURCES, assert_none};
use std::collections::BTreeMap;
use syn::Item;
use syn::visit::{self, Visit};

/// Words that describe no type by themselves.
const VAGUE: &[&str] = &[
    "After", "Asked", "Back", "Before", "Chosen", "Done", "Drawn", "Found", "From", "Given", "Goal", "How", "Info",
    "Inside", "Item", "Job", "Kept", "Kind", "Known", "Loaded", "Looked", "Made", "Meant", "Misc", "Over", "Placed",
    "Prepared", "Put", "Ready", "Recorded", "Row", "Said", "Scored", "Seen", "Shown", "Stuff", "Taken", "Task",
    "Thing", "Through", "Told", "Tried", "What", "Where", "Written",
];

/// Returns the names of the structs, enums, unions, traits and type aliases of a text, without those of tests.
pub fn type_names(text: &str) -> Vec<String> {
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
fn each_type_name_is_declared_once_and_describes_the_type() {
    let mut declared: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (file, text) in &SOURCES.files {
        for name in type_names(text) {
            declared.entry(name).or_default().push(file);
        }
    }
    let vague = |name: &str| VAGUE.contains(&name);
    let found = declared.iter().filter(|(name, files)| files.len() > 1 || vague(name));
    assert_none(
        found.map(|(name, files)| format!("{name} in {}", files.join(", "))),
        "types with a shared or vague name",
    );
}
