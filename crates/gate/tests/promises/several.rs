//! Several people where one is not enough, answers given beforehand, and a queue that no agent fills.

use faramesh_call::Value;
use faramesh_gate::{ApprovalError, Gate, GrantError, Operator, Wanted};
use faramesh_state::grants::Scope;
use faramesh_state::{Grant, MAX_APPROVALS_OF_AGENT, State, Status};

use crate::clock::{NOON, clocked, forward, set};
use crate::stack::{
    Setup, ask, ask_as, call, code, gate, in_memory, memory, message, on_disk, peer, program, record_of,
    redeem, token,
};

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "a" {
  default deny
  rules {
    defer  release approvals_required 2
    defer  refund
    defer  slow reeval true
    deny   burn
  }
  budget b { max_calls 1  window daily  tools ["spend"]  on_exceed defer }
}
agent "b" { default defer }
"#;

fn approve(gate: &Gate, uid: u32, id: &str) -> Result<Status, ApprovalError> {
    gate.answer(Operator { peer: &peer(uid) }, id, true, "looked at it").map(|approval| approval.status)
}

#[test]
fn it_takes_as_many_people_as_the_rule_says() {
    let gate = in_memory(POLICY);
    let waiting = token(&ask(&gate, call("a", "release", "{}")));
    assert_eq!(approve(&gate, 1, &waiting), Ok(Status::Pending));
    assert_eq!(code(&ask(&gate, call("a", "release", "{}"))), "POLICY_DEFER", "one is not enough");
    assert_eq!(approve(&gate, 1, &waiting), Err(ApprovalError::AnsweredAlready("uid:1".into())));
    assert!(
        matches!(approve(&gate, 1000, &waiting), Err(ApprovalError::SamePerson(_))),
        "the requester is none"
    );
    assert_eq!(approve(&gate, 2, &waiting), Ok(Status::Approved));
    let permitted = ask(&gate, call("a", "release", "{}"));
    assert_eq!(code(&permitted), "PERMIT");
    let approval = record_of(&gate, &permitted).approval().unwrap();
    assert_eq!(approval.get("by").and_then(Value::as_str), Some("uid:1, uid:2"));
    assert_eq!(code(&ask(&gate, call("a", "release", "{}"))), "POLICY_DEFER", "once");
}

#[test]
fn one_no_ends_it() {
    let gate = in_memory(POLICY);
    let waiting = token(&ask(&gate, call("a", "release", "{}")));
    assert_eq!(approve(&gate, 1, &waiting), Ok(Status::Pending));
    gate.answer(Operator { peer: &peer(2) }, &waiting, false, "not today").unwrap();
    let denied = ask(&gate, call("a", "release", "{}"));
    assert_eq!((code(&denied), message(&denied)), ("APPROVAL_DENIED", "not today"));
    assert!(matches!(approve(&gate, 3, &waiting), Err(ApprovalError::NotPending { .. })));
}

#[test]
fn a_restart_remembers_who_has_approved() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let first = gate(&program(POLICY), ledger, Setup { state, ..Setup::default() });
    let waiting = token(&ask(&first, call("a", "release", "{}")));
    approve(&first, 1, &waiting).unwrap();
    let given = grant(&first, "refund", 2, 3_600_000).unwrap();
    assert_eq!(code(&ask(&first, call("a", "refund", "{}"))), "PERMIT");
    let known = first.state();
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(known, state);
    let again = gate(&program(POLICY), ledger, Setup { state, ..Setup::default() });
    assert!(matches!(approve(&again, 1, &waiting), Err(ApprovalError::AnsweredAlready(_))));
    assert_eq!(approve(&again, 2, &waiting), Ok(Status::Approved));
    assert_eq!(again.grants()[0].used, 1);
    assert_eq!(again.grants()[0].id, given.id);
}

#[test]
fn a_call_that_is_decided_again_is_not_run_by_a_poll() {
    let gate = in_memory(POLICY);
    let waiting = token(&ask(&gate, call("a", "slow", "{}")));
    approve(&gate, 1, &waiting).unwrap();
    assert_eq!(redeem(&gate, 1000, "a", &waiting).status, Some(Status::Expired));
    assert_eq!(code(&ask(&gate, call("a", "slow", "{}"))), "PERMIT");
}

fn wanted(tool: &str, uses: u32, ttl_ms: u64) -> Wanted {
    let scope = Scope { agent: "a".into(), tool: tool.into(), wanted: vec![] };
    Wanted { scope, uses, ttl_ms, reason: "the sale ends today".to_owned() }
}

