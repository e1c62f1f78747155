//! Who may ask, and who may not.

use crate::world::{BOT, JSON, OTHER, World, bearer, hash};

#[test]
fn nobody_unknown_asks_anything_and_nothing_is_recorded() {
    let world = World::new();
    let before = world.records();
    let body = r#"{"agent":"bot","tool":"search"}"#;
    for fields in [
        vec![JSON],
        vec![JSON, ("Authorization", "Bearer wrong")],
        vec![JSON, ("Authorization", "Basic Ym90LXNlY3JldA==")],
        vec![JSON, ("Authorization", "Bearer bot-secret"), ("Authorization", "Bearer bot-secret")],
    ] {
        let got = world.request("POST", "/v1/evaluate", &fields, body);
        assert_eq!((got.status, &*got.text("code")), (401, "IDENTITY_UNVERIFIED"), "{fields:?}");
        assert!(got.head.contains("www-authenticate: bearer"), "{}", got.head);
    }
    // The hash is no token: the policy may be read by anybody.
    let by_hash =
        world.request("POST", "/v1/evaluate", &[JSON, ("Authorization", &bearer(&hash(BOT)))], body);
    assert_eq!(by_hash.status, 401);
    for path in ["/openapi.json", "/v1/approvals/apr-1"] {
        assert_eq!(world.request("GET", path, &[], "").status, 401, "{path}");
    }
    assert_eq!(world.records(), before, "the daemon records strangers together, not each");
    assert_eq!(world.counts.served().by_status, [(401, 7)]);
    let strangers = world.counts.take_strangers().unwrap();
    assert_eq!((strangers.requests, strangers.handshakes, strangers.elsewhere), (7, 0, 0));
    assert_eq!(strangers.addresses, [(std::net::IpAddr::from([127, 0, 0, 1]), 7)]);
    assert_eq!(world.counts.take_strangers(), None);
}

/// No page of a browser reads this door: it answers no preflight and lets no origin in.
#[test]
fn no_origin_is_let_in() {
    let world = World::new();
    let origin = ("Origin", "https://example.org");
    let wants = ("Access-Control-Request-Method", "POST");
    let fields = ("Access-Control-Request-Headers", "authorization, content-type");
    let known = bearer(BOT);
    let known = ("Authorization", known.as_str());
    let call = r#"{"agent":"bot","tool":"search"}"#;
    for (method, path, fields, body, status) in [
        ("OPTIONS", "/v1/evaluate", vec![origin, wants, fields], "", 405),
        ("OPTIONS", "/v1/evaluate", vec![origin, wants, fields, known], "", 405),
        ("OPTIONS", "/v1/approvals/apr-1", vec![origin, wants], "", 405),
        ("OPTIONS", "/metrics", vec![origin, wants], "", 405),
        ("OPTIONS", "*", vec![origin, wants], "", 404),
        ("POST", "/v1/evaluate", vec![origin, JSON, known], call, 200),
        ("POST", "/v1/evaluate", vec![origin, JSON], call, 401),
        ("POST", "/v1/evaluate", vec![origin, ("Content-Type", "text/plain"), known], call, 415),
        ("GET", "/healthz", vec![origin], "", 200),
        ("GET", "/openapi.json", vec![origin, known], "", 200),
    ] {
        let got = world.request(method, path, &fields, body);
        assert_eq!(got.status, status, "{method} {path}: {}", got.body);
        assert!(!got.head.contains("access-control-"), "{method} {path}: {}", got.head);
    }
}

#[test]
fn a_token_is_one_agent_and_no_other() {
    let world = World::new();
    let ask = |token: &str, agent: &str| {
        let body = format!(r#"{{"agent":"{agent}","tool":"search"}}"#);
        world.request("POST", "/v1/evaluate", &[JSON, ("Authorization", &bearer(token))], &body)
    };
    assert_eq!(ask(BOT, "bot").status, 200);
    let posed = ask(OTHER, "bot");
    assert_eq!((posed.status, &*posed.text("code")), (403, "IDENTITY_UNVERIFIED"));
    assert_eq!(ask(OTHER, "nobody").text("code"), "AGENT_UNKNOWN");
    let records = world.gate.ledger().query(&faramesh_ledger::Filter::default()).unwrap();
    let texts: Vec<String> =
        records.iter().map(|record| String::from_utf8_lossy(record.bytes()).into_owned()).collect();
    let all = texts.concat();
    assert!(!all.contains(BOT) && !all.contains(OTHER), "a token is in no record");
    assert!(!all.contains(&hash(BOT)) && !all.contains(&hash(OTHER)), "nor its whole hash");
    assert!(all.contains(&format!("token:{} address:127.0.0.1", &hash(BOT)[..12])), "{all}");
}

#[test]
fn states_are_for_everybody_and_counts_for_this_machine() {
    let world = World::new();
    for (path, status, body) in
        [("/healthz", 200, "alive"), ("/readyz", 200, "READY"), ("/metrics", 200, "faramesh_ready 1")]
    {
        let got = world.request("GET", path, &[], "");
        assert_eq!(got.status, status, "{path}");
        assert!(got.body.contains(body), "{path}: {}", got.body);
    }
    world.gate.advance(faramesh_gate::Lifecycle::Draining);
    assert_eq!(world.request("GET", "/readyz", &[], "").status, 503);
    assert_eq!(world.request("GET", "/healthz", &[], "").status, 200);
    let refused = world.post("/v1/evaluate", r#"{"tool":"search"}"#);
    assert_eq!((refused.status, &*refused.text("code")), (503, "DAEMON_NOT_READY"));
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
}
