//! The operators' socket.

use faramesh_call::{Value, json};

use crate::world::{POLICY, Running, Stack, at, compiled, govern, text};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn apply(running: &Running, source: &str) -> Value {
    running
        .operator()
        .call("apply", &format!("{{\"program\":\"{}\",\"by\":\"ann\"}}", hex(&compiled(source))))
}

fn list(value: &Value, path: &str) -> Vec<Value> {
    at(value, path).as_list().unwrap_or_else(|| panic!("{path} of {value:?}")).to_vec()
}

#[test]
fn status_has_its_shape() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let deferred = running.agent().ask(&govern("stripe/refund", r#"{"amount":8000}"#));
    assert_eq!(text(&deferred, "result.effect"), "DEFER");
    let status = running.operator().call("status", "{}");
    let result = at(&status, "result");
    assert_eq!(at(result, "version").as_i64(), Some(1));
    for (path, expected) in [
        ("daemon.state", "READY"),
        ("daemon.socket", running.socket.to_str().unwrap()),
        ("daemon.policy_source", "governance.fms"),
        ("daemon.runtime_mode", "enforce"),
        ("daemon.wal.backend", "sqlite"),
        ("daemon.wal.path", stack.ledger().to_str().unwrap()),
        ("identity", "self-declared"),
        ("stack", "shop"),
    ] {
        assert_eq!(text(result, path), expected, "{path}");
    }
    assert_eq!(at(result, "daemon.pid").as_i64(), Some(i64::from(running.child.id())));
    assert!(at(result, "daemon.uptime_seconds").as_i64().is_some());
    assert!(text(result, "daemon.policy_hash").starts_with("sha256:"));
    assert!(text(result, "daemon.applied_at").ends_with('Z'));
    assert_eq!(at(result, "daemon.os_tier.enabled").as_bool(), Some(false));
    assert_eq!(list(result, "daemon.enforcement").len(), 1);
    assert!(list(result, "providers").is_empty() && list(result, "budgets").is_empty());
    assert_eq!(at(result, "approvals.pending").as_i64(), Some(1));
    assert!(at(result, "approvals.oldest_age_seconds").as_i64().is_some());
    assert_eq!(at(result, "ledger.records").as_i64(), at(result, "ledger.last_seq").as_i64());
    assert_eq!(at(result, "ledger.verified").as_bool(), Some(true));
    let warned =
        list(result, "warnings").iter().any(|warning| warning.as_str().unwrap().contains("self-declared"));
    assert!(warned, "{result:?}");
}

#[test]
fn a_policy_is_swapped_while_agents_ask() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let mut agent = running.agent();
    assert_eq!(text(&agent.ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
    let stricter = POLICY.replace("permit kb/*", "deny kb/*");
    let applied = apply(&running, &stricter);
    assert_eq!(at(&applied, "result.changed").as_bool(), Some(true), "{applied:?}");
    let denied = agent.ask(&govern("kb/search", "{}"));
    assert_eq!(text(&denied, "result.effect"), "DENY");
    assert_eq!(text(&denied, "result.policy_version"), text(&applied, "result.policy_hash"));
    assert_eq!(at(&apply(&running, &stricter), "result.changed").as_bool(), Some(false));
    let status = running.operator().call("status", "{}");
    assert_eq!(text(&status, "result.daemon.policy_hash"), text(&applied, "result.policy_hash"));
    let kept = std::fs::read(stack.layout().policy()).unwrap();
    assert_eq!(kept, compiled(&stricter), "what the next start loads");
    for past in [text(&applied, "result.policy_hash"), text(&applied, "result.previous_hash")] {
        assert!(stack.layout().past_policy(past).exists(), "{past}");
    }
    let filter = "{\"kind\":\"policy\",\"newest_first\":true,\"limit\":1}";
    let records = running.operator().call("audit.ls", filter);
    assert_eq!(text(&list(&records, "result.records")[0], "detail.by"), "ann");
}

#[test]
fn what_cannot_be_applied_changes_nothing() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let before = text(&running.operator().call("status", "{}"), "result.daemon.policy_hash").to_owned();
    for setting in
        ["socket = \"x.sock\"", "wal_dir = \"elsewhere\"", "stack_id = \"other\"", "instance_id = \"b\""]
    {
        let refused = apply(&running, &POLICY.replace("runtime {", &format!("runtime {{ {setting}")));
        assert_eq!(text(&refused, "error.data.code"), "RESTART_NEEDED", "{refused:?}");
        let name = setting.split(' ').next().unwrap();
        assert!(text(&refused, "error.message").contains(name), "{refused:?}");
    }
    let mut damaged = compiled(POLICY);
    damaged[40] ^= 1;
    for (program, code) in [
        (hex(&damaged), "PROGRAM_INVALID"),
        ("abc".to_owned(), "INVALID_PARAMS"),
        ("zz".to_owned(), "INVALID_PARAMS"),
        (String::new(), "PROGRAM_INVALID"),
    ] {
        let refused = running.operator().call("apply", &format!("{{\"program\":\"{program}\"}}"));
        assert_eq!(text(&refused, "error.data.code"), code, "{refused:?}");
    }
    let after = running.operator().call("status", "{}");
    assert_eq!(text(&after, "result.daemon.policy_hash"), before);
    assert_eq!(text(&running.agent().ask(&govern("kb/search", "{}")), "result.policy_version"), before);
}

#[test]
fn the_policy_of_the_next_start_is_the_one_in_force_however_many_apply() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let policies = ["permit kb/*", "deny kb/*", "defer kb/*", "permit kb/search"]
        .map(|rule| POLICY.replace("permit kb/*", rule));
    for _ in 0..10 {
        std::thread::scope(|scope| {
            for policy in &policies {
                let running = &running;
                scope.spawn(move || assert!(at(&apply(running, policy), "error").as_object().is_none()));
            }
        });
        let status = running.operator().call("status", "{}");
        let kept = faramesh_program::load(&std::fs::read(stack.layout().policy()).unwrap()).unwrap();
        assert_eq!(kept.hash_text(), text(&status, "result.daemon.policy_hash"));
    }
}

