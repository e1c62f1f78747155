//! Times, ages and durations: how a person reads them, and how a person writes them.

use std::time::{SystemTime, UNIX_EPOCH};

use faramesh_call::Timestamp;

/// Units of a duration, largest first, in milliseconds.
const UNITS: &[(&str, u64)] =
    &[("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// The time, in milliseconds since 1970.
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// A length of time in its two largest units: `3h 5m`, `12s`.
pub fn duration(milliseconds: u64) -> String {
    let mut rest = milliseconds;
    let mut parts = Vec::new();
    for (unit, length) in UNITS {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// How long ago an RFC 3339 time was, or nothing when it is none.
pub fn age(time: &str, now: Timestamp) -> String {
    Timestamp::parse(time).map_or_else(String::new, |time| duration(now.since_ms(time)))
}

/// How long it is until an RFC 3339 time: `in 3h 5m`, `over`.
pub fn until(time: &str, now: Timestamp) -> String {
    match Timestamp::parse(time) {
        Some(time) if time > now => format!("in {}", duration(time.since_ms(now))),
        Some(_) => "over".to_owned(),
        None => String::new(),
    }
}

/// An RFC 3339 time without its milliseconds: `2026-11-20 09:30:00Z`.
pub fn day_and_time(time: &str) -> String {
    match (time.get(..10), time.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock}Z"),
        _ => time.to_owned(),
    }
}

/// The time of day of an RFC 3339 time: `09:30:00Z`.
pub fn clock(time: &str) -> String {
    time.get(11..19).map_or_else(|| time.to_owned(), |clock| format!("{clock}Z"))
}

/// A point in time as a person writes it: a duration back from now (`24h`, `1h30m`), an RFC 3339 time
/// in UTC, or a day.
///
/// # Errors
/// What could be written instead.
pub fn parse_point(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Some(length) = parse_duration(text) {
        return Ok(Timestamp(now.0.saturating_sub(length)));
    }
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z"))).ok_or_else(|| {
        format!("`{text}` is no time: write a duration such as `24h`, a day such as `2026-11-20`, or `2026-11-20T09:30:00Z`")
    })
}

/// `24h`, `1h30m`, `45s`, in milliseconds.
pub fn parse_duration(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let count: u64 = rest.get(..digits)?.parse().ok()?;
        let tail = rest.get(digits..)?;
        let end = tail.find(|character: char| character.is_ascii_digit()).unwrap_or(tail.len());
        let (_, length) = UNITS.iter().find(|(unit, _)| tail.get(..end) == Some(unit))?;
        total = total.checked_add(count.checked_mul(*length)?)?;
        rest = tail.get(end..)?;
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (milliseconds, expected) in [
            (0, "0s"),
            (999, "0s"),
            (12_000, "12s"),
            (60_000, "1m"),
            (3_600_000 + 5 * 60_000 + 9_000, "1h 5m"),
            (3_600_000 + 9_000, "1h"),
            (8 * 86_400_000, "1w 1d"),
        ] {
            assert_eq!(duration(milliseconds), expected);
        }
    }

    #[test]
    fn points_in_time_are_read() {
        let now = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
        for (text, expected) in [
            ("24h", "2026-11-19T12:00:00.000Z"),
            ("1h30m", "2026-11-20T10:30:00.000Z"),
            ("2026-11-19", "2026-11-19T00:00:00.000Z"),
            ("2026-11-19T01:02:03Z", "2026-11-19T01:02:03.000Z"),
        ] {
            assert_eq!(parse_point(text, now).unwrap().to_string(), expected);
        }
        for text in ["", "h", "24", "24x", "-1h", "yesterday", "2026-13-01", "99999999999999999999h"] {
            assert!(parse_point(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn ages_are_bounded_by_now() {
        let now = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
        assert_eq!(age("2026-11-20T11:58:00Z", now), "2m");
        assert_eq!(age("2026-11-20T12:58:00Z", now), "0s");
        assert_eq!(until("2026-11-20T13:00:00Z", now), "in 1h");
        assert_eq!(until("2026-11-20T11:00:00Z", now), "over");
    }
}
