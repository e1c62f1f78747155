//! What means the same is the same program: spellings, aliases, and the order of blocks that have none.
//! What means something else is another program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use faramesh_check::{Options, Unenforced, check};
use faramesh_compile::compile;
use faramesh_program::{Sources, encode};

/// The program's bytes without the places of its rules.
fn bytes(source: &str) -> Vec<u8> {
    let environment = |name: &str| (name == "STORE").then(|| "vault".to_owned());
    let options =
        Options { dev: true, unenforced: Unenforced::Carry, ..Options::new("governance.fms", &environment) };
    let checked = check(source, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{source}\n{:#?}", checked.diagnostics));
    let (image, _) = compile(&stack).unwrap();
    encode(&image, &Sources::default()).unwrap()
}

/// An agent, two more for it to name, and a provider, around `inside`.
fn around(inside: &str) -> String {
    format!(
        "provider \"vault\" {{ type = \"vault\" }}\nagent \"a\" {{ default deny permit x {inside} }}\n\
         agent \"b\" {{ default deny permit x }}\nagent \"c\" {{ default deny permit x }}"
    )
}

/// Two spellings of one meaning, and one of another.
type Case = (&'static str, &'static str, &'static str);

/// Cases, and the file around each.
type Group<'a> = (&'a [Case], &'a dyn Fn(&str) -> String);

const AGENT: &[Case] = &[
    ("allow y", "rules { approve y }", "defer y"),
    ("block y reason \"n\"", "reject y reason: \"n\"", "deny! y reason \"n\""),
    ("permit y if q < 5 && p == 1", "permit y when q < 5 and p == 1", "permit y if q < 5 or p == 1"),
    (
        "permit y host \"h\" method GET",
        "permit y method \"GET\" host \"h\"",
        "permit y host \"h\" method PUT",
    ),
    ("permit y permit z", "rules { permit y } rules { permit z }", "permit z permit y"),
    (
        "rate_limit y: 10 per minute",
        "rate_limit \"y\": 10 per 60s burst 10 scope = \"instance\"",
        "rate_limit y: 10 per 61s",
    ),
    (
        "rate_limit y: 1 per day rate_limit z: 2 per hour",
        "rate_limit z: 2 per 60m rate_limit y: 1 per 24h",
        "rate_limit y: 1 per day",
    ),
    ("budget daily { max $5 }", "budget { id = \"daily\" usd = 5 }", "budget daily { max $6 }"),
    (
        "budget daily { max $5 }",
        "budget \"daily\" { max = 5.00 window = \"daily\" on_exceed deny scope = instance }",
        "budget session { max $5 }",
    ),
    ("budget \"r\" { daily $5 }", "budget r { max $5 window daily }", "budget \"r\" { max $5 }"),
    (
        "budget \"r\" { max $5 tools = [y, \"z/*\"] }",
        "budget \"r\" { tools [\"z/*\", y] max $5 }",
        "budget \"r\" { max $5 tools = [y] }",
    ),
    (
        "budget \"r\" { max $5 cost = args.amount }",
        "budget \"r\" { cost args[\"amount\"] usd 5 }",
        "budget \"r\" { max $5 cost = args.total }",
    ),
    (
        "budget \"r\" { max $5 warn_at = 0.8 }",
        "budget \"r\" { max $5 warn_at 0.80 }",
        "budget \"r\" { max $5 warn_at 0.81 }",
    ),
    (
        "egress { allow = [\"API.x.com\", \"10.1.2.3/8\"] }",
        "egress { allow [\"10.0.0.0/8\", \"api.x.com.\", \"api.x.com\"] deny [] }",
        "egress { }",
    ),
    (
        "model_policy { allow = [\"a\", \"b\"] }",
        "model_policy { allow [\"b\", \"a\"] }",
        "model_policy { allow [\"a\"] deny [\"b\"] }",
    ),
    (
        "session { max_duration = 1h max_calls 5 }",
        "session { max_calls = 5 max_duration \"60m\" }",
        "session { max_duration = 1h }",
    ),
    (
        "spawn { allow = [\"b\", \"c\"] }",
        "spawn { allowed_types [\"c\", \"b\"] }",
        "spawn { allow = [\"b\"] }",
    ),
    (
        "delegate b { ttl = 1h }",
        "delegate { target_agent = \"b\" ttl 60m ceiling = inherited }",
        "delegate c { ttl = 1h }",
    ),
    (
        "delegate { to = [\"b\", \"c\"] ttl 1h }",
        "delegate c { ttl 1h } delegate b { ttl 1h }",
        "delegate b { ttl 1h }",
    ),
    (
        "delegate b { scope = [y, \"z if q < 5\"] }",
        "delegate b { scope [\"z when q < 5\", \"y\"] }",
        "delegate b { scope = [y, \"z if q < 6\"] }",
    ),
    (
        "delegate b { inherits = [\"budget.daily\"] } budget daily { max $1 }",
        "budget daily { max $1 } delegate b { inherits [\"daily\"] }",
        "budget daily { max $1 } delegate b { }",
    ),
    ("phase \"p\" { permit y }", "phase p { rules { allow y } }", "phase p { rules { defer y } }"),
    (
        "phase p { duration = 48h next = \"q\" tools = [y] } phase q { permit z }",
        "phase \"p\" { tools [\"y\"] duration \"2d\" next q } phase q { permit z }",
        "phase p { duration = 48h tools = [y] } phase q { permit z }",
    ),
    (
        "completion_gate { require \"no_pending_approvals\" require called y }",
        "completion_gate { require called \"y\" require no_pending_approvals }",
        "completion_gate { require called \"y\" }",
    ),
    (
        "credential \"s\" { backend = \"vault\" }",
        "credential s { backend = env(\"STORE\") tools = [\"s/*\"] required = true }",
        "credential s { backend vault required = false }",
    ),
    (
        "selector \"r\" { source = \"https://x\" cache = 5m }",
        "selector r { cache \"300s\" source \"https://x\" on_timeout = unknown }",
        "selector r { source \"https://x\" }",
    ),
    (
        "ambient { max_data_volume = 1mb }",
        "ambient { max_data_volume 1024kb on_exceed deny }",
        "ambient { max_data_volume 1025kb }",
    ),
    (
        "enforcement { network = \"none\" os_tier true }",
        "enforcement { os_tier = true network [] }",
        "enforcement { os_tier = true }",
    ),
    (
        "alert { on = \"deny\" notify = \"stderr://\" }",
        "alert { notify [\"stderr://\"] on [deny] }",
        "alert { on = \"defer\" notify = \"stderr://\" }",
    ),
    (
        "redact y args: [\"a\", \"b\"] redact z args: [\"c\"]",
        "redact \"z\" args: [\"c\"] redact y args: [\"b\", \"a\"]",
        "redact y args: [\"a\"] redact z args: [\"c\"]",
    ),
    ("redact y args: [\"a\"]", "redact \"y\" args: \"a\"", "redact y args: [\"a\"] seal"),
    ("defer y approvals_required 2", "defer y approvals_required: 2", "defer y approvals_required 3"),
    ("permit y", "permit y reeval false", "permit y reeval true"),
];

const FILE: &[Case] = &[
    ("runtime { signing = strict }", "runtime { signing_required true }", "runtime { signing = off }"),
    (
        "runtime { wal_backend = \"postgres://d/x\" }",
        "runtime { postgres_url \"postgres://d/x\" backend postgres }",
        "runtime { wal_backend = \"postgres://d/y\" }",
    ),
    (
        "runtime { wal_retention = 90d http_listen = \"localhost:80\" }",
        "runtime { http_listen \"127.0.0.1:80\" }",
        "runtime { http_listen \"127.0.0.1:81\" }",
    ),
    (
        "provider \"a\" { type = \"t\" x = 1 y = 30s } provider \"b\" { type = \"u\" }",
        "provider b { type u } provider \"a\" { y = 30000ms x 1.0 type \"t\" }",
        "provider b { type u } provider \"a\" { y = 30s x = 2 type = \"t\" }",
    ),
    (
        "identity \"o\" { type = oidc issuer = \"https://i\" audience = \"x\" }",
        "identity o { audience [\"x\"] issuer \"https://i\" type \"oidc\" }",
        "identity o { audience [\"y\"] issuer \"https://i\" type \"oidc\" }",
    ),
    (
        "trust { key \"a/b\" ed25519:nxNjaQnS3L+zzKrRq48XfYBDWlFXkNJkxUiTD8j0sFs= }",
        "trust { keys = [\"a/b ed25519:nxNjaQnS3L+zzKrRq48XfYBDWlFXkNJkxUiTD8j0sFs\"] }",
        "trust { keys = [\"a/c ed25519:nxNjaQnS3L+zzKrRq48XfYBDWlFXkNJkxUiTD8j0sFs\"] }",
    ),
    (
        "system { max_output_bytes = 1mb }",
        "system { on_policy_load_failure deny_all max_output_bytes 1048576 }",
        "system { on_policy_load_failure keep_last max_output_bytes 1mb }",
    ),
    (
        "manifest orchestrator m manifest grant m to n max 3",
        "manifest grant \"m\" to n max 3 manifest orchestrator m undeclared deny",
        "manifest orchestrator m undeclared defer manifest grant m to n max 3",
    ),
    ("alert { on deny notify \"stderr://\" }", "alert { notify \"stderr://\" on deny }", ""),
    (
        "selector s { source \"https://x\" }",
        "selector \"s\" { source = \"https://x\" }",
        "selector t { source \"https://x\" }",
    ),
    ("phase p { permit y }", "phase \"p\" { rules { permit y } }", "phase \"p\" { rules { permit z } }"),
];

#[test]
fn spellings_and_order_of_blocks_change_nothing() {
    let file = |inside: &str| {
        format!("{inside}\nagent \"m\" {{ default deny permit x }}\nagent \"n\" {{ default deny permit x }}")
    };
    let whole: [Group<'_>; 2] = [(AGENT, &around), (FILE, &file)];
    for ((first, second, other), whole) in
        whole.iter().flat_map(|(cases, whole)| cases.iter().map(move |case| (case, whole)))
    {
        assert!(bytes(&whole(first)) == bytes(&whole(second)), "{first}\n{second}");
        assert!(bytes(&whole(first)) != bytes(&whole(other)), "{first}\n{other}");
    }
}

#[test]
fn agents_have_no_order_and_share_what_the_file_says() {
    let (a, b) =
        ("agent \"a\" { default deny permit x if n < 5 }", "agent \"b\" { default deny permit y if m < 6 }");
    assert_eq!(bytes(&format!("{a}\n{b}")), bytes(&format!("{b}\n{a}")));
    let alert = "alert { on = \"deny\" notify = \"stderr://\" }";
    let inside = |agent: &str| format!("{} {alert} }}", agent.strip_suffix('}').unwrap());
    assert_eq!(bytes(&format!("{alert}\n{a}\n{b}")), bytes(&format!("{}\n{}", inside(a), inside(b))));
    let own = "agent \"a\" { default deny permit x phase p { permit z } }";
    assert_eq!(
        bytes(&format!("phase p {{ permit y }}\n{own}")),
        bytes(own),
        "an agent's own phase hides the file's"
    );
}