#[test]
fn approvals_are_listed_shown_and_answered() {
    let stack = Stack::new(POLICY).dev();
    let running = stack.start();
    let mut agent = running.agent();
    let refund = |amount: u32| govern("stripe/refund", &format!("{{\"amount\":{amount}}}"));
    let tokens: Vec<String> = [8_000, 9_000]
        .map(|amount| text(&agent.ask(&refund(amount)), "result.defer_token").to_owned())
        .into();
    let listed = list(&running.operator().call("approvals.list", "{}"), "result.approvals");
    assert_eq!(listed.iter().map(|approval| text(approval, "id")).collect::<Vec<_>>(), tokens);
    for key in
        ["id", "status", "agent_id", "tool", "args", "deferred_at", "expires_at", "rule_ref", "context"]
    {
        assert!(listed[0].get(key).is_some(), "{key}");
    }
    let shown = running.operator().call("approvals.show", &format!("{{\"id\":\"{}\"}}", tokens[0]));
    assert_eq!(text(&shown, "result.approval.tool"), "stripe/refund");
    assert!(text(&shown, "result.rule_text").contains("large refunds wait"), "{shown:?}");
    assert!(!list(&shown, "result.recent").is_empty());
    let answer = |verb: &str, params: String| running.operator().call(&format!("approvals.{verb}"), &params);
    let without = answer("approve", format!("{{\"id\":\"{}\"}}", tokens[0]));
    assert_eq!(text(&without, "error.data.code"), "INVALID_PARAMS");
    let empty = answer("approve", format!("{{\"id\":\"{}\",\"reason\":\" \"}}", tokens[0]));
    assert_eq!(text(&empty, "error.data.code"), "REASON");
    let unknown = answer("approve", "{\"id\":\"apr-0\",\"reason\":\"x\"}".to_owned());
    assert_eq!(text(&unknown, "error.data.code"), "UNKNOWN");
    let approved = answer("approve", format!("{{\"id\":\"{}\",\"reason\":\"called her\"}}", tokens[0]));
    assert_eq!(text(&approved, "result.approval.status"), "approved");
    assert_eq!(text(&approved, "result.approval.resolution.reason"), "called her");
    let twice = answer("deny", format!("{{\"id\":\"{}\",\"reason\":\"x\"}}", tokens[0]));
    assert_eq!(text(&twice, "error.data.code"), "NOT_PENDING");
    answer("deny", format!("{{\"id\":\"{}\",\"reason\":\"too much\"}}", tokens[1]));
    assert_eq!(text(&agent.ask(&refund(8_000)), "result.effect"), "PERMIT");
    let denied = agent.ask(&refund(9_000));
    assert_eq!(text(&denied, "result.code"), "APPROVAL_DENIED");
    assert_eq!(text(&denied, "result.human_message"), "too much");
    for (status, count) in [("pending", 0), ("consumed", 1), ("denied", 1), ("all", 2)] {
        let listed = running.operator().call("approvals.list", &format!("{{\"status\":\"{status}\"}}"));
        assert_eq!(list(&listed, "result.approvals").len(), count, "{status}");
    }
}

