//! Constants of a policy as the values that they stand for.

use faramesh_call::{Number, Value};
use faramesh_syntax::ast;

/// Value of an environment variable.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a constant stands for; `None` for what has no value in a condition.
pub(crate) fn constant(value: &ast::Value, environment: Environment<'_>) -> Option<Value> {
    let number = |text: &str| Some(Value::Number(Number::parse(text).ok()?));
    match value {
        ast::Value::Null => Some(Value::Null),
        ast::Value::Bool(value) => Some(Value::Bool(*value)),
        ast::Value::String(text) => Some(Value::string(text.as_str())),
        ast::Value::Number(text) | ast::Value::Money(text) => number(text),
        ast::Value::Size(text) => number(&bytes(text)?.to_string()),
        ast::Value::List(items) => {
            let items: Option<Vec<Value>> =
                items.iter().map(|item| constant(&item.node, environment)).collect();
            items.map(Value::List)
        }
        ast::Value::Env { name, default } => {
            environment(name).or_else(|| default.clone()).map(|text| Value::string(text.as_str()))
        }
        ast::Value::Duration(_) | ast::Value::Word(_) | ast::Value::Expr(_) => None,
    }
}

/// `1.5kb` is 1536.
fn bytes(text: &str) -> Option<u128> {
    let lower = text.to_lowercase();
    let units = [("kb", 1024), ("mb", 1024 * 1024), ("gb", 1024 * 1024 * 1024), ("b", 1)];
    let (digits, unit) = units.iter().find_map(|(name, unit)| Some((lower.strip_suffix(name)?, *unit)))?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut scale: u128 = 1;
    for _ in fraction.chars() {
        scale *= 10;
    }
    let all: u128 = format!("{whole}{fraction}").parse().ok()?;
    Some(all * unit / scale)
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes() {
        for (text, expected) in
            [("10kb", Some(10_240)), ("1.5MB", Some(1_572_864)), ("7b", Some(7)), ("x", None)]
        {
            assert_eq!(super::bytes(text), expected, "{text}");
        }
    }
}
