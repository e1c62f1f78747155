//! What a reply says: every field that an agent or a client needs, and never more than fits.

use faramesh_call::json;

use crate::stack::{SUPPORT, ask, call, in_memory, wire};

#[test]
fn every_kind_of_reply_has_its_fields() {
    let gate = in_memory(SUPPORT);
    let text = |tool: &str, args: &str, key: &str| {
        let wire = wire(&ask(&gate, call("support", tool, args)));
        wire.get(key).and_then(|value| value.as_str().map(str::to_owned))
    };
    let permit = wire(&ask(&gate, call("support", "kb/search", "{}")));
    assert_eq!(permit.get("effect").unwrap().as_str(), Some("PERMIT"));
    assert_eq!(permit.get("warnings").unwrap().as_list().map(<[_]>::len), Some(0));
    assert!(permit.get("action_id").is_some() && permit.get("policy_version").is_some());
    assert_eq!(text("stripe/payouts", "{}", "code").as_deref(), Some("POLICY_DENY"));
    assert_eq!(text("stripe/payouts", "{}", "reason_code").as_deref(), Some("POLICY_DENY"));
    assert_eq!(text("stripe/payouts", "{}", "human_message").as_deref(), Some("payouts are made by finance"));
    assert_eq!(text("stripe/payouts", "{}", "rule_ref").as_deref(), Some("governance.fms:10"));
    assert_eq!(text("stripe/refund", "{\"amount\":800}", "next").as_deref(), Some("amount < 500"));
    let deferred = wire(&ask(&gate, call("support", "stripe/refund", "{\"amount\":800}")));
    let token = deferred.get("defer_token").unwrap();
    assert_eq!(deferred.get("approval_id"), Some(token));
    for holder in [&deferred, deferred.get("structured_denial").unwrap()] {
        let resolution = holder.get("resolution").unwrap();
        assert_eq!(resolution.get("type").unwrap().as_str(), Some("pending_approval"));
        assert_eq!(resolution.get("approval_id"), Some(token));
    }
    assert_eq!(deferred.get("retryable").unwrap().as_bool(), Some(true));
}

#[test]
fn a_call_id_comes_back() {
    let gate = in_memory(SUPPORT);
    for tool in ["kb/search", "stripe/payouts", "mail/send"] {
        let mut call = call("support", tool, "{}");
        call.call_id = Some("c-1".into());
        assert_eq!(wire(&ask(&gate, call)).get("call_id").unwrap().as_str(), Some("c-1"), "{tool}");
    }
}

/// Published clients take a reply of at most 64 KiB.
#[test]
fn no_reply_is_larger_than_64_kib() {
    let long = "x".repeat(4_000);
    let many: Vec<String> = (0..9_000).map(|number| format!("\"value-{number:05}\"")).collect();
    let source = format!(
        "runtime {{ allow_self_declared_identity = true }}\nagent \"a\" {{\n  default deny\n  rules {{\n    \
         permit t if kind in [{}]\n    deny t reason \"{long}\"\n  }}\n}}\n",
        many.join(", ")
    );
    let gate = in_memory(&source);
    let args = format!("{{\"kind\":\"{}\"}}", "z".repeat(900_000));
    let reply = ask(&gate, call("a", "t", &args));
    let mut out = Vec::new();
    reply.write_json(true, &mut out);
    assert!(out.len() < (64 << 10) - 512, "{} bytes", out.len());
    assert!(json::parse(&out).is_ok());
}
