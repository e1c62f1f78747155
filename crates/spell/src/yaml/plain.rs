//! What a scalar without quotes is. Where readers of YAML disagree, nothing is guessed.

use crate::tree::{Data, Style, is_json_number};

/// Why a scalar without quotes is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trap {
    pub message: String,
    pub help: String,
    /// What to write instead, if that is certain.
    pub replacement: Option<String>,
}

/// The scalar that `text`, which is not empty, stands for.
pub(super) fn plain(text: &str) -> Result<Data, Trap> {
    match text {
        "null" | "~" => return Ok(Data::Null),
        "true" => return Ok(Data::Bool(true)),
        "false" => return Ok(Data::Bool(false)),
        _ if is_json_number(text) => return Ok(Data::Number(text.to_owned())),
        _ => {}
    }
    trap(text).map_or_else(|| Ok(Data::Text(text.to_owned(), Style::Plain)), Err)
}

/// Whether a text can be written without quotes and is read as that text.
pub(super) fn is_text(text: &str) -> bool {
    matches!(plain(text), Ok(Data::Text(..)))
}

fn trap(text: &str) -> Option<Trap> {
    let meant = match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" | "true" => Some("true"),
        "no" | "n" | "off" | "false" => Some("false"),
        "null" => Some("null"),
        _ => None,
    };
    if let Some(meant) = meant {
        return Some(Trap {
            message: format!("`{text}` is a text to some readers of YAML and `{meant}` to others"),
            help: format!("write `{meant}`, or `\"{text}\"` for the text"),
            // A single letter is more often the name of something.
            replacement: (text.len() > 1).then(|| meant.to_owned()),
        });
    }
    let kind = number_like(text)?;
    Some(Trap {
        message: format!("`{text}` is a text to some readers of YAML and {kind} to others"),
        help: format!("write `\"{text}\"` for the text, or a decimal number without signs of its own"),
        replacement: None,
    })
}

/// What else a text is to some readers.
fn number_like(text: &str) -> Option<&'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if matches!(lower.as_str(), ".inf" | ".nan") {
        return Some("no real number");
    }
    type Allowed = fn(u8) -> bool;
    let digits = |text: &str, allowed: Allowed| {
        !text.is_empty() && text.bytes().all(|byte| allowed(byte) || byte == b'_')
    };
    let bases: [(&str, Allowed); 3] = [
        ("0x", |byte| byte.is_ascii_hexdigit()),
        ("0o", |byte| byte.is_ascii_digit()),
        ("0b", |byte| matches!(byte, b'0' | b'1')),
    ];
    for (prefix, allowed) in bases {
        if lower.strip_prefix(prefix).is_some_and(|rest| digits(rest, allowed)) {
            return Some("a number in another base");
        }
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') && digits(unsigned, |byte| byte.is_ascii_digit()) {
        return Some("a number in base 8");
    }
    let base_60 = unsigned.rsplit_once(':').is_some_and(|(before, last)| {
        before.split(':').all(|part| digits(part, |byte| byte.is_ascii_digit()))
            && digits(last, |byte| byte.is_ascii_digit() || byte == b'.')
    });
    if base_60 {
        return Some("a number in base 60");
    }
    let parts: Vec<&str> = unsigned.split('-').collect();
    let is_date = matches!(parts.as_slice(), [year, month, day]
        if year.len() == 4 && month.len() <= 2 && day.len() <= 2
            && [year, month, day].iter().all(|part| digits(part, |byte| byte.is_ascii_digit())));
    if is_date {
        return Some("a date");
    }
    let number = lower.replace('_', "");
    let number = number.strip_suffix('.').unwrap_or(&number);
    let number = if number.starts_with('.') { format!("0{number}") } else { number.replace(".e", ".0e") };
    is_json_number(number.trim_start_matches('0').trim_start_matches('.'))
        .then_some("a number")
        .or_else(|| is_json_number(&number).then_some("a number"))
        .filter(|_| number.bytes().any(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_agrees_about() {
        for (text, expected) in [
            ("true", Data::Bool(true)),
            ("false", Data::Bool(false)),
            ("null", Data::Null),
            ("~", Data::Null),
            ("500", Data::Number("500".to_owned())),
            ("-1.50", Data::Number("-1.50".to_owned())),
            ("1e3", Data::Number("1e3".to_owned())),
        ] {
            assert_eq!(plain(text), Ok(expected), "{text}");
        }
        for text in [
            "deny!",
            "$500",
            "15m",
            "stripe/*",
            "127.0.0.1:7000",
            "10.0.0.0/8",
            "1.3.0",
            "a < 5",
            "none",
            "node",
            "10.0.0.1",
            "2fa/send-code",
            "10 per minute",
            "...",
            "12ab",
            "2024-01-01-report",
        ] {
            assert_eq!(plain(text), Ok(Data::Text(text.to_owned(), Style::Plain)), "{text}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        for text in [
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "N",
            "True",
            "FALSE",
            "Null",
            "0755",
            "0o17",
            "0x1F",
            "0b10",
            ".inf",
            "-.INF",
            ".nan",
            "1_000",
            "22:30",
            "1:20:30",
            "2024-01-01",
            "+5",
            ".5",
            "5.",
            "1e+3_0",
            "01.5",
        ] {
            assert!(plain(text).is_err(), "{text}");
        }
    }
}