#[test]
fn the_one_who_asked_cannot_approve() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let deferred = running.agent().ask(&govern("stripe/refund", r#"{"amount":8000}"#));
    let params = format!("{{\"id\":\"{}\",\"reason\":\"me\"}}", text(&deferred, "result.defer_token"));
    let refused = running.operator().call("approvals.approve", &params);
    assert_eq!(text(&refused, "error.data.code"), "SAME_PERSON");
    // And not at all by the agents' socket.
    let refused = running.agent().call("approvals.approve", &params);
    assert_eq!(at(&refused, "error.code").as_i64(), Some(-32_601));
    assert_eq!(at(&running.agent().call("shutdown", "{}"), "error.code").as_i64(), Some(-32_601));
}

#[test]
fn the_ledger_is_listed_fetched_verified_and_followed() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let mut follower = running.operator();
    assert!(at(&follower.call("audit.tail", "{\"effect\":\"deny\"}"), "result").as_object().is_some());
    let mut agent = running.agent();
    for tool in ["kb/a", "stripe/payouts", "kb/b", "stripe/payouts"] {
        agent.ask(&govern(tool, "{}"));
    }
    for _ in 0..2 {
        let event = json::parse(follower.line().unwrap().as_bytes()).unwrap();
        assert_eq!((text(&event, "method"), text(&event, "params.effect")), ("record", "deny"));
    }
    let mut operator = running.operator();
    let listed = list(&operator.call("audit.ls", "{\"tool\":\"kb/*\"}"), "result.records");
    assert_eq!(listed.iter().map(|record| text(record, "tool")).collect::<Vec<_>>(), ["kb/a", "kb/b"]);
    let id = text(&listed[0], "id");
    let found = list(&operator.call("audit.get", &format!("{{\"id\":\"{id}\"}}")), "result.records");
    assert_eq!(found, [listed[0].clone()]);
    let raw = list(&operator.call("audit.raw", "{\"after_seq\":0,\"limit\":1000}"), "result.records");
    let mut chain = faramesh_dpr::Chain::genesis();
    for record in &raw {
        let record = faramesh_dpr::Record::parse(record.as_str().unwrap().as_bytes().to_vec()).unwrap();
        chain.feed(&record).unwrap();
    }
    assert!(raw.len() >= 7, "{}", raw.len());
    for (method, params) in [
        ("audit.ls", "{\"effect\":\"maybe\"}"),
        ("audit.ls", "{\"limit\":-1}"),
        ("audit.get", "{}"),
        ("audit.tail", "{\"kind\":\"nothing\"}"),
    ] {
        let refused = running.operator().call(method, params);
        assert_eq!(text(&refused, "error.data.code"), "INVALID_PARAMS", "{method} {params}: {refused:?}");
    }
}
