//! Quantities of settings: money in micro-dollars, shares in millionths, ports, sizes in bytes.

use faramesh_call::Number;
use faramesh_syntax::ast::{Span, Spanned, Value};

use crate::checker::Checker;
use crate::codes;
use crate::values::size_bytes;

/// Decimal places that money keeps: a micro-dollar.
const MONEY_PLACES: usize = 6;

/// `number × 10^places`, when that is a whole number of at most 64 bits and not below zero.
fn shifted(number: &str, places: usize) -> Option<u64> {
    // The shortest exact form has digits and at most one point, unless it is too large to be kept.
    let exact = Number::parse(number).ok()?.to_string();
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    if fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction}{}", "0".repeat(places.saturating_sub(fraction.len()))).parse().ok()
}

impl Checker<'_> {
    /// The number that a setting holds, as written.
    fn number_text(&mut self, value: Option<&Spanned<Value>>) -> Option<(String, Span)> {
        let value = value?;
        if let Value::Money(text) = &value.node {
            return Some((text.clone(), value.span));
        }
        let text = self.text(Some(value))?;
        Some((text.node.trim_start_matches('$').to_owned(), text.span))
    }

    fn wrong_quantity<T>(&mut self, key: &str, what: &str, example: &str, span: Span) -> Option<T> {
        let message = format!("`{key}` takes {what}");
        self.say(codes::WRONG_VALUE, span, message, format!("write `{key} = {example}`"));
        None
    }

    /// An amount of money in micro-dollars.
    pub fn micros(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<u64> {
        let (text, span) = self.number_text(value)?;
        shifted(&text, MONEY_PLACES).or_else(|| {
            let what = "an amount of dollars, not below zero, with at most six decimal places";
            self.wrong_quantity(key, what, "$10", span)
        })
    }

    /// A share from 0 to 1, in millionths.
    pub fn millionths(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<u32> {
        let (text, span) = self.number_text(value)?;
        let found = shifted(&text, MONEY_PLACES).filter(|share| *share <= 1_000_000);
        found.and_then(|share| u32::try_from(share).ok()).or_else(|| {
            let what = "a share from 0 to 1 with at most six decimal places";
            self.wrong_quantity(key, what, "0.8", span)
        })
    }

    /// A whole number above zero.
    pub fn count(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<u32> {
        let span = value?.span;
        let number = self.whole(key, value)?;
        if number > 0 {
            return Some(number);
        }
        self.wrong_quantity(key, "a number above zero", "10", span)
    }

    /// A TCP port.
    pub fn port(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<u16> {
        let (text, span) = self.number_text(value)?;
        let port = shifted(&text, 0).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
        port.or_else(|| self.wrong_quantity(key, "a port from 1 to 65535", "8080", span))
    }

    /// Bytes.
    pub fn bytes(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<u64> {
        let span = value?.span;
        let text = match &value?.node {
            Value::Size(text) => text.clone(),
            _ => self.text(value)?.node,
        };
        let bytes = size_bytes(&text).or_else(|| shifted(&text, 0)).filter(|bytes| *bytes > 0);
        bytes.or_else(|| self.wrong_quantity(key, "a size above zero", "10mb", span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        for (text, expected) in [
            ("10", Some(10_000_000)),
            ("0.000001", Some(1)),
            ("12.50", Some(12_500_000)),
            ("1e3", Some(1_000_000_000)),
            ("0.0000001", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("x", None),
        ] {
            assert_eq!(shifted(text, MONEY_PLACES), expected, "{text}");
        }
    }
}
