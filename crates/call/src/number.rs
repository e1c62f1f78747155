//! Exact decimal numbers. A number of a call, a rule or a record is never rounded: it is kept as
//! digits and a power of ten, compared exactly, and written in its shortest exact form.
//!
//! INVARIANT normal form: equal values have equal representations, so `==` and `Hash` are exact.
//! Leaves out arithmetic: the policy language has none.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Most significant digits that a number may have.
pub const MAX_DIGITS: usize = 1_000;
/// Largest power of ten, either way, of a number's first digit.
pub const MAX_MAGNITUDE: i32 = 10_000;
/// Digits that always fit the small form.
const SMALL_DIGITS: usize = 18;

/// An exact decimal number of at most 1,000 significant digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    /// `mantissa × 10^exponent`; the mantissa has at most 18 digits and no trailing zero.
    Small {
        mantissa: i64,
        exponent: i16,
    },
    Large(Box<Large>),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Large {
    negative: bool,
    /// More than 18 digits, neither leading nor trailing zeros.
    digits: Box<str>,
    exponent: i32,
}

/// Why a text is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not of the form `-12.5e3`.
    #[error("not a number")]
    Syntax,
    /// More than 1,000 significant digits.
    #[error("number has more than {MAX_DIGITS} significant digits")]
    TooLong,
    /// Beyond 10^±10,000.
    #[error("number is beyond 10^±{MAX_MAGNITUDE}")]
    TooLarge,
}

/// The parts of a number while it is compared or written.
struct Parts<'a> {
    negative: bool,
    digits: &'a str,
    exponent: i32,
}

impl Parts<'_> {
    /// Where the decimal point stands, counted from the first digit.
    fn point(&self) -> i32 {
        i32::try_from(self.digits.len()).unwrap_or(i32::MAX).saturating_add(self.exponent)
    }
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self(Repr::Small { mantissa: 0, exponent: 0 });

    /// `mantissa × 10^exponent`, exactly.
    #[must_use]
    pub fn new(mantissa: i64, exponent: i16) -> Self {
        if mantissa == 0 {
            return Self::ZERO;
        }
        let (mut mantissa, mut exponent) = (mantissa, exponent);
        while mantissa % 10 == 0 && exponent < i16::MAX {
            mantissa /= 10;
            exponent += 1;
        }
        if mantissa.unsigned_abs() < 10_u64.pow(18) {
            Self(Repr::Small { mantissa, exponent })
        } else {
            let large = Large {
                negative: mantissa < 0,
                digits: mantissa.unsigned_abs().to_string().into(),
                exponent: i32::from(exponent),
            };
            Self(Repr::Large(Box::new(large)))
        }
    }

    /// Whether the number is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Whether the number is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Small { mantissa, .. } => *mantissa < 0,
            Repr::Large(large) => large.negative,
        }
    }

    /// The number as an integer, when it is one and fits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small { mantissa, exponent } => {
                let power = u32::try_from(*exponent).ok()?;
                mantissa.checked_mul(10_i64.checked_pow(power)?)
            }
            Repr::Large(_) => self.to_string().parse().ok(),
        }
    }

    /// A number one unit of the last digit away, up or down; `None` for numbers of over 18 digits.
    #[must_use]
    pub fn neighbour(&self, up: bool) -> Option<Self> {
        match &self.0 {
            Repr::Small { mantissa, exponent } => {
                Some(Self::new(if up { mantissa + 1 } else { mantissa - 1 }, *exponent))
            }
            Repr::Large(_) => None,
        }
    }

    /// Reads a number as JSON writes it: `-12.5e3`.
    ///
    /// # Errors
    /// The text is no number, or is beyond the limits of this module.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if let Some(mantissa) = small_integer(text.as_bytes()) {
            return Ok(Self::new(mantissa, 0));
        }
        parse_general(text)
    }

    fn parts<'a>(&'a self, buffer: &'a mut String) -> Parts<'a> {
        match &self.0 {
            Repr::Small { mantissa, exponent } => {
                use std::fmt::Write;
                // Writing to a string cannot fail.
                let _ = write!(buffer, "{}", mantissa.unsigned_abs());
                Parts { negative: *mantissa < 0, digits: buffer, exponent: i32::from(*exponent) }
            }
            Repr::Large(large) => {
                Parts { negative: large.negative, digits: &large.digits, exponent: large.exponent }
            }
        }
    }

    /// Appends the shortest exact form to `out`, laid out as RFC 8785 lays out numbers.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Repr::Small { mantissa, exponent: 0 } = &self.0 {
            write_integer(*mantissa, out);
            return;
        }
        let mut buffer = String::new();
        let parts = self.parts(&mut buffer);
        write_parts(&parts, out);
    }
}

