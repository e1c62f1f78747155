//! Exact decimals, written out in full: `1e3` is `1000`, however many digits that takes. Slow, and
//! nothing can be wrong about it.

use std::cmp::Ordering;

/// A number as the digits before and after its point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Without leading zeros; empty for numbers below one.
    whole: String,
    /// Without trailing zeros.
    fraction: String,
}

impl Decimal {
    /// Reads `-12.50e3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || whole.is_empty() {
            return None;
        }
        let (mut whole, mut fraction) = (whole.to_owned(), fraction.to_owned());
        // Moves the point one digit at a time.
        for _ in 0..exponent.max(0) {
            if fraction.is_empty() {
                fraction.push('0');
            }
            whole.push(fraction.remove(0));
        }
        for _ in exponent..0 {
            fraction.insert(0, whole.pop().unwrap_or('0'));
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole, fraction })
    }

    fn cmp_size(&self, other: &Self) -> Ordering {
        (self.whole.len().cmp(&other.whole.len()))
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.cmp_size(other),
            (true, true) => other.cmp_size(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        let ascending = [
            "-1e30",
            "-500.01",
            "-500",
            "-1",
            "-0.1",
            "-1e-30",
            "0",
            "1e-30",
            "0.1",
            "0.11",
            "0.2",
            "1",
            "9.99",
            "10",
            "499.99",
            "500",
            "9007199254740992",
            "9007199254740993",
            "1e30",
        ];
        for (left_at, left) in ascending.iter().enumerate() {
            for (right_at, right) in ascending.iter().enumerate() {
                let order = Decimal::parse(left).unwrap().cmp(&Decimal::parse(right).unwrap());
                assert_eq!(order, left_at.cmp(&right_at), "{left} {right}");
            }
        }
    }

    #[test]
    fn one_value_has_one_form() {
        for (left, right) in
            [("1", "1.0"), ("1e3", "1000"), ("0", "-0.00"), ("5E-1", "0.5"), ("120e-1", "12"), ("0e9", "0")]
        {
            assert_eq!(Decimal::parse(left), Decimal::parse(right), "{left}");
        }
        for text in ["", "-", ".5", "1x", "1e", "e1", "+1", "--1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
