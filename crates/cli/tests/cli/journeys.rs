//! Whole stories with the real binary: a deferred call that a person approves, a policy that is swapped
//! under a running daemon, a ledger that somebody changed.

use std::fs;
use std::os::unix::fs::FileExt;

use faramesh_call::Value;

use crate::stack::{POLICY, Stack, ask, at, govern, text};

const REFUND: &str = r#"{"amount":8000,"card":{"number":"4242"}}"#;

#[test]
fn a_deferred_call_is_approved_and_runs_once() {
    let mut stack = Stack::with(POLICY);
    let socket = stack.dev(&[]);
    assert_eq!(text(&govern(&socket, "stripe/refund", r#"{"amount":80}"#), &["effect"]), "PERMIT");
    let deferred = govern(&socket, "stripe/refund", REFUND);
    assert_eq!((text(&deferred, &["effect"]), text(&deferred, &["next"])), ("DEFER", "amount < 500"));
    assert_eq!(text(&govern(&socket, "stripe/payouts", "{}"), &["effect"]), "DENY");

    let listed = stack.json(&["approvals", "list"]);
    let approvals = at(&listed, &["approvals"]).as_list().unwrap();
    assert_eq!(approvals.len(), 1);
    let id = text(&approvals[0], &["id"]).to_owned();
    assert_eq!(id, text(&deferred, &["approval_id"]));
    assert_eq!(text(&approvals[0], &["args", "card", "number"]), "[redacted]");
    let shown = stack.run(&["approvals", "show", &id]);
    assert!(
        shown.stdout.contains("stripe/refund") && shown.stderr.contains(&format!("approve {id} --reason"))
    );

    let unreasoned = stack.run(&["approvals", "approve", &id]);
    assert_eq!((unreasoned.exit, unreasoned.stderr.contains("hint: give one with `--reason")), (2, true));
    let unknown = stack.run(&["approvals", "approve", "apr-nobody", "--reason", "x"]);
    assert_eq!((unknown.exit, unknown.stderr.contains("hint: `faramesh approvals list`")), (1, true));
    for short in ["apr-", id.get(..9).unwrap(), id.get(4..9).unwrap()] {
        let slip = stack.run(&["approvals", "approve", short, "--reason", "x"]);
        assert!(slip.exit == 2 && slip.stderr.contains("6 characters"), "{short}: {}", slip.stderr);
    }
    let begun = id.get(..10).unwrap();
    let approved = stack.json(&["approvals", "approve", begun, "--reason", "spoke to the customer"]);
    assert_eq!(text(&approved, &["approval", "status"]), "approved");
    assert_eq!(text(&govern(&socket, "stripe/refund", REFUND), &["effect"]), "PERMIT");
    assert_eq!(text(&govern(&socket, "stripe/refund", REFUND), &["effect"]), "DEFER", "once");
    let again = stack.run(&["approvals", "approve", &id, "--reason", "x"]);
    assert!(again.exit == 1 && again.stderr.contains("consumed already"), "{}", again.stderr);

    let verified = stack.json(&["audit", "verify"]);
    assert_eq!((at(&verified, &["valid"]).as_bool(), text(&verified, &["source"])), (Some(true), "daemon"));
    let explained = stack.json(&["explain", &id]);
    assert_eq!(
        at(&explained, &["recomputed"]).as_bool(),
        Some(false),
        "redacted arguments are not decided again"
    );
    assert_eq!(at(&explained, &["rules"]).as_list().unwrap().len(), 2);
    let first = &at(&explained, &["rules"]).as_list().unwrap()[0];
    assert_eq!(at(first, &["values", "amount"]).as_i64(), Some(8_000), "what is not redacted is shown");
    let permitted = stack.run(&["audit", "ls", "--effect", "permit", "--limit", "1", "--format", "jsonl"]);
    let record = faramesh_call::json::parse(permitted.stdout.as_bytes()).unwrap();
    assert_eq!(
        (text(&record, &["code"]), text(&record, &["approval", "by"]).starts_with("uid:")),
        ("APPROVED", true)
    );
    assert!(!permitted.stdout.contains("4242"));

    let (exit, output) = stack.stop_dev();
    assert_eq!(exit, 0);
    let kinds: Vec<String> = output
        .lines()
        .map(|line| faramesh_call::json::parse(line.as_bytes()).unwrap())
        .filter(|record| text(record, &["kind"]) == "decision")
        .map(|record| text(&record, &["effect"]).to_owned())
        .collect();
    assert_eq!(kinds, ["permit", "defer", "deny", "permit", "defer"]);
    assert_eq!(stack.run(&["status"]).exit, 1);
}

#[test]
fn a_decision_is_explained_with_the_values_that_its_rules_saw() {
    let mut stack = Stack::with(&POLICY.replace("  redact stripe/refund args: [\"card.number\"]\n", ""));
    let socket = stack.dev(&[]);
    let deferred = govern(&socket, "stripe/refund", r#"{"amount":8000}"#);
    let explained = stack.run(&["explain", text(&deferred, &["action_id"])]);
    assert_eq!(explained.exit, 0, "{}", explained.stderr);
    for part in [
        "⧗ defer stripe/refund for support-bot",
        "POLICY_DEFER: refunds of $500 and more need a person",
        "· no     governance.fms:9   permit stripe/refund if amount < $500",
        "its condition does not hold: amount is 8000",
        "✓ match  governance.fms:10",
        "self-declared: support-bot",
    ] {
        assert!(explained.stdout.contains(part), "{part}:\n{}", explained.stdout);
    }
    assert_eq!(
        at(&stack.json(&["explain", text(&deferred, &["action_id"])]), &["recomputed"]).as_bool(),
        Some(true)
    );
    let permitted = govern(&socket, "stripe/refund", r#"{"amount":80}"#);
    let id = text(&permitted, &["action_id"]);
    ask(&socket, "outcome", &format!(r#"{{"action_id":"{id}","status":"ok","duration_ms":12}}"#));
    // A report is taken at once and on disk a little later.
    let told = (0..50).find_map(|_| {
        let explained = stack.run(&["explain", "decision", id]).stdout;
        explained.contains("outcome      ok after 12 ms").then_some(explained)
    });
    assert!(told.is_some(), "the outcome is not shown");
    let missing = stack.run(&["explain", "dpr-01ARZ3NDEKTSV4RRFFQ69G5FAV"]);
    assert_eq!((missing.exit, missing.stderr.contains("hint: `faramesh audit ls`")), (1, true));
}

#[test]
fn a_rule_an_agent_and_a_session_are_explained() {
    let mut stack = Stack::with(POLICY);
    let place = |stack: &Stack| stack.run(&["explain", "rule", "10"]);
    assert!(place(&stack).stdout.contains("there is no ledger yet"), "{}", place(&stack).stdout);
    let socket = stack.dev(&[]);
    for amount in [80, 8_000, 9_000] {
        govern(&socket, "stripe/refund", &format!(r#"{{"amount":{amount}}}"#));
    }
    let rule = stack.json(&["explain", "rule", "governance.fms:10"]);
    let rule = &at(&rule, &["rules"]).as_list().unwrap()[0];
    assert_eq!((text(rule, &["effect"]), text(rule, &["agent"])), ("defer", "support-bot"));
    assert_eq!(at(rule, &["decided"]).as_i64(), Some(2));
    assert_eq!(at(rule, &["recent"]).as_list().unwrap().len(), 2);
    assert!(place(&stack).stdout.contains("decided  2 calls"), "{}", place(&stack).stdout);

    let agent = stack.run(&["explain", "agent", "support-bot"]);
    for part in
        ["     2  governance.fms:10  defer stripe/refund", "     1  governance.fms:9 ", "default deny"]
    {
        assert!(agent.stdout.contains(part), "{part}:\n{}", agent.stdout);
    }
    let params = r#"{"agent_id":"support-bot","tool":"stripe/refund","session":"s-7","args":{"amount":5}}"#;
    ask(&socket, "govern", params);
    let session = stack.run(&["explain", "run", "s-7"]);
    assert!(
        session.stdout.contains("session s-7\n") && session.stdout.contains("stripe/refund"),
        "{}",
        session.stdout
    );

    for (words, hint) in [
        (["rule", "40"], "the nearest begins at `governance.fms:13`"),
        (["rule", "somewhere"], "explain rule governance.fms:14"),
        (["agent", "suport-bot"], "did you mean `support-bot`?"),
        (["run", "s-8"], "audit ls"),
    ] {
        let refused = stack.run(&["explain", words[0], words[1]]);
        assert!(refused.exit == 1 && refused.stderr.contains(hint), "{words:?}: {}", refused.stderr);
    }
}

#[test]
fn a_policy_in_yaml_or_json_is_applied_and_swapped() {
    for spelling in ["yaml", "json"] {
        let stack = Stack::empty();
        let file = format!("governance.fms.{spelling}");
        let spell = |policy: &str| stack.run_with(&["fmt", "--to", spelling, "-"], policy).stdout;
        stack.write(&file, &spell(POLICY));
        let applied = stack.json(&["apply"]);
        assert_eq!(text(&applied, &["action"]), "started", "{spelling}");
        let socket = std::path::PathBuf::from(text(&applied, &["socket"]));
        let permitted = govern(&socket, "docs/search", "{}");
        assert_eq!(text(&permitted, &["effect"]), "PERMIT");
        let explained = stack.run(&["explain", text(&permitted, &["action_id"])]).stdout;
        assert!(explained.contains(&file), "{explained}");

        let closed = POLICY.replace("permit docs/search", "deny docs/search reason \"closed\"");
        stack.write(&file, &spell(&closed));
        let planned = stack.run(&["plan"]).stdout;
        assert!(planned.contains("deny docs/search") && planned.contains("permit docs/search"), "{planned}");
        assert_eq!(text(&stack.json(&["apply"]), &["action"]), "swapped");
        assert_eq!(text(&govern(&socket, "docs/search", "{}"), &["effect"]), "DENY");
        // The same policy in FPL is the same program.
        fs::remove_file(stack.folder().join(&file)).unwrap();
        stack.write("governance.fms", &closed);
        assert_eq!(text(&stack.json(&["apply"]), &["action"]), "unchanged");
        assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    }
}

#[test]
fn a_policy_is_applied_swapped_and_destroyed() {
    let stack = Stack::with(POLICY);
    let applied = stack.json(&["apply"]);
    assert_eq!((text(&applied, &["action"]), at(&applied, &["changed"]).as_bool()), ("started", Some(true)));
    let socket = std::path::PathBuf::from(text(&applied, &["socket"]));
    let status = stack.json(&["status"]);
    assert_eq!(text(&status, &["daemon", "state"]), "READY");
    assert_eq!(text(&status, &["daemon", "policy_hash"]), text(&applied, &["policy_hash"]));
    let readable = stack.run(&["status"]).stdout;
    assert!(readable.contains("self-declared") && readable.contains("signatures  checkpoint"), "{readable}");
    assert_eq!(text(&govern(&socket, "docs/search", "{}"), &["effect"]), "PERMIT");
    assert_eq!(text(&stack.json(&["apply"]), &["action"]), "unchanged");

    stack
        .write("governance.fms", &POLICY.replace("permit docs/search", "deny docs/search reason \"closed\""));
    let planned = stack.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(planned.exit, 2);
    // Ids of records are new each time.
    let shown = planned.stdout.lines().map(|line| line.split_once("dpr-").map_or(line, |(before, _)| before));
    insta::assert_snapshot!(
        "plan_against_what_runs",
        shown.map(str::trim_end).collect::<Vec<_>>().join("\n")
    );
    assert!(planned.stdout.contains("+ deny docs/search reason \"closed\""), "{}", planned.stdout);
    assert!(planned.stdout.contains("- permit docs/search"), "{}", planned.stdout);
    let swapped = stack.json(&["apply"]);
    assert_eq!(text(&swapped, &["action"]), "swapped");
    assert_eq!(text(&swapped, &["previous_hash"]), text(&applied, &["policy_hash"]));
    assert_eq!(at(&swapped, &["pid"]), at(&applied, &["pid"]), "no restart");
    assert_eq!(text(&govern(&socket, "docs/search", "{}"), &["effect"]), "DENY");

    let second = stack.run(&["dev"]);
    assert!(second.exit == 1 && second.stderr.contains("runs already"), "{}", second.stderr);
    let moved = POLICY.replace("runtime {", "runtime {\n  wal_dir = \"./elsewhere\"");
    stack.write("governance.fms", &moved);
    let refused = stack.run(&["apply"]);
    assert!(refused.exit == 1 && refused.stderr.contains("`wal_dir` needs a restart"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("hint: `faramesh apply --stop`, then `faramesh apply`"),
        "{}",
        refused.stderr
    );

    let deferred = govern(&socket, "stripe/refund", r#"{"amount":8000}"#);
    let own = stack.run(&["approvals", "approve", text(&deferred, &["approval_id"]), "--reason", "mine"]);
    assert!(own.exit == 1 && own.stderr.contains("hint: somebody else must answer"), "{}", own.stderr);

    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    assert_eq!(stack.run(&["status"]).exit, 1);
    let verified = stack.json(&["audit", "verify"]);
    assert_eq!(
        (text(&verified, &["source"]), at(&verified, &["policies"]).as_list().unwrap().len()),
        ("files", 2)
    );
    let offline = stack.json(&["audit", "ls", "--effect", "deny"]);
    assert_eq!(at(&offline, &["records"]).as_list().unwrap().len(), 1);
    let id = text(&at(&offline, &["records"]).as_list().unwrap()[0], &["id"]).to_owned();
    assert!(stack.run(&["explain", &id]).stdout.contains("deny docs/search reason \"closed\""));

    let unasked = stack.run(&["destroy"]);
    assert_eq!((unasked.exit, unasked.stderr.contains("--yes")), (2, true));
    stack.write("faramesh-wal/notes.txt", "mine");
    assert_eq!(stack.run(&["destroy", "--yes"]).exit, 0);
    assert!(!stack.folder().join(".faramesh").exists());
    let left: Vec<_> = fs::read_dir(stack.folder().join("faramesh-wal"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["notes.txt"], "only the ledger's own files go");
    assert!(stack.folder().join("governance.fms").exists());
}

#[test]
fn a_changed_ledger_is_found() {
    let stack = Stack::with(POLICY);
    let applied = stack.json(&["apply"]);
    let socket = std::path::PathBuf::from(text(&applied, &["socket"]));
    for _ in 0..3 {
        govern(&socket, "docs/search", r#"{"query":"innocent"}"#);
    }
    let decisions = stack.json(&["audit", "ls", "--kind", "decision"]);
    let first = at(&at(&decisions, &["records"]).as_list().unwrap()[0], &["seq"]).clone();
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let path = stack.folder().join("faramesh-wal").join("00000001.wal");
    let bytes = fs::read(&path).unwrap();
    let place = bytes.windows(8).position(|window| window == b"innocent").unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"I", u64::try_from(place).unwrap()).unwrap();
    let broken = stack.run(&["audit", "verify"]);
    assert_eq!(broken.exit, 1);
    assert!(
        broken.stdout.contains("✗ broken") && broken.stdout.contains("00000001.wal"),
        "{}",
        broken.stdout
    );
    let json = stack.run(&["audit", "verify", "--format", "json"]);
    let value = faramesh_call::json::parse(json.stdout.as_bytes()).unwrap();
    assert_eq!(at(&value, &["valid"]).as_bool(), Some(false));
    assert_eq!(at(&value, &["broken", "seq"]), &first, "{}", json.stdout);
    let refused = stack.run(&["apply"]);
    assert!(
        refused.exit == 1 && refused.stderr.contains("00000001.wal"),
        "the daemon does not start: {}",
        refused.stderr
    );
}

#[test]
fn another_stacks_daemon_is_left_alone() {
    let mut first = Stack::with(POLICY);
    first.dev(&[]);
    // The second stack's folder claims the first one's socket, as a leftover of an old run may.
    let second = Stack::with(&POLICY.replace("docs/search", "docs/read"));
    let agent_env = fs::read_to_string(first.folder().join(".faramesh/runtime/agent.env")).unwrap();
    second.write(".faramesh/runtime/agent.env", &agent_env);
    let applied = second.json(&["apply"]);
    assert_eq!(text(&applied, &["action"]), "started", "it gets a daemon of its own");
    assert_eq!(at(&first.json(&["status"]), &["daemon", "runtime_mode"]), &Value::from("dev"));
    assert_ne!(text(&first.json(&["status"]), &["daemon", "policy_hash"]), text(&applied, &["policy_hash"]));
}

#[test]
fn a_persisted_trial_is_verified_after_it_ended() {
    let mut stack = Stack::with(POLICY);
    let socket = stack.dev(&["--persist", "trial"]);
    govern(&socket, "docs/search", "{}");
    assert_eq!(stack.stop_dev().0, 0);
    let verified = stack.json(&["audit", "verify", "--ledger", "trial"]);
    assert_eq!(at(&verified, &["valid"]).as_bool(), Some(true));
    assert!(at(&verified, &["dev_records"]).as_i64().unwrap() >= 3);
    let csv = stack.run(&["audit", "ls", "--ledger", "trial", "--kind", "decision", "--format", "csv"]);
    assert_eq!(csv.stdout.lines().count(), 2, "{}", csv.stdout);
}

#[test]
fn recorded_calls_are_decided_again_under_the_new_policy() {
    let mut stack = Stack::with(POLICY);
    let socket = stack.dev(&[]);
    for amount in [80, 90, 400, 8_000, 20_000] {
        govern(&socket, "stripe/refund", &format!(r#"{{"amount":{amount},"card":{{"number":"4242"}}}}"#));
    }
    govern(&socket, "docs/search", "{}");
    govern(&socket, "mail/send", "{}");
    // Less by itself, more by a person; mail is new; a rule looks at what is redacted.
    let changed = POLICY.replace("amount < $500\n", "amount < $100\n").replace(
        "permit docs/search",
        "deny docs/search if card.number == \"1\"\n    permit docs/search\n    permit mail/*",
    );
    stack.write("governance.fms", &changed);
    let plan = stack.json(&["plan"]);
    let replay = at(&plan, &["replay"]);
    let number = |key: &str| at(replay, &[key]).as_i64().unwrap();
    assert_eq!((number("total"), number("unchanged"), number("indeterminate")), (7, 5, 0), "{replay:?}");
    let looser = &at(replay, &["transitions", "deny_to_permit"]).as_list().unwrap()[0];
    assert_eq!((text(looser, &["tool"]), at(looser, &["count"]).as_i64()), ("mail/send", Some(1)));
    let stricter = &at(replay, &["transitions", "permit_to_defer"]).as_list().unwrap()[0];
    assert_eq!((text(stricter, &["ref"]), at(stricter, &["count"]).as_i64()), ("governance.fms:10", Some(1)));
    let id = text(&at(stricter, &["examples"]).as_list().unwrap()[0], &[]).to_owned();
    assert!(stack.run(&["explain", &id]).stdout.contains("400"), "the example is the call");
    let shown = stack.run(&["plan", "--since", "7d", "--strict-replay"]);
    assert_eq!(shown.exit, 2);
    let impact = shown.stdout.split("Decision impact").nth(1).unwrap();
    let (mail, refund) = (impact.find("mail/send").unwrap(), impact.find("stripe/refund").unwrap());
    assert!(
        mail < refund && impact.contains("(7 calls of the last 7d)") && impact.contains("5 calls as before"),
        "{impact}"
    );

    // What a record does not tell is not guessed.
    stack.write(
        "governance.fms",
        &POLICY.replace(
            "permit stripe/refund if",
            "deny stripe/refund if card.number == \"4242\"\n    permit stripe/refund if",
        ),
    );
    let plan = stack.json(&["plan"]);
    let replay = at(&plan, &["replay"]);
    assert_eq!(at(replay, &["indeterminate"]).as_i64(), Some(5), "{replay:?}");
    stack.write(
        "governance.fms",
        &POLICY.replace("permit docs/search", "permit docs/search if principal.role == \"clerk\""),
    );
    let plan = stack.json(&["plan"]);
    assert_eq!(at(&plan, &["replay", "indeterminate"]).as_i64(), Some(1), "{plan:?}");
    let wrong = stack.run(&["plan", "--since", "soon"]);
    assert!(wrong.exit == 2 && wrong.stderr.contains("24h"), "{}", wrong.stderr);

    // A budget is a change as well.
    stack.write(
        "governance.fms",
        &POLICY.replace("  redact", "  rate_limit \"stripe/*\": 5 per minute\n  redact"),
    );
    let plan = stack.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.exit, 2, "{}", plan.stdout);
    assert!(plan.stdout.contains("+ support-bot stripe/*: 5 per 1m burst 5"), "{}", plan.stdout);
}
