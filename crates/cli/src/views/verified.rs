//! What `audit verify` found, for people.

use faramesh_call::Value;

use crate::views::json::{at, list, number, text};
use crate::views::record::safe;
use crate::views::table::{counted, grouped, pairs, table};
use crate::views::{json, time, words};

fn witness(value: &Value) -> String {
    match text(value, &["witness", "key"]).split('+').next() {
        Some(name) if !name.is_empty() => {
            format!(
                "cosigned by {}, up to record {}",
                safe(name),
                grouped(number(value, &["witness", "size"]))
            )
        }
        _ => String::new(),
    }
}

/// What was found, for people.
pub fn view(value: &Value) -> String {
    if !json::is_true(value, &["valid"]) {
        return broken(value);
    }
    let records = number(value, &["records"]);
    let chains = list(value, &["chains"]);
    let source = match text(value, &["source"]) {
        "files" | "postgres" => text(value, &["path"]).to_owned(),
        _ => "fetched from the daemon's memory and checked here; nothing is on disk".to_owned(),
    };
    let mut rows = vec![
        ("ledger", source),
        ("records", format!("{} in {}", grouped(records), counted(number(value, &["epochs"]), "run"))),
        ("from", time::day_and_time(text(value, &["first"]))),
        ("to", time::day_and_time(text(value, &["last"]))),
        ("last hash", if chains.len() > 1 { String::new() } else { text(value, &["last_hash"]).to_owned() }),
        ("signatures", signatures(value)),
        ("witness", witness(value)),
    ];
    rows.extend(extras(value));
    rows.retain(|(_, shown)| !shown.is_empty());
    let elapsed = match number(value, &["elapsed_ms"]) {
        short @ 0..1_000 => format!("{short} ms"),
        long => time::duration(long),
    };
    let mut shown = format!(
        "{}: every record, link and number is as it was written ({elapsed})\n{}",
        words::good("verified"),
        pairs(&rows)
    );
    let keys = list(value, &["signing", "keys"]);
    if !keys.is_empty() {
        let entry = |entry: &Value| {
            let checkpoints = grouped(number(entry, &["checkpoints"]));
            let (first, last) = (number(entry, &["first"]), number(entry, &["last"]));
            let records = if last == 0 { "none".to_owned() } else { format!("{first} to {last}") };
            vec![safe(text(entry, &["key"])), checkpoints, records]
        };
        let lines: Vec<Vec<String>> = keys.iter().map(entry).collect();
        shown.push_str(&format!("\n\n{}", table(&["KEY", "CHECKPOINTS", "RECORDS"], &lines)));
    }
    for (member, name, counts) in [
        ("chains", "instance", "records"),
        ("policies", "policy", "decisions"),
        ("agents", "agent", "records"),
    ] {
        let entries = list(value, &[member]);
        if !entries.is_empty() {
            let entry = |entry: &Value| vec![safe(text(entry, &[name])), grouped(number(entry, &[counts]))];
            let lines: Vec<Vec<String>> = entries.iter().map(entry).collect();
            let header = [name.to_uppercase(), counts.to_uppercase()];
            shown.push_str(&format!("\n\n{}", table(&header.each_ref().map(String::as_str), &lines)));
        }
    }
    shown
}

fn signatures(value: &Value) -> String {
    let checkpoints = number(value, &["signatures"]);
    let chains = list(value, &["chains"]).len();
    if chains > 1 {
        let signed = number(value, &["signed_chains"]);
        return format!("{} on {signed} of {}", counted(checkpoints, "checkpoint"), many(chains, "chain"));
    }
    if at(value, &["signing", "mode"]).is_none() {
        return "none: the chain shows changes, not who wrote it".to_owned();
    }
    let uncovered = number(value, &["signing", "uncovered"]);
    let behind = if uncovered > 0 {
        format!(", {} behind the last", counted(uncovered, "record"))
    } else {
        String::new()
    };
    let off = if text(value, &["signing", "mode"]) == "off" { "; off now" } else { "" };
    format!(
        "{} of {}{behind}{off}",
        counted(checkpoints, "checkpoint"),
        counted(number(value, &["signing", "covered"]), "record")
    )
}

fn many(count: usize, name: &str) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), name)
}

/// What only some ledgers have.
fn extras(value: &Value) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let dev = number(value, &["dev_records"]);
    if dev > 0 {
        rows.push(("trials", format!("{} made by `faramesh dev`", counted(dev, "record"))));
    }
    let archived = number(value, &["archived", "records"]);
    if number(value, &["archived", "segments"]) > 0 {
        let places: Vec<String> =
            list(value, &["archived", "archives"]).iter().filter_map(Value::as_str).map(safe).collect();
        let state = match json::is_true(value, &["archived", "checked"]) {
            true => "read there and checked",
            false => "known by their hashes; `--include-archived` checks them",
        };
        let bodies = counted(archived, "record");
        rows.push(("archived", format!("the bodies of {bodies}, in {}: {state}", places.join(", "))));
    }
    let cuts = list(value, &["cuts"]);
    if !cuts.is_empty() {
        let places: Vec<u64> =
            cuts.iter().filter_map(Value::as_i64).filter_map(|seq| u64::try_from(seq).ok()).collect();
        rows.push(("recovered", format!("incomplete ends were cut and recorded, at {places:?}")));
    }
    let silences = list(value, &["silences"]);
    if let Some(first) = silences.first() {
        let seconds = number(first, &["seconds"]).saturating_mul(1_000);
        let place = number(first, &["record"]);
        let text = format!(
            "{} without a heartbeat, the first of {} before record {place}",
            counted(u64::try_from(silences.len()).unwrap_or(u64::MAX), "pause"),
            time::duration(seconds)
        );
        rows.push(("silences", text));
    }
    for odd in list(value, &["snapshots"]) {
        let (file, why) = (safe(text(odd, &["file"])), safe(text(odd, &["why"])));
        rows.push(("snapshot", format!("{file}: {why}; records are not concerned, and it can be deleted")));
    }
    let incomplete = number(value, &["incomplete_bytes"]);
    if incomplete > 0 {
        rows.push(("unfinished", format!("{incomplete} bytes at the end that no reply was sent for")));
    }
    rows
}

fn broken(value: &Value) -> String {
    let members = ["file", "table", "instance", "byte", "record", "field", "expected", "found"];
    break_of(value, &members, "history is not as it was written")
}

/// Where something is broken, by those of the members that are known.
pub fn break_of(value: &Value, members: &[&'static str], what: &str) -> String {
    let shown = |name: &'static str| {
        let key = match name {
            "byte" => "offset",
            "record" => "seq",
            other => other,
        };
        let shown = match at(value, &["broken", key])? {
            Value::String(found) => safe(found),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!shown.is_empty()).then_some((name, shown))
    };
    let rows: Vec<(&str, String)> = members.iter().copied().filter_map(shown).collect();
    format!("{}: {what}\n{}", words::bad("broken"), pairs(&rows))
}
