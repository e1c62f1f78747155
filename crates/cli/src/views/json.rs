//! JSON for people: the same value, indented by two spaces. Programs get the canonical form.

use faramesh_call::json::{canonical, write_string};
use faramesh_call::{Object, Value};

/// The value with two spaces per level; empty lists and objects stay on one line.
pub fn indented(value: &Value) -> String {
    let mut out = Vec::new();
    write(value, 0, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn write(value: &Value, level: usize, out: &mut Vec<u8>) {
    match value {
        Value::List(items) if !items.is_empty() => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                line(index, level + 1, out);
                write(item, level + 1, out);
            }
            close(b']', level, out);
        }
        Value::Object(object) if !object.is_empty() => {
            out.push(b'{');
            for (index, (key, item)) in object.iter().enumerate() {
                line(index, level + 1, out);
                write_string(key, out);
                out.extend_from_slice(b": ");
                write(item, level + 1, out);
            }
            close(b'}', level, out);
        }
        _ => out.extend_from_slice(&canonical(value)),
    }
}

fn line(index: usize, level: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', level * 2));
}

fn close(bracket: u8, level: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', level * 2));
    out.push(bracket);
}

/// The text at a path of members, or nothing.
pub fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a path of members, or 0.
pub fn number(value: &Value, path: &[&str]) -> u64 {
    at(value, path).and_then(Value::as_i64).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

/// The list at a path of members, or an empty one.
pub fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_list).unwrap_or_default()
}

/// Whether the value at a path of members is `true`.
pub fn is_true(value: &Value, path: &[&str]) -> bool {
    at(value, path).and_then(Value::as_bool) == Some(true)
}

/// The value at a path of members.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// An object with the version that every JSON output carries.
pub fn versioned(mut object: Object) -> Value {
    object.insert("version", 1_u64);
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented_values_read_back() {
        let source = br#"{"a":[1,{"b":null}],"c":{},"d":[],"e":9007199254740993}"#;
        let value = faramesh_call::json::parse(source).unwrap();
        let text = indented(&value);
        assert!(
            text.starts_with("{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},"),
            "{text}"
        );
        assert_eq!(canonical(&faramesh_call::json::parse(text.as_bytes()).unwrap()), source);
    }

    #[test]
    fn members_are_found_by_path() {
        let value = faramesh_call::json::parse(br#"{"a":{"b":"x","n":3,"t":true}}"#).unwrap();
        assert_eq!((text(&value, &["a", "b"]), number(&value, &["a", "n"])), ("x", 3));
        assert_eq!((text(&value, &["a", "z"]), number(&value, &["z"])), ("", 0));
        assert!(is_true(&value, &["a", "t"]) && list(&value, &["a"]).is_empty());
    }
}
