//! An operator stops an agent and lets it go on, and everybody who looks is told.

use std::path::PathBuf;
use std::time::Duration;

use crate::stack::{POLICY, Stack, ask, at, govern, text};

#[test]
fn an_agent_is_stopped_and_goes_on() {
    let mut stack = Stack::with(POLICY);
    let socket = stack.dev(&[]);
    let search = || govern(&socket, "docs/search", "{}");
    assert_eq!(text(&search(), &["effect"]), "PERMIT");
    let unreasoned = stack.run(&["agent", "kill", "support-bot"]);
    assert_eq!((unreasoned.exit, unreasoned.stderr.contains("hint: give one with `--reason")), (2, true));
    let unknown = stack.run(&["agent", "kill", "suport-bot", "--reason", "x"]);
    assert_eq!((unknown.exit, unknown.stderr.contains("hint: `faramesh agent list`")), (1, true));

    let killed = stack.run(&["agent", "kill", "support-bot", "--reason", "it paid twice"]);
    assert!(killed.exit == 0 && killed.stdout.contains("✗ killed support-bot"), "{}", killed.stdout);
    assert!(killed.stderr.contains("agent resume support-bot"), "{}", killed.stderr);
    let denied = search();
    assert_eq!(
        (text(&denied, &["code"]), text(&denied, &["resolution", "type"])),
        ("AGENT_KILLED", "operator")
    );
    let again = stack.run(&["agent", "kill", "support-bot", "--reason", "x"]);
    assert!(again.exit == 1 && again.stderr.contains("killed already"), "{}", again.stderr);
    let listed = stack.json(&["agent", "list"]);
    let agent = &at(&listed, &["agents"]).as_list().unwrap()[0];
    assert_eq!((text(agent, &["standing"]), text(agent, &["reason"])), ("killed", "it paid twice"));
    let shown = stack.run(&["agent", "show", "support-bot"]);
    assert!(
        shown.stdout.contains("it paid twice") && shown.stdout.contains("docs/search"),
        "{}",
        shown.stdout
    );
    let status = stack.run(&["status"]);
    assert!(status.stdout.contains("agent `support-bot` is killed"), "{}", status.stdout);
    let explained = stack.run(&["explain", text(&denied, &["action_id"])]);
    assert!(explained.stdout.contains("AGENT_KILLED"), "{}", explained.stdout);

    assert_eq!(stack.run(&["agent", "resume", "support-bot", "--reason", "mended"]).exit, 0);
    assert_eq!(text(&search(), &["effect"]), "PERMIT");
    let emergencies = stack.run(&["audit", "ls", "--kind", "emergency", "--format", "jsonl"]);
    assert_eq!(emergencies.stdout.lines().count(), 2, "{}", emergencies.stdout);
}

#[test]
fn calls_of_a_kind_are_answered_beforehand() {
    let mut stack = Stack::with(POLICY);
    let socket = stack.dev(&[]);
    let refund = |id: &str| {
        govern(&socket, "stripe/refund", &format!("{{\"amount\":700,\"customer\":{{\"id\":\"{id}\"}}}}"))
    };
    assert_eq!(text(&refund("c1"), &["effect"]), "DEFER");
    let grant =
        ["approvals", "grant", "--agent", "support-bot", "--tool", "stripe/*", "--where", "customer.id=c1"];
    let unreasoned = stack.run(&grant);
    assert_eq!((unreasoned.exit, unreasoned.stderr.contains("hint: give one with `--reason")), (2, true));
    let unknown = stack.run(&["approvals", "grant", "--agent", "bot", "--tool", "x", "--reason", "r"]);
    assert!(
        unknown.exit == 1 && unknown.stderr.contains("hint: `faramesh agent list`"),
        "{}",
        unknown.stderr
    );
    let given = stack.run(&[&grant[..], &["--uses", "2", "--ttl", "30m", "--reason", "agreed"]].concat());
    assert!(
        given.exit == 0 && given.stdout.contains("2 calls of stripe/* by support-bot"),
        "{}{}",
        given.stdout,
        given.stderr
    );
    // Under `dev` the one who gave it is the one who asks, and nobody grants their own calls.
    assert_eq!(text(&refund("c1"), &["effect"]), "DEFER");
    let listed = stack.json(&["approvals", "grants"]);
    let grants = at(&listed, &["grants"]).as_list().unwrap();
    assert_eq!((grants.len(), text(&grants[0], &["tool"])), (1, "stripe/*"));
    let id = text(&grants[0], &["id"]).to_owned();
    assert_eq!(stack.run(&["approvals", "revoke", &id, "--reason", "over"]).exit, 0);
    let again = stack.run(&["approvals", "revoke", &id, "--reason", "over"]);
    assert!(again.exit == 1 && again.stderr.contains("approvals grants"), "{}", again.stderr);
    let kinds = stack.run(&["audit", "ls", "--kind", "grant", "--format", "jsonl"]);
    assert_eq!(kinds.stdout.lines().count(), 2, "{}", kinds.stdout);
}

