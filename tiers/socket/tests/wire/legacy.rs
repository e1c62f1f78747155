//! The lines that the published package 0.3.3 sends, word for word, and the replies that it reads.

use std::io::Read;

use faramesh_call::json;

use crate::world::{World, at, text};

fn wrapped(tool: &str, operation: &str, tool_id: &str, args: &str) -> String {
    format!(
        r#"{{"jsonrpc": "2.0", "id": 1, "method": "govern", "params": {{"agent_id": "support-bot", "tool": "{tool}", "operation": "{operation}", "tool_id": "{tool_id}", "args": {args}, "action_type": "tool_call", "principal_token": ""}}}}"#
    )
}

#[test]
fn tools_and_arguments_are_what_the_agent_meant() {
    let world = World::new();
    let mut client = world.client();
    for (line, tool, args) in [
        (wrapped("stripe", "refund", "stripe", r#"{"amount": 80}"#), "stripe/refund", r#"{"amount":80}"#),
        (wrapped("plain", "invoke", "plain", r#"{"args": ["80"]}"#), "plain", r#"{"args":["80"]}"#),
        (wrapped("plain", "invoke", "plain", r#"{"args": []}"#), "plain", "{}"),
        (
            wrapped("plain", "invoke", "plain", r#"{"args": [1], "kwargs": {"b": 3}}"#),
            "plain",
            r#"{"_positional":[1],"b":3}"#,
        ),
        (
            wrapped("refund", "invoke", "refund", r#"{"framework": "langchain", "method": "invoke", "tool_name": "refund", "tool_call_id": null, "input": {"amount": 80}}"#),
            "refund",
            r#"{"amount":80}"#,
        ),
        (
            wrapped("refund", "invoke", "refund", r#"{"framework": "langchain", "method": "invoke", "tool_name": "refund", "tool_call_id": "c1", "input": {"name": "refund", "args": {"amount": 80}, "id": "c1", "type": "tool_call"}}"#),
            "refund",
            r#"{"amount":80}"#,
        ),
        (
            wrapped("refund", "_execute_tool_sync", "refund", r#"{"framework": "langgraph", "method": "_execute_tool_sync", "tool_name": "refund", "tool_call_id": "c2", "input": {"amount": 80}}"#),
            "refund",
            r#"{"amount":80}"#,
        ),
        (
            wrapped("stripe/refund", "invoke", "stripe/refund", r#"{"framework": "langchain", "method": "invoke", "tool_name": "stripe/refund", "tool_call_id": null, "input": {"amount": 80}, "metadata": {}, "tags": [], "run_name": "x"}"#),
            "stripe/refund",
            r#"{"amount":80}"#,
        ),
        (
            wrapped("plain", "run", "plain", r#"{"framework": "langchain", "method": "run", "tool_name": "plain", "tool_call_id": null, "input": "80"}"#),
            "plain",
            r#"{"input":"80"}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "id": 1, "method": "govern", "params": {"agent_id": "support-bot", "tool": "refund", "operation": "invoke", "args": {"amount": 80}, "principal_token": ""}}"#.to_owned(),
            "refund",
            r#"{"amount":80}"#,
        ),
    ] {
        let reply = client.ask(&line);
        assert_eq!(text(&reply, "result.effect"), "PERMIT", "{line}: {reply:?}");
        assert_eq!(world.last_call(), (tool.to_owned(), args.to_owned()), "{line}");
    }
    for operation in [
        "invoke",
        "ainvoke",
        "run",
        "arun",
        "_execute_tool_sync",
        "_execute_tool_async",
        "_run_one",
        "_arun_one",
    ] {
        client.ask(&wrapped("plain", operation, "plain", "{}"));
        assert_eq!(world.last_call().0, "plain", "{operation}");
    }
}

#[test]
fn a_deferred_tool_call_is_the_same_call_when_it_is_tried_again() {
    let world = World::new();
    let mut client = world.client();
    let asked = |id: &str| {
        wrapped(
            "refund",
            "invoke",
            "refund",
            &format!(
                r#"{{"framework": "langchain", "method": "invoke", "tool_name": "refund", "tool_call_id": "{id}", "input": {{"name": "refund", "args": {{"amount": 8000}}, "id": "{id}", "type": "tool_call"}}}}"#
            ),
        )
    };
    let first = client.ask(&asked("c1"));
    let token = text(&first, "result.defer_token").to_owned();
    assert_eq!(text(&client.ask(&asked("c2")), "result.defer_token"), token);
    world.answer(&token, true);
    assert_eq!(text(&client.ask(&asked("c3")), "result.effect"), "PERMIT");
    assert_eq!(text(&client.ask(&asked("c4")), "result.effect"), "DEFER");
}

#[test]
fn replies_have_what_that_client_reads() {
    let world = World::new();
    let mut client = world.client();
    let deferred = client.ask(&wrapped("stripe", "refund", "stripe", r#"{"amount": 8000}"#));
    let result = at(&deferred, "result");
    let token = text(result, "defer_token");
    assert!(token.starts_with("apr-"));
    assert_eq!(text(result, "effect"), "DEFER");
    assert_eq!(text(result, "reason_code"), "POLICY_DEFER");
    let denial = at(result, "structured_denial");
    assert_eq!(text(denial, "code"), "POLICY_DEFER");
    assert_eq!(text(denial, "human_message"), "large refunds wait");
    assert_eq!(text(denial, "rule_ref"), "governance.fms:9");
    assert!(text(denial, "rule_id").starts_with("rule-"));
    assert_eq!(text(denial, "resolution.type"), "pending_approval");
    assert_eq!(text(denial, "resolution.approval_id"), token);
    let denied = client.ask(&wrapped("stripe", "payouts", "stripe", "{}"));
    assert_eq!(text(&denied, "result.effect"), "DENY");
    assert_eq!(text(&denied, "result.reason_code"), "POLICY_DENY");
    assert_eq!(text(&denied, "result.structured_denial.human_message"), "payouts are made by finance");
    assert_eq!(at(&denied, "result.defer_token"), &faramesh_call::Value::Null);
    assert_eq!(at(&denied, "result.structured_denial.resolution.approval_id"), &faramesh_call::Value::Null);
}

/// That client reads once, at most 64 KiB, and takes it for the whole reply.
#[test]
fn a_reply_is_one_write() {
    let world = World::new();
    for line in [
        wrapped("stripe", "refund", "stripe", r#"{"amount": 8000}"#),
        wrapped("stripe", "payouts", "stripe", "{}"),
        wrapped("kb", "search", "kb", "{}"),
        r#"{"type": "poll_defer", "agent_id": "support-bot", "defer_token": "apr-1"}"#.to_owned(),
    ] {
        for _ in 0..50 {
            let mut client = world.client();
            client.send(&format!("{line}\n"));
            let mut buffer = vec![0; 64 << 10];
            let count = client.stream.read(&mut buffer).unwrap();
            assert!(json::parse(&buffer[..count]).is_ok(), "{}", String::from_utf8_lossy(&buffer[..count]));
        }
    }
}

#[test]
fn a_bare_poll_is_the_permit_and_counts_once() {
    let world = World::new();
    let mut client = world.client();
    let deferred = client.ask(&wrapped("stripe", "refund", "stripe", r#"{"amount": 8000}"#));
    let token = text(&deferred, "result.defer_token").to_owned();
    let poll = format!(r#"{{"type": "poll_defer", "agent_id": "support-bot", "defer_token": "{token}"}}"#);
    let told = || {
        let reply = world.client().ask(&poll);
        assert_eq!(text(&reply, "defer_token"), token);
        assert!(reply.get("jsonrpc").is_none() && reply.get("error").is_none());
        text(&reply, "status").to_owned()
    };
    assert_eq!(told(), "pending");
    world.answer(&token, true);
    assert_eq!(told(), "approved");
    assert_eq!(told(), "expired");
    let denied = client.ask(&wrapped("stripe", "refund", "stripe", r#"{"amount": 9000}"#));
    let token = text(&denied, "result.defer_token").to_owned();
    world.answer(&token, false);
    let poll = format!(r#"{{"type": "poll_defer", "agent_id": "support-bot", "defer_token": "{token}"}}"#);
    assert_eq!(text(&client.ask(&poll), "status"), "denied");
}
