//! What an agent says of a session: what it is for, the stage that it enters, that its task is complete.

use faramesh_call::Value;

use crate::world::{Client, World, at, text};

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "support-bot" {
  default deny
  rules { permit look if purpose("visit")  permit write }
  phase "reading" { permit look }
  phase "writing" { permit look permit write }
  completion_gate { require called "write" }
}
"#;

fn ask(client: &mut Client, method: &str, params: &str) -> Value {
    client.ask(&format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{"agent":"support-bot","session":"s",{params}}}}}"#
    ))
}

#[test]
fn a_session_goes_its_way() {
    let world = World::with(POLICY);
    let mut client = world.client();
    let look = |client: &mut Client| {
        text(&ask(client, "govern", r#""tool":"look","args":{}"#), "result.effect").to_owned()
    };
    assert_eq!(look(&mut client), "DENY");
    let declared = ask(&mut client, "session.declare_purpose", r#""purpose":"visit""#);
    assert_eq!(at(&declared, "result").as_object().map(faramesh_call::Object::len), Some(0));
    assert_eq!(look(&mut client), "PERMIT");
    let changed = ask(&mut client, "session.declare_purpose", r#""purpose":"billing""#);
    assert!(text(&changed, "error.message").contains("for `visit` already"), "{changed:?}");

    let hidden = ask(&mut client, "govern", r#""tool":"write","args":{}"#);
    assert_eq!(text(&hidden, "result.code"), "PHASE_DENIED");
    let blocked = ask(&mut client, "complete", r#""task":"the letter""#);
    assert_eq!(text(&blocked, "result.code"), "COMPLETION_BLOCKED");
    assert_eq!(text(&blocked, "result.resolution.type"), "unmet");
    let unknown = ask(&mut client, "session.enter_phase", r#""phase":"writting""#);
    assert!(text(&unknown, "error.message").contains("it has: reading, writing"), "{unknown:?}");
    ask(&mut client, "session.enter_phase", r#""phase":"writing""#);
    let written = ask(&mut client, "govern", r#""tool":"write","args":{}"#);
    assert_eq!(text(&written, "result.effect"), "PERMIT");
    let complete = ask(&mut client, "complete", r#""task":"the letter""#);
    assert_eq!(text(&complete, "result.effect"), "PERMIT");
}

#[test]
fn what_is_missing_is_told() {
    let world = World::with(POLICY);
    let mut client = world.client();
    for (method, member) in [("session.declare_purpose", "purpose"), ("session.enter_phase", "phase")] {
        let reply = ask(&mut client, method, r#""args":{}"#);
        assert!(text(&reply, "error.message").contains(&format!("`{member}` is missing")), "{reply:?}");
    }
    let reply = client.ask(r#"{"jsonrpc":"2.0","id":1,"method":"complete","params":{"agent":7}}"#);
    assert_eq!(text(&reply, "result.code"), "CALL_INVALID", "what is no call is denied");
}

#[test]
fn authority_is_handed_on_and_taken_back() {
    let world = World::with(
        r#"
runtime { allow_self_declared_identity = true }
agent "support-bot" { default deny  spawn { allow = ["worker"] }  delegate worker { scope = ["look"] } }
agent "worker" { default permit }
"#,
    );
    let mut client = world.client();
    let started = ask(&mut client, "spawn", r#""starts":"worker""#);
    assert_eq!(text(&started, "result.effect"), "PERMIT");
    assert_eq!(text(&ask(&mut client, "spawn", r#""starts":"other""#), "result.code"), "SPAWN_DENIED");
    let handed = ask(&mut client, "delegate", r#""to":"worker","scope":["look"],"ttl_seconds":60"#);
    let token = text(&handed, "result.delegation").to_owned();
    assert!(text(&handed, "result.expires_at").ends_with('Z'));
    let mut call = |tool: &str| {
        let reply = client.ask(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"govern","params":{{"agent":"worker","tool":"{tool}","delegation":"{token}"}}}}"#
        ));
        text(&reply, "result.effect").to_owned()
    };
    assert_eq!((call("look"), call("write")), ("PERMIT".to_owned(), "DENY".to_owned()));
    let revoked = ask(&mut client, "revoke", &format!(r#""delegation":"{token}""#));
    assert_eq!(at(&revoked, "result").as_object().map(faramesh_call::Object::len), Some(0));
    let reply = client.ask(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"govern","params":{{"agent":"worker","tool":"look","delegation":"{token}"}}}}"#
    ));
    assert_eq!(text(&reply, "result.code"), "DELEGATION_DENIED");
}