/// An optional sign and 1 to 18 digits without a leading zero: nearly every number there is.
fn small_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let leading_zero = digits.len() > 1 && digits.first() == Some(&b'0');
    if digits.is_empty() || digits.len() > SMALL_DIGITS || leading_zero {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

fn parse_general(text: &str) -> Result<Number, NumberError> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (significand, power) = match rest.split_once(['e', 'E']) {
        Some((significand, power)) => (significand, parse_power(power)?),
        None => (rest, 0),
    };
    let (whole, fraction) = match significand.split_once('.') {
        Some((_, "")) => return Err(NumberError::Syntax),
        Some(parts) => parts,
        None => (significand, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || !is_digits(whole) || !is_digits(fraction) {
        return Err(NumberError::Syntax);
    }
    let mut digits = String::with_capacity(whole.len() + fraction.len());
    digits.push_str(whole);
    digits.push_str(fraction);
    let shift = i32::try_from(fraction.len()).map_err(|_| NumberError::TooLong)?;
    normalise(negative, &digits, power.saturating_sub(shift))
}

fn parse_power(text: &str) -> Result<i32, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let magnitude = i32::from_str(digits).unwrap_or(i32::MAX / 2).min(i32::MAX / 2);
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

fn normalise(negative: bool, digits: &str, exponent: i32) -> Result<Number, NumberError> {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(Number::ZERO);
    }
    let trimmed = digits.trim_end_matches('0');
    let zeros = i32::try_from(digits.len() - trimmed.len()).map_err(|_| NumberError::TooLong)?;
    if trimmed.len() > MAX_DIGITS {
        return Err(NumberError::TooLong);
    }
    let exponent = exponent.saturating_add(zeros);
    let parts = Parts { negative, digits: trimmed, exponent };
    if parts.point().abs() > MAX_MAGNITUDE {
        return Err(NumberError::TooLarge);
    }
    if trimmed.len() <= SMALL_DIGITS {
        let mantissa = i64::from_str(trimmed).map_err(|_| NumberError::Syntax)?;
        let exponent = i16::try_from(exponent).map_err(|_| NumberError::TooLarge)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        return Ok(Number(Repr::Small { mantissa, exponent }));
    }
    Ok(Number(Repr::Large(Box::new(Large { negative, digits: trimmed.into(), exponent }))))
}

fn write_integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let mut rest = value.unsigned_abs();
    let start = out.len();
    loop {
        out.push(b'0' + u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

fn write_parts(parts: &Parts<'_>, out: &mut Vec<u8>) {
    let digits = parts.digits.as_bytes();
    let point = parts.point();
    let zeros = |out: &mut Vec<u8>, count: i32| {
        out.extend(std::iter::repeat_n(b'0', usize::try_from(count).unwrap_or(0)));
    };
    if parts.negative {
        out.push(b'-');
    }
    match usize::try_from(point) {
        Ok(before) if before >= digits.len() && point <= 21 => {
            out.extend_from_slice(digits);
            zeros(out, parts.exponent);
        }
        Ok(before) if before > 0 && point <= 21 => {
            let (whole, fraction) = digits.split_at(before);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
        _ if point > -6 && point <= 0 => {
            out.extend_from_slice(b"0.");
            zeros(out, -point);
            out.extend_from_slice(digits);
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            out.extend_from_slice(first);
            if !rest.is_empty() {
                out.push(b'.');
                out.extend_from_slice(rest);
            }
            out.extend_from_slice(if point > 0 { b"e+" } else { b"e-" });
            write_integer(i64::from(point - 1).abs(), out);
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (
            Repr::Small { mantissa: left, exponent: left_exponent },
            Repr::Small { mantissa: right, exponent: right_exponent },
        ) = (&self.0, &other.0)
        {
            let gap = i32::from(*left_exponent) - i32::from(*right_exponent);
            match gap {
                0 => return left.cmp(right),
                1..=18 => return scaled(*left, gap).cmp(&i128::from(*right)),
                -18..=-1 => return i128::from(*left).cmp(&scaled(*right, -gap)),
                _ => {}
            }
        }
        compare_general(self, other)
    }
}

/// `mantissa × 10^power` for a power of at most 18, which always fits.
fn scaled(mantissa: i64, power: i32) -> i128 {
    i128::from(mantissa) * 10_i128.pow(power.unsigned_abs())
}

fn compare_general(left: &Number, right: &Number) -> Ordering {
    let sign = |number: &Number| match (number.is_zero(), number.is_negative()) {
        (true, _) => 0,
        (_, true) => -1,
        _ => 1,
    };
    let (left_sign, right_sign) = (sign(left), sign(right));
    if left_sign != right_sign || left_sign == 0 {
        return left_sign.cmp(&right_sign);
    }
    let (mut left_buffer, mut right_buffer) = (String::new(), String::new());
    let (left, right) = (left.parts(&mut left_buffer), right.parts(&mut right_buffer));
    // Without leading and trailing zeros, digit strings under one point compare as text.
    let magnitude = left.point().cmp(&right.point()).then_with(|| left.digits.cmp(right.digits));
    if left_sign < 0 { magnitude.reverse() } else { magnitude }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::new(value, 0)
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::new(i64::from(value), 0)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(
            // Every u64 has at most 20 digits, far below the limits.
            |_| Self::parse(&value.to_string()).unwrap_or(Self::ZERO),
            Self::from,
        )
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(24);
        self.write(&mut out);
        formatter.write_str(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_exact_form() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0e5", "0"),
            ("1.0", "1"),
            ("100", "100"),
            ("1e2", "100"),
            ("12.50", "12.5"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("9007199254740993", "9007199254740993"),
            ("123456789012345678901234567890", "1.2345678901234567890123456789e+29"),
            ("-1.5e-9", "-1.5e-9"),
            ("333333333.33333329", "333333333.33333329"),
        ] {
            assert_eq!(Number::parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn rejects_what_json_rejects() {
        for text in ["", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1 ", "NaN", "--1"] {
            assert_eq!(Number::parse(text), Err(NumberError::Syntax), "{text:?}");
        }
        assert_eq!(Number::parse("1e10001"), Err(NumberError::TooLarge));
        assert_eq!(Number::parse(&"9".repeat(1_001)), Err(NumberError::TooLong));
    }

    #[test]
    fn order_is_exact() {
        let texts = [
            "-1e30",
            "-12345678901234567890",
            "-2",
            "-1.5",
            "-1e-40",
            "0",
            "1e-40",
            "0.1",
            "0.10000000000000000001",
            "1",
            "9007199254740992",
            "9007199254740993",
            "12345678901234567890.5",
            "1e30",
        ];
        let numbers: Vec<Number> = texts.iter().map(|text| Number::parse(text).unwrap()).collect();
        for (i, left) in numbers.iter().enumerate() {
            for (j, right) in numbers.iter().enumerate() {
                assert_eq!(left.cmp(right), i.cmp(&j), "{left} against {right}");
            }
        }
    }

    #[test]
    fn integers_survive() {
        for value in [0, 7, -7, i64::MAX, i64::MIN + 1, 10_i64.pow(18), 10_i64.pow(18) - 1] {
            assert_eq!(Number::from(value).to_i64(), Some(value));
            assert_eq!(Number::from(value), Number::parse(&value.to_string()).unwrap());
        }
    }
}
