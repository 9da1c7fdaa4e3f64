//! Two JSON values, equal up to a relative tolerance on their numbers.

use serde_json::Value;

/// Every difference of `found` from `expected`, written like `$.float64.g_loss[3]: …`.
///
/// Numbers a, b are equal when |a - b| ≤ tolerance · max(|a|, |b|).
pub(super) fn differences(expected: &Value, found: &Value, tolerance: f64) -> Vec<String> {
    let mut said = Vec::new();
    compare("$", expected, found, tolerance, &mut said);
    said
}

fn compare(place: &str, expected: &Value, found: &Value, tolerance: f64, said: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => {
                        compare(&format!("{place}.{key}"), value, other, tolerance, said);
                    }
                    None => said.push(format!("{place}.{key}: missing, expected {value}")),
                }
            }
            let unknown = b.iter().filter(|(key, _)| !a.contains_key(*key));
            said.extend(
                unknown.map(|(key, value)| format!("{place}.{key}: {value}, expected none")),
            );
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (value, other)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}[{index}]"), value, other, tolerance, said);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            said.push(format!(
                "{place}: {} elements, expected {}",
                b.len(),
                a.len()
            ));
        }
        (Value::Number(a), Value::Number(b)) if near(a.as_f64(), b.as_f64(), tolerance) => {}
        _ if expected == found => {}
        _ => said.push(format!("{place}: {found}, expected {expected}")),
    }
}

fn near(a: Option<f64>, b: Option<f64>, tolerance: f64) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return false;
    };
    (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_within_the_relative_tolerance_are_equal() {
        let expected = json!({"a": [1e6, -1e-9, 0.0], "b": {"c": 3}});
        let found = json!({"a": [1e6 + 0.5, -1.000_000_5e-9, 0], "b": {"c": 3.0}});
        assert!(differences(&expected, &found, 1e-6).is_empty());
    }

    #[test]
    fn numbers_beyond_it_are_named_with_their_place() {
        let found = differences(
            &json!({"a": [1.0, 2.0]}),
            &json!({"a": [1.0, 2.00001]}),
            1e-6,
        );
        assert_eq!(found, ["$.a[1]: 2.00001, expected 2.0"]);
        for (a, b) in [
            (1e-12, 1.1e-12),
            (0.0, 1e-300),
            (1.0, -1.0),
            (1e300, f64::MAX),
        ] {
            assert_eq!(
                differences(&json!(a), &json!(b), 1e-6).len(),
                1,
                "{a} and {b}"
            );
        }
    }

    #[test]
    fn missing_added_and_retyped_values_are_differences() {
        let expected = json!({"a": 1, "b": "x", "c": [1, 2], "d": null});
        let found = json!({"b": "y", "c": [1], "d": 0, "e": true});
        assert_eq!(
            differences(&expected, &found, 1e-6),
            [
                "$.a: missing, expected 1",
                "$.b: \"y\", expected \"x\"",
                "$.c: 1 elements, expected 2",
                "$.d: 0, expected null",
                "$.e: true, expected none",
            ]
        );
    }
}
