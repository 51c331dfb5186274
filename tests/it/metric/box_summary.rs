//! Boxes of box plots against NumPy: `tests/reference/numpy_boxes.py` made the numbers.

use crate::support::repository::repository;
use npc::internals::metric::BoxSummary;
use serde_json::Value;

#[test]
fn quartiles_and_whiskers_are_those_of_numpy() {
    let text = std::fs::read_to_string(repository("tests/reference/boxes.json")).unwrap();
    let wanted: Value = serde_json::from_str(&text).unwrap();
    let numbers = |v: &Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    let near = |a: f64, b: f64| (a - b).abs() < 1e-12 * b.abs().max(1.0);
    let cases = wanted["cases"].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let mut values = numbers(&case["values"]);
        let number = |key: &str| case[key].as_f64().unwrap();
        // A missing score counts nowhere.
        values.insert(values.len() / 2, f64::NAN);
        let found = BoxSummary::of(&values).unwrap();
        assert_eq!(found.n, values.len() - 1);
        assert!(near(found.mean, number("mean")) && near(found.median, number("median")), "{found:?}, {case}");
        for (pair, key) in [(found.quartiles, "quartiles"), (found.whiskers, "whiskers")] {
            assert!(pair.iter().zip(numbers(&case[key])).all(|(a, b)| near(*a, b)), "{found:?}, {case}");
        }
    }
    assert_eq!(BoxSummary::of(&[]), None);
    assert_eq!(BoxSummary::of(&[f64::NAN, f64::NAN]), None);
}
