//! Formats JSON values of settings for people.

use serde_json::Value;

/// Formats a value in the syntax of the model language: `adam(lr = 0.001, beta1 = 0.9)`, `[128, 128]`, `yes`.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(value_text).collect();
            if items.is_empty() { "none".into() } else { format!("[{}]", items.join(", ")) }
        }
        Value::Object(fields) => {
            let mut parts = fields.iter();
            match (parts.next(), parts.next()) {
                (None, _) => "none".into(),
                // serde writes an enum variant with fields as an object with one key.
                (Some((name, inner @ Value::Object(_))), None) => format!("{name}({})", named(inner)),
                _ => named(value),
            }
        }
    }
}

/// Formats the fields of an object as `name = value`.
fn named(value: &Value) -> String {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| format!("{name} = {}", value_text(value))).collect::<Vec<_>>().join(", ")
}
