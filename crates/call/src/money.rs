//! Money as limits count it: whole micro-dollars. Leaves out currencies: every amount is in dollars.
//!
//! INVARIANT never less: an amount that is no whole number of micro-dollars is rounded up, so that a
//! sum of costs is never below what they are.

use crate::Number;

/// Decimal places that are kept.
const PLACES: i64 = 6;
/// Most digits of a `u64`.
const MOST_DIGITS: i64 = 20;

/// An amount of dollars in micro-dollars, rounded up; `None` when it is below zero or beyond 64 bits.
#[must_use]
pub fn micros_up(dollars: &Number) -> Option<u64> {
    if dollars.is_negative() {
        return None;
    }
    let text = dollars.to_string();
    let (significand, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let digits = format!("{whole}{fraction}");
    let places = i64::try_from(fraction.len()).ok()?;
    // How many of the digits stand before the point, counted in micro-dollars.
    let length = i64::try_from(digits.len()).ok()?;
    let kept = length - places + power.trim_start_matches('+').parse::<i64>().ok()? + PLACES;
    let is_zero = |digits: &str| digits.bytes().all(|digit| digit == b'0');
    if is_zero(&digits) {
        return Some(0);
    }
    if kept <= 0 {
        return Some(1);
    }
    let significant = digits.trim_start_matches('0').len();
    if kept - (length - i64::try_from(significant).ok()?) > MOST_DIGITS {
        return None;
    }
    let at = usize::try_from(kept).ok()?;
    let (kept_digits, rest) = digits.split_at_checked(at).unwrap_or((&digits, ""));
    let zeros = at.saturating_sub(digits.len());
    let amount = format!("{kept_digits}{}", "0".repeat(zeros)).parse::<u64>().ok()?;
    if is_zero(rest) { Some(amount) } else { amount.checked_add(1) }
}

/// Micro-dollars as a number of dollars, exactly.
#[must_use]
pub fn dollars(micros: u64) -> Number {
    match i64::try_from(micros) {
        Ok(mantissa) => Number::new(mantissa, -6),
        // At most 20 digits with a power: far below the limits of numbers.
        Err(_) => Number::parse(&format!("{micros}e-6")).unwrap_or(Number::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_or_rounded_up() {
        for (text, expected) in [
            ("0", Some(0)),
            ("10", Some(10_000_000)),
            ("0.000001", Some(1)),
            ("0.0000001", Some(1)),
            ("1e-40", Some(1)),
            ("12.50", Some(12_500_000)),
            ("1.0000001", Some(1_000_001)),
            ("1e3", Some(1_000_000_000)),
            ("18446744073709.551615", Some(u64::MAX)),
            ("18446744073709.551616", None),
            ("18446744073709.5516151", None),
            ("1e21", None),
            ("1e9000", None),
            ("-0.01", None),
            ("0.12345678901234567890123456789", Some(123_457)),
        ] {
            assert_eq!(micros_up(&Number::parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn dollars_are_read_back() {
        for micros in [0, 1, 999_999, 1_000_000, 12_500_000, u64::MAX] {
            assert_eq!(micros_up(&dollars(micros)), Some(micros));
        }
        assert_eq!(dollars(12_500_000).to_string(), "12.5");
    }
}
