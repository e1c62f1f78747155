//! Whole numbers in records, of any size.

use faramesh_call::{Number, Value};

/// A whole number as a value.
pub(super) fn number(number: u128) -> Value {
    // At most 39 digits: far below the limits of numbers.
    Value::Number(Number::parse(&number.to_string()).unwrap_or(Number::ZERO))
}

/// A member that is a whole number.
pub(crate) fn whole(value: &Value, key: &str) -> Option<u128> {
    let number = value.get(key)?.as_number()?;
    match number.to_i64() {
        Some(small) => u128::try_from(small).ok(),
        None => digits(&number.to_string()),
    }
}

/// Numbers of more than 21 digits are written with a power.
fn digits(text: &str) -> Option<u128> {
    let Some((significand, power)) = text.split_once("e+") else { return text.parse().ok() };
    let (first, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let zeros = power.parse::<usize>().ok()?.checked_sub(fraction.len())?;
    // A u128 has at most 39 digits.
    (zeros <= 39).then(|| format!("{first}{fraction}{}", "0".repeat(zeros)).parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::object;

    #[test]
    fn every_size_is_read_back() {
        for value in [0, 7, u128::from(u64::MAX), u128::from(u64::MAX) + 1, 10_u128.pow(30), u128::MAX] {
            let object = Value::Object(object! { "n" => number(value) });
            assert_eq!(whole(&object, "n"), Some(value));
        }
        assert_eq!(whole(&Value::Object(object! { "n" => -1_i64 }), "n"), None);
    }
}
