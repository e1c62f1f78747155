//! A record on one line, for streams, and its arguments in few characters.

use faramesh_call::{Value, json};

use crate::views::json::{at, list, number, text};
use crate::views::table::counted;
use crate::views::{time, words};

/// Longest arguments on one line, in characters.
const ARGS_WIDTH: usize = 48;
/// Longest single argument on one line, in characters.
const ARG_WIDTH: usize = 32;

/// `amount=80 customer="c-1" card.number="[redacted]"`, cut where the line is full.
pub fn short_args(args: &Value) -> String {
    let Some(object) = args.as_object() else {
        return if *args == Value::Null { String::new() } else { cut(&compact(args), ARGS_WIDTH) };
    };
    let parts: Vec<String> =
        object.iter().map(|(key, value)| format!("{key}={}", cut(&compact(value), ARG_WIDTH))).collect();
    cut(&parts.join(" "), ARGS_WIDTH)
}

fn compact(value: &Value) -> String {
    if value.as_str().is_some_and(faramesh_seal::is_sealed) {
        return "[sealed]".to_owned();
    }
    let text = String::from_utf8_lossy(&json::canonical(value)).into_owned();
    // What an agent sends must not steer the terminal of whoever reads it.
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// Text that comes from a call, safe to show: no control characters, one line.
pub fn safe(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// The first characters of a text, with an ellipsis when there are more.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A record as one line, its reason on a second one when it is no permit.
pub fn line(record: &Value) -> String {
    match text(record, &["kind"]) {
        "decision" => decision(record),
        "approval" => answer(record),
        kind => event(record, kind),
    }
}

fn decision(record: &Value) -> String {
    let mut line = format!(
        "{}  {}  {}  {}",
        words::faint(&time::clock(text(record, &["time"]))),
        words::wide_effect(text(record, &["effect"])),
        safe(agent(record)),
        safe(text(record, &["tool"])),
    );
    let args = at(record, &["args"]).map(short_args).unwrap_or_default();
    let place = match text(record, &["rule", "ref"]) {
        "" => "default",
        place => place,
    };
    for part in [args.as_str(), place] {
        if !part.is_empty() {
            line.push_str("  ");
            line.push_str(&words::faint(part));
        }
    }
    if at(record, &["enforced"]).and_then(Value::as_bool) == Some(false) {
        line.push_str("  (audit mode: not enforced)");
    }
    let reason = text(record, &["reason"]);
    if !reason.is_empty() {
        line.push_str(&format!("\n{INDENT}{}: {}", text(record, &["code"]), safe(reason)));
    } else if text(record, &["code"]) == "APPROVED" {
        let by = text(record, &["approval", "by"]);
        line.push_str(&format!(
            "\n{INDENT}APPROVED by {by}: {}",
            safe(text(record, &["approval", "reason"]))
        ));
    }
    line
}

/// Below the word of a decision.
pub const INDENT: &str = "           ";

fn answer(record: &Value) -> String {
    let change = list(record, &["changes"]).first().cloned().unwrap_or_default();
    let time = words::faint(&time::clock(text(record, &["time"])));
    let status = words::status(text(record, &["approval", "status"]));
    let id = text(record, &["approval", "id"]);
    let by = text(&change, &["by"]);
    format!("{time}  {status}  {id}  by {by}: {}", safe(text(&change, &["reason"])))
}

fn event(record: &Value, kind: &str) -> String {
    let time = words::faint(&time::clock(text(record, &["time"])));
    let what = match kind {
        "policy" => format!("{} in force, by {}", text(record, &["policy"]), text(record, &["detail", "by"])),
        "lifecycle" if text(record, &["detail", "event"]) == "unknown_callers" => unknown_callers(record),
        "lifecycle" => text(record, &["detail", "state"]).to_owned(),
        "outcome" => {
            let (status, error) = (text(record, &["detail", "status"]), text(record, &["detail", "error"]));
            format!("{} {} {status} {error}", agent(record), text(record, &["tool"]))
        }
        _ => format!("{} {}", agent(record), at(record, &["detail"]).map(short_args).unwrap_or_default()),
    };
    format!("{time}  · {kind:<9} {}", words::faint(&safe(what.trim()))).trim_end().to_owned()
}

/// Who knocked at a door, as far as it is told.
fn unknown_callers(record: &Value) -> String {
    let detail = |key: &str| number(record, &["detail", key]);
    let addresses = list(record, &["detail", "addresses"]);
    let shown: Vec<&str> = addresses.iter().map(|entry| text(entry, &["address"])).collect();
    let more = if detail("elsewhere") > 0 { " and others" } else { "" };
    let handshakes = match detail("handshakes") {
        0 => String::new(),
        count => format!(", {}", counted(count, "failed handshake")),
    };
    let requests = counted(detail("requests"), "request");
    format!("unknown callers: {requests}{handshakes} from {}{more}", shown.join(" "))
}

fn agent(record: &Value) -> &str {
    text(record, &["agent"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn arguments_are_short() {
        for (args, expected) in [
            (r#"{"amount":80,"to":"a"}"#, r#"amount=80 to="a""#),
            ("null", ""),
            ("{}", ""),
            (r#"["x"]"#, r#"["x"]"#),
            (r#"{"a":"\u001b[2J"}"#, r#"a="\u001b[2J""#),
        ] {
            assert_eq!(short_args(&parse(args)), expected);
        }
        let long = short_args(&parse(&format!(r#"{{"text":"{}"}}"#, "x".repeat(100))));
        assert_eq!(long.chars().count(), "text=".len() + ARG_WIDTH);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn unknown_callers_are_shown_together() {
        for (detail, expected) in [
            (
                r#""requests":1,"handshakes":0,"elsewhere":0,"addresses":[{"address":"192.0.2.1","count":1}]"#,
                "unknown callers: 1 request from 192.0.2.1",
            ),
            (
                r#""requests":1042,"handshakes":2,"elsewhere":7,"addresses":[{"address":"192.0.2.1","count":9},{"address":"::1","count":8}]"#,
                "unknown callers: 1,042 requests, 2 failed handshakes from 192.0.2.1 ::1 and others",
            ),
        ] {
            let record = parse(&format!(
                r#"{{"kind":"lifecycle","time":"2026-11-20T09:30:00.123Z","detail":{{"event":"unknown_callers",{detail}}}}}"#
            ));
            let text = anstream::adapter::strip_str(&line(&record)).to_string();
            assert_eq!(text, format!("09:30:00Z  · lifecycle {expected}"));
        }
    }

    #[test]
    fn nothing_from_a_call_steers_the_terminal() {
        let record = parse(
            r#"{"kind":"decision","effect":"deny","code":"POLICY_DENY","tool":"a\u001b[2Jb","agent":"x\u0007",
            "reason":"no\u001b]0;title\u0007","time":"2026-11-20T09:30:00.123Z"}"#,
        );
        let text = anstream::adapter::strip_str(&line(&record)).to_string();
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
        assert!(text.starts_with("09:30:00Z  ✗ deny    x\u{fffd}  a\u{fffd}[2Jb  default\n"), "{text}");
    }
}
