//! What a decision reads of a call beside its arguments is in its record, and what it does not read is not.

use faramesh_call::{Call, Http, Value, json};
use faramesh_state::State;

use crate::clock::{NOON, clocked, replayed, set};
use crate::stack::{ask, call, code, memory, program, record_of};

const POLICY: &str = "runtime { allow_self_declared_identity = true }
agent \"a\" {
  default deny
  model_policy { deny = [\"cheap-*\"] }
  egress { allow = [\"*.example.com\"] }
  rules {
    deny  chart/read if principal.role != \"nurse\"
    permit chart/read if tags.env == \"prod\"
    permit web/get host \"api.example.com\" method \"GET\" header Authorization=\"Bearer *\"
    permit web/put host \"api.example.com\" method \"PUT\"
  }
}";

fn object(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

fn web(tool: &str, host: &str, method: &str) -> Call {
    let http = Http {
        host: host.into(),
        port: 443,
        method: method.into(),
        path: "/private".into(),
        headers: object(r#"{"authorization":"Bearer hush-hush"}"#).as_object().unwrap().clone(),
        ..Http::default()
    };
    Call { http: Some(Box::new(http)), model: Some("good-1".into()), ..call("a", tool, "{}") }
}

fn chart(principal: &str, env: &str, model: &str) -> Call {
    Call {
        principal: Some(object(principal)),
        tags: object(&format!(r#"{{"env":"{env}","build":"b-77"}}"#)).as_object().cloned(),
        model: Some(model.into()),
        ..call("a", "chart/read", "{}")
    }
}

#[test]
fn a_record_has_what_was_read_beside_the_arguments() {
    set(NOON);
    let policy = program(POLICY);
    let gate = clocked(&policy, memory(), State::default());
    let nurse = r#"{"role":"nurse","email":"ann@example.com"}"#;
    let permitted = ask(&gate, chart(nurse, "prod", "good-1"));
    for (reply, expected) in [
        (&permitted, "PERMIT"),
        (&ask(&gate, chart(nurse, "test", "good-1")), "POLICY_DENY"),
        (&ask(&gate, chart(r#"{"role":"clerk"}"#, "prod", "good-1")), "POLICY_DENY"),
        (&ask(&gate, chart(nurse, "prod", "cheap-1")), "MODEL_DENIED"),
        (&ask(&gate, web("web/put", "api.example.com", "PUT")), "PERMIT"),
        (&ask(&gate, web("web/put", "api.example.com", "GET")), "POLICY_DENY"),
        (&ask(&gate, web("web/put", "evil.example.org", "PUT")), "POLICY_DENY"),
    ] {
        assert_eq!(code(reply), expected);
    }
    let kept = record_of(&gate, &permitted).field("inputs").unwrap().get("call").cloned().unwrap();
    let expected = object(
        r#"{"model":"good-1","principal":{"role":"nurse"},"read":["http.host","model","principal.role","tags.env"],
            "tags":{"env":"prod"}}"#,
    );
    assert_eq!(kept, expected, "and not the address of a person");
    assert_eq!(replayed(&gate, &policy), 7, "decided again from their records alone");
    // A header that carries a credential is never kept, so such a call cannot be decided again.
    let get = ask(&gate, web("web/get", "api.example.com", "GET"));
    assert_eq!(code(&get), "PERMIT");
    let record = record_of(&gate, &get);
    assert!(!String::from_utf8_lossy(record.bytes()).contains("hush-hush"));
    let withheld = record.field("inputs").unwrap().get("call").unwrap().get("withheld").cloned();
    assert_eq!(withheld, Some(object(r#"["http.headers.authorization"]"#)));
}
