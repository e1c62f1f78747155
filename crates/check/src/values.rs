//! What the value of a setting means: environment variables looked up, durations in milliseconds,
//! sizes in bytes, numbers exact.

use faramesh_call::Number;
use faramesh_syntax::ast::{Span, Spanned, Value};
use faramesh_syntax::limits;

use crate::checker::Checker;
use crate::codes;

/// Longest duration: a hundred years, in milliseconds.
const LONGEST_MS: u64 = 100 * 366 * 86_400_000;

/// Milliseconds of `30s`, `15m`, `24h`, `7d`, `2w`, `500ms`; `None` if it is no such text, is no whole
/// number of milliseconds, or is above a hundred years.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)? {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return None,
    };
    scaled(digits, unit).filter(|value| *value <= LONGEST_MS)
}

/// Bytes of `10kb`, `10mb`, `1gb` in powers of 1024; `None` if it is no such text.
pub(crate) fn size_bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        _ => return None,
    };
    scaled(digits, unit)
}

/// `digits × unit` when that is a whole number.
fn scaled(digits: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty()
        || fraction.len() > 6
        || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    let places = u32::try_from(fraction.len()).ok()?;
    let scale = 10_u64.checked_pow(places)?;
    let value: u64 = format!("{whole}{fraction}").parse().ok()?;
    let product = value.checked_mul(unit)?;
    (product % scale == 0).then_some(product / scale)
}

impl Checker<'_> {
    /// The value of `env("NAME", "default")`; reports a variable that is not set.
    pub fn environment(&mut self, name: &str, default: Option<&str>, span: Span) -> Option<String> {
        if let Some(value) = (self.options.environment)(name) {
            if value.len() <= limits::STRING_BYTES {
                return Some(value);
            }
            let message = format!(
                "the environment variable `{name}` is longer than {} KiB",
                limits::STRING_BYTES >> 10
            );
            self.say(codes::WRONG_VALUE, span, message, "set it to a shorter value");
            return None;
        }
        if let Some(default) = default.filter(|_| !self.options.strict_env) {
            return Some(default.to_owned());
        }
        let help = if default.is_some() {
            format!("set `{name}`, or check without `--strict-env` to use the default")
        } else {
            format!("set `{name}`, or give a default: `env(\"{name}\", \"…\")`")
        };
        self.say(
            codes::ENVIRONMENT_UNSET,
            span,
            format!("the environment variable `{name}` is not set"),
            help,
        );
        None
    }

    /// The text of a setting; the type was checked before.
    pub fn text(&mut self, value: Option<&Spanned<Value>>) -> Option<Spanned<String>> {
        let value = value?;
        let node = match &value.node {
            Value::String(text) | Value::Word(text) | Value::Duration(text) | Value::Number(text) => {
                text.clone()
            }
            Value::Bool(value) => value.to_string(),
            Value::Env { name, default } => self.environment(name, default.as_deref(), value.span)?,
            _ => return None,
        };
        Some(Spanned { node, span: value.span })
    }

    /// A text that must not be empty.
    pub fn filled_text(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<String> {
        let text = self.text(value)?;
        if text.node.trim().is_empty() || text.node.contains('\0') {
            let message = format!("`{key}` is empty or has characters that cannot stand in it");
            self.say(codes::WRONG_VALUE, text.span, message, "write its value, or remove the key");
            return None;
        }
        Some(text.node)
    }

    /// One of `words`, from the source or the environment.
    pub fn choice(
        &mut self,
        key: &str,
        words: &[&str],
        value: Option<&Spanned<Value>>,
    ) -> Option<Spanned<String>> {
        let text = self.text(value)?;
        if words.contains(&text.node.as_str()) {
            return Some(text);
        }
        let message = format!(
            "`{key}` takes {}, and the environment says `{}`",
            crate::definitions::one_of(words),
            text.node
        );
        self.say(codes::WRONG_VALUE, text.span, message, "correct the environment variable");
        None
    }

    /// `true` or `false`, from the source or the environment.
    pub fn boolean(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<bool> {
        self.choice(key, &["true", "false"], value).map(|text| text.node == "true")
    }

    /// A duration in milliseconds, longer than none.
    pub fn duration(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<u64> {
        let text = self.text(value)?;
        let duration = duration_ms(&text.node).filter(|value| *value > 0);
        if duration.is_none() {
            let message = format!("`{key}` takes a duration above zero");
            self.say(
                codes::WRONG_VALUE,
                text.span,
                message,
                "write a duration such as `30s`, `15m` or `24h`",
            );
        }
        duration
    }

    /// A whole number of 32 bits.
    pub fn whole(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<u32> {
        let text = self.text(value)?;
        let number = Number::parse(&text.node).ok().and_then(|number| number.to_i64());
        let number = number.and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            let message = format!("`{key}` takes a whole number of at most {}", u32::MAX);
            self.say(codes::WRONG_VALUE, text.span, message, format!("write `{key} = 1000`"));
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("1.5h", Some(5_400_000)),
            ("2w", Some(1_209_600_000)),
            ("0.0001s", None),
            ("10", None),
            ("m", None),
            ("1y", None),
            ("-1s", None),
            ("99999999999999999999s", None),
            ("1000000d", None),
        ] {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("10kb", Some(10_240)),
            ("1.5mb", Some(1_572_864)),
            ("1gb", Some(1 << 30)),
            ("x", None),
            ("1tb", None),
        ] {
            assert_eq!(size_bytes(text), expected, "{text}");
        }
    }
}
