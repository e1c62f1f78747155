//! What callers ask, and what they are told.

use std::time::{Duration, Instant};

use crate::world::{BOT, JSON, OTHER, World, bearer};

#[test]
fn the_status_says_whether_a_call_may_run() {
    let world = World::new();
    for (body, status, effect, code) in [
        (r#"{"tool":"refund","args":{"amount":10}}"#, 200, "PERMIT", ""),
        (r#"{"tool":"refund","args":{"amount":5000}}"#, 202, "DEFER", "POLICY_DEFER"),
        (r#"{"tool":"payout"}"#, 403, "DENY", "POLICY_DENY"),
        (r#"{"tool":"nothing"}"#, 403, "DENY", "POLICY_DENY"),
        (r#"{"tool":""}"#, 400, "DENY", "CALL_INVALID"),
        (r#"{"args":{}}"#, 400, "DENY", "CALL_INVALID"),
        (r#"{"tool":"refund","tool":"x"}"#, 400, "DENY", "CALL_INVALID"),
        ("[]", 400, "DENY", "CALL_INVALID"),
        ("", 400, "DENY", "CALL_INVALID"),
    ] {
        let got = world.post("/v1/evaluate", body);
        assert_eq!((got.status, &*got.text("effect"), &*got.text("code")), (status, effect, code), "{body}");
        assert!(got.head.contains("cache-control: no-store"), "{}", got.head);
    }
    // Clients of the first protocol read the body alone.
    let fields = [("Authorization", &*bearer(BOT)), JSON, ("Accept", "application/vnd.faramesh.v0+json")];
    let got = world.request("POST", "/v1/evaluate", &fields, r#"{"tool":"payout"}"#);
    assert_eq!((got.status, &*got.text("effect"), &*got.text("reason_code")), (200, "DENY", "POLICY_DENY"));
}

#[test]
fn a_rate_says_when_to_come_again() {
    let world = World::new();
    let call = || world.post("/v1/evaluate", r#"{"tool":"search"}"#);
    assert_eq!((call().status, call().status), (200, 200));
    let third = call();
    assert_eq!((third.status, &*third.text("code")), (403, "RATE_EXCEEDED"));
    assert!(third.head.contains("retry-after: 18"), "half an hour: {}", third.head);
}

#[test]
fn a_deferred_call_is_waited_for_and_then_made_again() {
    let world = World::new();
    let call = r#"{"tool":"refund","args":{"amount":5000}}"#;
    let deferred = world.post("/v1/evaluate", call);
    let token = deferred.text("defer_token");
    let path = format!("/v1/approvals/{token}");
    let now = world.get(&path);
    assert_eq!((now.status, &*now.text("status")), (200, "pending"));
    let began = Instant::now();
    let late = world.get(&format!("{path}?wait=1"));
    assert_eq!(late.text("status"), "pending");
    assert!(began.elapsed() >= Duration::from_secs(1));
    // Nobody else learns anything of it.
    let other = world.request("GET", &path, &[("Authorization", &bearer(OTHER))], "");
    assert_eq!((other.status, &*other.text("status")), (404, "unknown"));
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.get(&format!("{path}?wait=30")));
        std::thread::sleep(Duration::from_millis(200));
        world.answer(&token, true);
        waiting.join().unwrap()
    });
    assert_eq!((waited.status, &*waited.text("status")), (200, "approved"));
    assert_eq!(world.post("/v1/evaluate", call).status, 200);
    assert_eq!(world.post("/v1/evaluate", call).status, 202, "an approval is used once");
    assert_eq!(world.get("/v1/approvals/apr-none").status, 404);
    assert_eq!(world.get(&format!("{path}?wait=soon")).status, 400);
}

#[test]
fn outcomes_sessions_and_retries_are_as_over_the_socket() {
    let world = World::new();
    let call = r#"{"tool":"refund","args":{"amount":10},"call_id":"c-1","session":"s"}"#;
    let permit = world.post("/v1/evaluate", call);
    let again = world.post("/v1/evaluate", call);
    assert_eq!(permit.text("action_id"), again.text("action_id"), "a retry is the same call");
    let other = world.post("/v1/evaluate", &call.replace("10", "11"));
    assert_eq!((other.status, &*other.text("code")), (400, "CALL_INVALID"));
    let outcome = format!(r#"{{"action_id":"{}","status":"ok","duration_ms":5}}"#, permit.text("action_id"));
    assert_eq!(world.post("/v1/outcome", &outcome).status, 200);
    assert_eq!(world.post("/v1/outcome", r#"{"action_id":"x","status":"ok"}"#).status, 400);
    let purpose = r#"{"session":"s","purpose":"support"}"#;
    assert_eq!(world.post("/v1/session/purpose", purpose).status, 200);
    assert_eq!(world.post("/v1/session/purpose", &purpose.replace("support", "sales")).status, 400);
    assert_eq!(world.post("/v1/complete", r#"{"session":"s"}"#).status, 200);
    assert_eq!(world.post("/v1/spawn", r#"{"starts":"other"}"#).text("code"), "SPAWN_DENIED");
    assert_eq!(world.post("/v1/delegate", r#"{"to":"other"}"#).text("code"), "DELEGATION_DENIED");
    assert_eq!(world.post("/v1/revoke", r#"{"delegation":"d"}"#).status, 400);
    let tiers = world
        .gate
        .ledger()
        .query(&faramesh_ledger::Filter { tool: Some("refund".into()), ..Default::default() });
    for record in tiers.unwrap() {
        assert_eq!(record.field("tier").unwrap().as_str(), Some("http"));
    }
}

#[test]
fn the_document_names_every_path() {
    let world = World::new();
    let got = world.get("/openapi.json");
    assert_eq!(got.status, 200);
    let document = got.json();
    let paths = document.get("paths").unwrap();
    for path in ["/v1/evaluate", "/v1/outcome", "/v1/approvals/{id}", "/healthz", "/metrics"] {
        assert!(paths.get(path).is_some(), "{path}");
    }
    let text = got.body;
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document.get("components").unwrap().get("schemas").unwrap().get(name).is_some(), "{name}");
    }
}