#[test]
fn calls_that_are_alike_are_answered_together() {
    let policy = r#"runtime { allow_self_declared_identity = true }
agent "a" { default defer }
agent "b" { default defer }
"#;
    let mut stack = Stack::with(policy);
    let socket = stack.dev(&[]);
    let call = |agent: &str, path: &str| {
        let params = format!(r#"{{"agent_id":"{agent}","tool":"files/delete","args":{{"path":"{path}"}}}}"#);
        ask(&socket, "govern", &params)
    };
    let first = call("a", "/tmp/x");
    call("b", "/tmp/x");
    call("b", "/etc/passwd");
    let id = text(&first, &["approval_id"]).to_owned();
    let unasked = stack.run(&["approvals", "deny", &id, "--same", "--reason", "use the trash folder"]);
    assert_eq!((unasked.exit, unasked.stderr.contains("deny 2 calls")), (2, true), "{}", unasked.stderr);
    assert_eq!(at(&stack.json(&["approvals", "list"]), &["approvals"]).as_list().unwrap().len(), 3);

    let denied =
        stack.json(&["approvals", "deny", &id, "--same", "--yes", "--reason", "use the trash folder"]);
    assert_eq!(at(&denied, &["approvals"]).as_list().unwrap().len(), 2);
    for agent in ["a", "b"] {
        let reply = call(agent, "/tmp/x");
        assert_eq!((text(&reply, &["effect"]), text(&reply, &["code"])), ("DENY", "APPROVAL_DENIED"));
        assert_eq!(text(&reply, &["human_message"]), "use the trash folder");
    }
    assert_eq!(text(&call("b", "/etc/passwd"), &["effect"]), "DEFER");
    let records = stack.run(&["audit", "ls", "--kind", "approval", "--format", "jsonl"]);
    assert_eq!(records.stdout.lines().count(), 2, "{}", records.stdout);
    let again = stack.run(&["approvals", "approve", &id, "--same", "--yes", "--reason", "x"]);
    assert!(again.exit == 1 && again.stderr.contains("no call like that"), "{}", again.stderr);
    let alone = stack.run(&["approvals", "approve", &id, "--yes", "--reason", "x"]);
    assert!(alone.exit == 2 && alone.stderr.contains("--same"), "{}", alone.stderr);
}

#[test]
fn people_are_told_and_no_argument_is() {
    let policy = r##"runtime { allow_self_declared_identity = true }
provider "desk" { type = "slack" token = env("NO_TOKEN_IS_SET_HERE") }
agent "a" {
  default deny
  rules { defer files/delete reason "deleting needs a person" notify "#files"  permit files/read }
  alert { on = ["deny", "defer"] notify = "stderr://" tools = ["files/*"] }
}
agent "b" { default deny  rules { permit clock/read notify "stderr://"  permit clock/list } }
alert "everywhere" { on = "deny" notify = "stderr://" tools = ["mail/*"] }
"##;
    let mut stack = Stack::with(policy);
    let socket = stack.dev(&[]);
    let call = |agent: &str, tool: &str| {
        let params = format!(r#"{{"agent_id":"{agent}","tool":"{tool}","args":{{"path":"CANARY"}}}}"#);
        ask(&socket, "govern", &params)
    };
    call("b", "files/other");
    call("a", "mail/send");
    call("a", "files/read");
    call("b", "clock/list");
    call("b", "clock/read");
    let deferred = call("a", "files/delete");
    let status = stack.json(&["status"]);
    let sinks = at(&status, &["ledger", "sinks"]).as_list().unwrap();
    let slack = sinks
        .iter()
        .find(|sink| text(sink, &["type"]) == "slack-alert")
        .unwrap_or_else(|| panic!("{status:?}"));
    assert!(text(slack, &["last_error", "message"]).contains("NO_TOKEN_IS_SET_HERE"), "{slack:?}");
    let told = stack.stop_dev_heard();
    let alerts: Vec<&str> = told.lines().filter(|line| line.starts_with("alert: ")).collect();
    assert_eq!(alerts.len(), 3, "{told}");
    assert!(alerts[0].starts_with("alert: deny mail/send by a (POLICY_DENY)"), "{told}");
    let line = "alert: defer files/delete by a (POLICY_DEFER): deleting needs a person";
    assert!(alerts[1].starts_with("alert: permit clock/read by b (POLICY_PERMIT)"), "{told}");
    assert!(alerts[2].starts_with(line) && alerts[2].contains(text(&deferred, &["approval_id"])), "{told}");
    assert!(!alerts.concat().contains("CANARY"), "{told}");
}

#[test]
fn a_daemon_that_has_just_started_can_deny_every_call_for_a_while() {
    let policy = r#"runtime { allow_self_declared_identity = true  cold_start_deny_window = 3s }
default deny
rules { permit files/read }
"#;
    let mut stack = Stack::with(policy);
    let applied = stack.json(&["apply"]);
    let socket = PathBuf::from(text(&applied, &["socket"]));
    let denied = govern(&socket, "files/read", "{}");
    assert_eq!((text(&denied, &["effect"]), text(&denied, &["code"])), ("DENY", "DAEMON_NOT_READY"));
    let wait = at(&denied, &["resolution", "retry_after_seconds"])
        .as_i64()
        .and_then(|wait| u64::try_from(wait).ok())
        .unwrap();
    assert!((1..=3).contains(&wait), "{denied:?}");
    let told = stack.run(&["status"]);
    assert!(told.stdout.contains("`cold_start_deny_window`: every call is denied"), "{}", told.stdout);
    std::thread::sleep(Duration::from_secs(wait));
    assert_eq!(text(&govern(&socket, "files/read", "{}"), &["effect"]), "PERMIT");
    assert!(!stack.run(&["status"]).stdout.contains("cold_start_deny_window"));
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    // A trial does not wait.
    let socket = stack.dev(&[]);
    assert_eq!(text(&govern(&socket, "files/read", "{}"), &["effect"]), "PERMIT");
}
