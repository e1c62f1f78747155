//! What is offered where, as tables of a policy with a cursor, what must be among the items, and what must not.

use crate::completion::items;
use crate::document::index;
use crate::marked::marked;

fn labels(text: &str) -> Vec<String> {
    let (document, offset) = marked(text);
    items(&document, offset, true).into_iter().map(|item| item.label).collect()
}

/// The text after the item `label` is taken.
fn taken(text: &str, label: &str, snippets: bool) -> String {
    let (document, offset) = marked(text);
    let item = items(&document, offset, snippets).into_iter().find(|item| item.label == label);
    let Some(lsp_types::CompletionTextEdit::Edit(edit)) = item.and_then(|item| item.text_edit) else {
        return format!("`{label}` is not offered");
    };
    let span = document.lines.span(edit.range);
    let mut text = document.text.clone();
    text.replace_range(index(span.start)..index(span.end), &edit.new_text);
    text
}

const NONE: &[&str] = &[];

#[test]
fn every_place_offers_what_belongs_there() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("¦", &["agent", "runtime", "import", "permit", "default", "var"], &["wal_dir", "if"]),
        (
            "agent \"a\" {\n  ¦\n}",
            &["default", "rules", "budget", "permit", "deny!"],
            &["runtime", "wal_dir"],
        ),
        ("agent \"a\" {\n  default deny\n  bud¦\n}", &["budget"], &["wal_dir"]),
        ("agent \"a\" { default ¦ }", &["permit", "defer", "deny"], &["deny!", "budget"]),
        ("runtime { ¦ }", &["mode", "wal_dir", "timezone"], &["permit", "agent"]),
        ("runtime { mode = ¦ }", &["\"enforce\"", "\"audit\""], &["mode"]),
        ("runtime { mode = \"¦\" }", &["\"enforce\"", "\"audit\""], &["mode"]),
        ("runtime { mode = \"audit\" ba¦ }", &["backend"], &["\"audit\""]),
        ("runtime { mode = \"audit\"\n  ¦\n}", &["backend"], &["\"audit\""]),
        ("runtime { allow_self_declared_identity = ¦ }", &["true", "false"], NONE),
        ("agent \"a\" { budget daily { max $5 on_exceed ¦ } }", &["deny", "defer", "audit"], &["max"]),
        ("agent \"a\" { budget daily { max $5 ¦ } }", &["on_exceed", "window"], &["deny", "permit"]),
        ("agent \"a\" {\n  rules {\n    ¦\n  }\n}", &["permit", "defer", "deny", "deny!"], &["budget", "if"]),
        ("rules {\n  permit ¦\n  deny stripe/refund\n}", &["stripe/refund", "*"], &["if", "permit"]),
        ("rules {\n  permit a/b\n  deny a/¦\n}", &["a/b"], &["if"]),
        ("rules { permit refund ¦ }", &["if", "reason", "host"], &["permit", "=="]),
        ("rules {\n  permit refund\n    ¦\n}", &["permit", "if", "reason"], &["=="]),
        ("var limit = 5\nrules { permit refund if ¦ }", &["limit", "has", "time"], &["permit", "=="]),
        ("rules { permit a if amount > 1 }\nrules { permit b if ¦ }", &["amount"], NONE),
        ("rules { permit refund if amount ¦ }", &["==", "<", "in", "and", "reason"], &["permit", "has"]),
        ("rules { permit refund if amount < ¦ }", &["has", "vars"], &["==", "reason"]),
        ("rules { permit refund if amount < 5 ¦ }", &["and", "or", "reason"], &["has", "permit"]),
        ("rules { permit refund if amount < 5 and ¦ }", &["has", "not"], &["and"]),
        ("rules { permit refund if time.¦ }", &["hour", "weekday", "now"], &["starts_with", "has"]),
        ("rules { permit refund if time.weekday == \"¦\" }", &["\"mon\"", "\"sun\""], &["has"]),
        ("rules { permit refund if time.weekday in [\"¦\"] }", &["\"mon\""], &["has"]),
        ("rules { permit refund if name.¦ }", &["starts_with", "lower", "domain"], &["hour"]),
        ("rules { permit a if card.number == 1\n permit b if card.¦ }", &["number", "length"], NONE),
        ("rules { permit refund if session.¦ }", &["id", "count", "sum"], &["hour"]),
        ("var limit = 5\nrules { permit refund if vars.¦ }", &["limit"], &["starts_with"]),
        ("agent \"b\" { }\nagent \"a\" { rules { permit x if agent == ¦ } }", &["\"a\"", "\"b\""], NONE),
        ("agent \"b\" { }\nagent \"a\" { spawn { allow = [¦] } }", &["\"b\""], &["permit"]),
        ("agent \"b\" { }\nmanifest grant ¦", &["b"], &["to"]),
        ("agent \"b\" { }\nmanifest grant b ¦", &["to"], &["b"]),
        ("import \"x/policies/stripe@1.0.0\" as stripe\nagent \"a\" { use ¦ }", &["stripe"], &["permit"]),
        ("agent \"a\" { redact ¦ }\nagent \"b\" { permit refund }", &["refund"], &["permit"]),
        ("agent \"a\" { completion_gate { require ¦ } }", &["no_pending_approvals", "called"], NONE),
        ("agent \"a\" { rate_limit x: 5 per ¦ }", &["minute", "hour"], &["burst"]),
        ("rules { permit get method ¦ }", &["\"GET\"", "\"POST\""], &["if"]),
        ("rules { permit get explain ¦ }", &["true", "false"], &["if"]),
        // What is no place for any offer.
        ("# permit ¦", NONE, &["permit"]),
        ("rules { permit refund reason \"no ¦\" }", NONE, &["if", "permit", "*"]),
        // A half-written statement, and nothing closed.
        ("agent \"a\" {\n  rules {\n    permit refund if amount < ¦", &["has"], &["permit", "budget"]),
        ("agent \"a\" {\n  rules {\n    permit x\n    per¦", &["permit"], &["budget"]),
        ("agent \"a\" {\n  budget daily {\n    on¦", &["on_exceed"], &["rules"]),
        ("agent \"a\" { rules { permit ( } }\nagent \"b\" {\n  ¦\n}", &["default", "budget"], &["runtime"]),
    ];
    let mut wrong = Vec::new();
    for (text, offered, absent) in cases {
        let labels = labels(text);
        let has = |label: &&&str| labels.iter().any(|known| known == **label);
        let missing: Vec<_> = offered.iter().filter(|label| !has(label)).collect();
        let surplus: Vec<_> = absent.iter().filter(has).collect();
        if !missing.is_empty() || !surplus.is_empty() {
            wrong.push(format!("{text}\n  lacks {missing:?}, has {surplus:?} of {labels:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_item_replaces_what_is_typed() {
    let mut wrong = Vec::new();
    for (text, label, snippets, expected) in [
        ("rules { per¦ }", "permit", true, "rules { permit }"),
        ("rules { permit a/b deny a¦ }", "a/b", true, "rules { permit a/b deny a/b }"),
        ("rules { permit a/x\ndeny a/¦ }", "a/x", true, "rules { permit a/x\ndeny a/x }"),
        ("runtime { mode = \"en¦\" }", "\"enforce\"", true, "runtime { mode = \"enforce\" }"),
        ("runtime { mode = \"en¦\n}", "\"enforce\"", true, "runtime { mode = \"enforce\"\n}"),
        ("runtime { mo¦ }", "mode", false, "runtime { mode =  }"),
        ("runtime { wal¦ }", "wal_dir", true, "runtime { wal_dir = \"$0\" }"),
        ("runtime { wal¦ }", "wal_dir", false, "runtime { wal_dir = \"\" }"),
        ("rules { permit t if a.lo¦ }", "lower", true, "rules { permit t if a.lower }"),
        ("# 😀\nrules { permit t if 😀 a.lo¦ }", "lower", true, "# 😀\nrules { permit t if 😀 a.lower }"),
        ("agent \"a\" { ru¦ }", "rules", false, "agent \"a\" { rules {\n  \n} }"),
        ("agent \"a\" { budg¦ }", "budget", false, "agent \"a\" { budget \"name\" {\n  \n} }"),
    ] {
        let found = taken(text, label, snippets);
        if found != expected {
            wrong.push(format!("{text}\n  gives {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever is deleted or cut off, at every place something is answered and nothing panics.
#[test]
fn no_place_of_a_broken_file_panics() {
    let text = r#"import "x/policies/stripe@1.0.0" as stripe
runtime { mode = "audit" strip_env = ["A", 'é'] }
agent "😀" {
  use stripe { limit = $5 }
  rate_limit "stripe/*": 10 per 30s burst 2
  redact refund args: ["card.number"] seal
  rules { deny! shell/*; permit refund if not (a.b["c"][0] < $5 or x in [1, "é"]) host *.a.com reason: "b" }
  delegate b { scope = [a/b] ttl 5m }
  completion_gate { require called tests/* }
}
manifest grant a to b max 3 approval
"#;
    for cut in (0..text.len()).filter(|&cut| text.is_char_boundary(cut)) {
        let _ = labels(&format!("{}¦", &text[..cut]));
        let _ = labels(&format!("¦{}", &text[cut..]));
    }
}
