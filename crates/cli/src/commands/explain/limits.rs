//! The rates and budgets that a decision read, from its record: what was used before the call, and
//! what the call took. Leaves out the ceilings, which are the policy's.

use faramesh_call::money::dollars;
use faramesh_call::{Object, Value};

use crate::views::json::{list, text as member};
use crate::views::record::safe;
use crate::views::table::pairs;

/// A line for each rate limit and budget; `None` when the call counted for none.
pub fn text(record: &Value) -> Option<String> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let changes = list(record, &["changes"]);
    let change = |kind: &str| changes.iter().find(|change| member(change, &["change"]) == kind);
    let taken = change("tokens_taken").and_then(|change| change.get("buckets")).and_then(Value::as_object);
    let read = |kind: &str| record.get("inputs")?.get(kind)?.as_object();
    for (key, bucket) in members(read("buckets")) {
        let after = taken.is_some_and(|taken| taken.get(key).is_some());
        let now = if after { ", one more for this call" } else { ", and no room for this call" };
        lines.push(("rate limit", format!("{}: {} in use before it{now}", safe(key), tokens(key, bucket))));
    }
    for (key, _) in
        members(taken).filter(|(key, _)| read("buckets").is_none_or(|read| read.get(key).is_none()))
    {
        lines.push(("rate limit", format!("{}: none in use before it, one for this call", safe(key))));
    }
    for (key, periods) in members(read("meters")) {
        lines.push(("budget", format!("{}: {} before it", name(key), spent(periods))));
    }
    for charge in change("reserved").map(|change| list(change, &["charges"])).unwrap_or_default() {
        let cost = dollars(micros(charge));
        lines.push(("reserved", format!("{}: ${cost} and 1 call", name(member(charge, &["meter"])))));
    }
    (!lines.is_empty()).then(|| pairs(&lines))
}

fn members(object: Option<&Object>) -> impl Iterator<Item = (&str, &Value)> {
    object.into_iter().flat_map(Object::iter)
}

/// The name of a budget; its daily ceiling beside another window has a name of its own.
fn name(key: &str) -> String {
    match key.split_once('\n') {
        Some((budget, part)) => format!("{}, {part}", safe(budget)),
        None => safe(key),
    }
}

fn micros(value: &Value) -> u64 {
    value.get("micros").and_then(Value::as_i64).and_then(|micros| u64::try_from(micros).ok()).unwrap_or(0)
}

fn spent(periods: &Value) -> String {
    let (mut money, mut calls) = (0_u64, 0_u64);
    for (_, spent) in members(periods.as_object()) {
        money = money.saturating_add(micros(spent));
        let more = spent.get("calls").and_then(Value::as_i64).and_then(|calls| u64::try_from(calls).ok());
        calls = calls.saturating_add(more.unwrap_or(0));
    }
    format!("${} in {calls} calls", dollars(money))
}

/// Tokens that a bucket misses, rounded up: its key ends with the milliseconds of one.
fn tokens(key: &str, bucket: &Value) -> i64 {
    let period =
        key.rsplit_once(" per ").and_then(|(_, period)| period.split("ms").next()?.parse::<i64>().ok());
    let missing = bucket.get("missing").and_then(Value::as_i64).unwrap_or(0);
    let period = period.unwrap_or(1).max(1);
    missing.saturating_add(period - 1) / period
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_and_taken_is_shown() {
        let record = faramesh_call::json::parse(
            br#"{"inputs":{"buckets":{"pay/* per 60000ms":{"at":5,"full_at":9,"missing":90000}},
            "meters":{"daily":{"day:20777":{"at":5,"calls":3,"micros":8000000,"warned":false}}}},
            "changes":[{"change":"tokens_taken","buckets":{"pay/* per 60000ms":{},"* per 1000ms":{}}},
            {"change":"reserved","charges":[{"meter":"daily\ndaily","micros":5250000}]}]}"#,
        )
        .unwrap();
        let text = text(&record).unwrap();
        for part in [
            "pay/* per 60000ms: 2 in use before it, one more for this call",
            "* per 1000ms: none in use before it, one for this call",
            "daily: $8 in 3 calls before it",
            "daily, daily: $5.25 and 1 call",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(super::text(&Value::Null), None);
    }
}
