//! Approvals for people: the table of those that wait, one with all that an approver needs, and the
//! commands that answer it.

use faramesh_call::{Timestamp, Value};

use crate::views::json::{at, list, text};
use crate::views::record::{cut, safe, short_args};
use crate::views::table::{one_line, pairs};
use crate::views::{json, record, time, words};

/// Approvals as a table. The status is a column unless all of them wait.
pub fn listed(approvals: &[Value], now: Timestamp) -> String {
    let with_status = approvals.iter().any(|approval| text(approval, &["status"]) != "pending");
    let mut header = vec!["ID", "AGE", "EXPIRES", "AGENT", "TOOL", "ARGS"];
    if with_status {
        header.insert(1, "STATUS");
    }
    let rows: Vec<Vec<String>> = approvals
        .iter()
        .map(|approval| {
            let mut row = vec![
                text(approval, &["id"]).to_owned(),
                time::age(text(approval, &["deferred_at"]), now),
                time::until(text(approval, &["expires_at"]), now),
                safe(text(approval, &["agent_id"])),
                safe(text(approval, &["tool"])),
                at(approval, &["args"]).map(short_args).unwrap_or_default(),
            ];
            if with_status {
                row.insert(1, text(approval, &["status"]).to_owned());
            }
            row
        })
        .collect();
    one_line(&header, &rows, header.len() - 1)
}

/// One approval, with the facts that an approver needs.
pub fn shown(value: &Value, now: Timestamp) -> String {
    let Some(approval) = value.get("approval") else { return String::new() };
    let context = |key: &str| safe(text(approval, &["context", key]));
    let args = at(approval, &["args"]).map(json::indented).unwrap_or_default();
    let rule = match text(value, &["rule_text"]) {
        "" => String::new(),
        rule => format!("  {}", words::faint(rule)),
    };
    let mut rows = vec![
        ("status", words::status(text(approval, &["status"]))),
        ("agent", format!("{} ({})", safe(text(approval, &["agent_id"])), context("requester"))),
        ("tool", safe(text(approval, &["tool"]))),
        ("args", args),
        ("rule", format!("{}{rule}", text(approval, &["rule_ref"]))),
        ("why", context("reason")),
        ("session", context("session")),
        ("waits since", since(text(approval, &["deferred_at"]), now)),
        ("expires", expires(text(approval, &["expires_at"]), now)),
        ("approvals", people(approval)),
        ("record", context("action_id")),
    ];
    if let Some(resolution) = approval.get("resolution") {
        rows.push(("answer", resolution_line(resolution)));
    }
    rows.retain(|(_, value)| !value.is_empty());
    let mut shown = format!("{}\n{}", words::heading(text(approval, &["id"])), pairs(&rows));
    let recent = list(value, &["recent"]);
    if !recent.is_empty() {
        let lines: Vec<String> =
            recent.iter().map(|record| format!("  {}", record::line(record).replace('\n', "\n  "))).collect();
        shown.push_str(&format!(
            "\n\n{}\n{}",
            words::heading("recent actions of this agent"),
            lines.join("\n")
        ));
    }
    shown
}

/// How many people must approve, and who has; empty when one is enough.
fn people(approval: &Value) -> String {
    let needed = json::number(approval, &["approvals_required"]);
    if needed < 2 {
        return String::new();
    }
    let by: Vec<&str> = list(approval, &["approved_by"]).iter().filter_map(Value::as_str).collect();
    let who = if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) };
    format!("{} of {needed} people{who}", by.len())
}

fn since(at: &str, now: Timestamp) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!("{} ({} ago)", time::day_and_time(at), time::age(at, now))
    }
}

fn expires(at: &str, now: Timestamp) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!("{} ({})", time::day_and_time(at), time::until(at, now))
    }
}

fn resolution_line(resolution: &Value) -> String {
    let word = if json::is_true(resolution, &["approved"]) { "approved" } else { "denied" };
    let (by, reason) = (text(resolution, &["by"]), safe(text(resolution, &["reason"])));
    format!("{} by {by} at {}: {reason}", words::status(word), time::day_and_time(text(resolution, &["at"])))
}

/// One approval on one line: who wants what.
pub fn line(approval: &Value) -> String {
    format!(
        "{}  {}  {}  {}  {}",
        words::status(text(approval, &["status"])),
        text(approval, &["id"]),
        safe(text(approval, &["agent_id"])),
        safe(text(approval, &["tool"])),
        words::faint(&cut(&at(approval, &["args"]).map(short_args).unwrap_or_default(), 40)),
    )
}

/// The two commands that answer an approval; `place` is ` --dir DIR` where it is needed.
pub fn answers(id: &str, place: &str) -> [String; 2] {
    ["approve", "deny"].map(|word| format!("faramesh approvals {word} {id}{place} --reason \"…\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "apr-0123456789abcdef0123456789abcdef";

    fn approval(status: &str) -> Value {
        let text = format!(
            r#"{{"id":"{ID}","status":"{status}","agent_id":"support-bot","tool":"stripe/refund",
            "args":{{"amount":8000}},"deferred_at":"2026-11-20T11:58:00.000Z","expires_at":"2026-11-21T11:58:00.000Z",
            "rule_ref":"governance.fms:9","context":{{"requester":"uid:1000","action_id":"dpr-1","reason":"needs a person"}}}}"#
        );
        faramesh_call::json::parse(text.as_bytes()).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-20T12:00:00Z").unwrap()
    }

    #[test]
    fn a_table_of_those_that_wait() {
        let text = listed(&[approval("pending")], now());
        let mut lines = text.lines();
        assert_eq!(
            lines.next().unwrap().split_whitespace().collect::<Vec<_>>(),
            ["ID", "AGE", "EXPIRES", "AGENT", "TOOL", "ARGS"]
        );
        let cells: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(cells, [ID, "2m", "in", "23h", "58m", "support-bot", "stripe/refund", "amount=8000"]);
        assert!(listed(&[approval("denied")], now()).contains("STATUS"));
    }

    #[test]
    fn one_approval_names_everything() {
        let value = Value::Object([("approval", approval("pending"))].into_iter().collect());
        let shown = anstream::adapter::strip_str(&shown(&value, now())).to_string();
        for part in [
            ID,
            "⧗ pending",
            "uid:1000",
            "\"amount\": 8000",
            "governance.fms:9",
            "in 23h 58m",
            "needs a person",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}