fn grant(gate: &Gate, tool: &str, uses: u32, ttl_ms: u64) -> Result<Grant, GrantError> {
    gate.grant(Operator { peer: &peer(0) }, wanted(tool, uses, ttl_ms))
}

#[test]
fn a_grant_covers_so_many_calls_so_long() {
    set(NOON);
    let gate = clocked(&program(POLICY), memory(), State::default());
    let given = grant(&gate, "ref*", 2, 60_000).unwrap();
    let permitted = ask(&gate, call("a", "refund", "{}"));
    assert_eq!(code(&permitted), "PERMIT");
    let approval = record_of(&gate, &permitted).approval().unwrap();
    assert_eq!(approval.get("id").and_then(Value::as_str), Some(&*given.id));
    assert_eq!(approval.get("reason").and_then(Value::as_str), Some("the sale ends today"));
    assert_eq!(code(&ask(&gate, call("b", "refund", "{}"))), "POLICY_DEFER", "another agent's");
    assert_eq!(
        code(&ask_as(&gate, 0, call("a", "refund", "{}"))),
        "POLICY_DEFER",
        "nobody grants their own calls"
    );
    assert_eq!(code(&ask(&gate, call("a", "refund", "{}"))), "PERMIT");
    assert_eq!(code(&ask(&gate, call("a", "refund", r#"{"n":3}"#))), "POLICY_DEFER", "used up");
    grant(&gate, "refund", 9, 60_000).unwrap();
    forward(60_000);
    assert_eq!(code(&ask(&gate, call("a", "refund", r#"{"n":4}"#))), "POLICY_DEFER", "over");
}

#[test]
fn a_grant_is_no_wider_than_what_one_person_may_approve() {
    let gate = in_memory(POLICY);
    grant(&gate, "*", 100, 60_000).unwrap();
    assert_eq!(code(&ask(&gate, call("a", "release", "{}"))), "POLICY_DEFER", "two people must");
    assert_eq!(code(&ask(&gate, call("a", "burn", "{}"))), "POLICY_DENY", "what is denied stays denied");
    let mut only = wanted("refund", 5, 60_000);
    only.scope.wanted = vec![("customer".into(), Value::from("c1"))];
    let gate = in_memory(POLICY);
    gate.grant(Operator { peer: &peer(0) }, only).unwrap();
    assert_eq!(code(&ask(&gate, call("a", "refund", r#"{"customer":"c1"}"#))), "PERMIT");
    assert_eq!(code(&ask(&gate, call("a", "refund", r#"{"customer":"c2"}"#))), "POLICY_DEFER");
}

#[test]
fn a_grant_is_taken_back_at_once() {
    let gate = in_memory(POLICY);
    let given = grant(&gate, "refund", 5, 60_000).unwrap();
    let revoke = || gate.revoke_grant(Operator { peer: &peer(0) }, &given.id, "over");
    revoke().unwrap();
    assert_eq!(code(&ask(&gate, call("a", "refund", "{}"))), "POLICY_DEFER");
    assert!(matches!(revoke(), Err(GrantError::Unknown(_))));
    for (wanted, what) in [
        (wanted("refund", 0, 60_000), "no use"),
        (wanted("refund", 10_001, 60_000), "too many"),
        (wanted("refund", 1, 31 * 86_400_000), "too long"),
        (wanted(" ", 1, 60_000), "no tool"),
    ] {
        assert!(
            matches!(gate.grant(Operator { peer: &peer(0) }, wanted), Err(GrantError::Bounds(_))),
            "{what}"
        );
    }
    let mut unknown = wanted("refund", 1, 60_000);
    unknown.scope.agent = "nobody".into();
    assert!(matches!(gate.grant(Operator { peer: &peer(0) }, unknown), Err(GrantError::UnknownAgent(_))));
}

#[test]
fn no_agent_fills_the_queue_for_the_others() {
    let gate = in_memory(POLICY);
    for number in 0..MAX_APPROVALS_OF_AGENT {
        ask(&gate, call("a", "refund", &format!("{{\"n\":{number}}}")));
    }
    let over = ask(&gate, call("a", "refund", r#"{"n":"one more"}"#));
    assert_eq!(code(&over), "POLICY_LIMIT");
    assert!(message(&over).contains("1000 calls of this agent"), "{}", message(&over));
    assert_eq!(code(&ask(&gate, call("b", "x", "{}"))), "POLICY_DEFER", "others go on");
    assert_eq!(
        code(&ask(&gate, call("a", "refund", r#"{"n":7}"#))),
        "POLICY_DEFER",
        "one that waits still does"
    );
}
