//! Programs of every policy at hand load; formatting changes no hash; damaged bytes never panic;
//! ten thousand rules compile fast.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::path::Path;
use std::time::Instant;

use faramesh_check::{Options, Stack, Unenforced, check};
use faramesh_compile::compile_to_bytes;
use faramesh_program::load;
use proptest::prelude::*;

fn stack(source: &str) -> Option<Stack> {
    let environment = |_: &str| Some("value".to_owned());
    let options = Options { dev: true, ..Options::new("governance.fms", &environment) };
    check(source, &options).stack
}

/// Every source in this repository's tests and examples that checks without errors.
fn valid_sources() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Vec::new();
    let messages = std::fs::read_to_string(root.join("crates/check/tests/messages.txt")).unwrap();
    for case in messages.split("\n\n") {
        let lines: Vec<&str> = case.lines().filter(|line| !line.starts_with("  ")).collect();
        sources.push(lines.join("\n"));
    }
    sources.extend(faramesh_corpus::parsing().into_iter().map(|policy| policy.source));
    collect(&root.join("examples"), 4, &mut sources);
    sources.retain(|source| stack(source).is_some());
    sources
}

fn collect(folder: &Path, depth: u32, sources: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, sources);
        } else if path.extension().is_some_and(|extension| extension == "fms") {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_valid_policy_loads_and_formatting_keeps_its_hash() {
    let sources = valid_sources();
    assert!(sources.len() >= 50, "{}", sources.len());
    for source in sources {
        let bytes = compile_to_bytes(&stack(&source).unwrap()).unwrap();
        let program = load(&bytes).unwrap_or_else(|error| panic!("{error}\n{source}"));
        assert_eq!(bytes, compile_to_bytes(&stack(&source).unwrap()).unwrap(), "same source, same bytes");
        let formatted = faramesh_syntax::format(&source).unwrap();
        let again =
            load(&compile_to_bytes(&stack(&formatted).unwrap_or_else(|| panic!("{formatted}"))).unwrap())
                .unwrap();
        assert_eq!(program.hash(), again.hash(), "{source}\n{formatted}");
        let bare = source.trim_start_matches('\u{feff}');
        let commented = format!("# a comment\n\n{bare}\n# another\n");
        let again =
            load(&compile_to_bytes(&stack(&commented).unwrap_or_else(|| panic!("{commented}"))).unwrap())
                .unwrap();
        assert_eq!(program.hash(), again.hash(), "{source}");
    }
}

/// A policy that uses most of the language.
const RICH: &str = r##"
runtime { timezone = "America/New_York" stack_id = "s" }
identity "host" { type = "unix" }
var teams = ["a", "b"]
agent "one" {
  default deny
  attest { uid = 7 }
  deny! shell/* reason "never"
  permit http/* if team in teams and not (amount > $5 or note matches "^x+$") host "*.example.com" port [80, 443]
  defer pay if to.domain == "@corp.com" and items[0].name.lower.length < 9 notify "#pay"
  permit write if path.starts_with("./drafts/") and within(path, "./drafts") and has(a.b) and [a, 1] contains x
  redact pay args: ["card.number", "items[].ssn"]
}
agent "two" { default permit attest { uid = 8 } deny *_delete if time.hour < 9 or time.weekday in ["sat"] }
"##;

/// A policy with every block, none of which the rules above have.
const BLOCKS: &str = r##"
runtime { wal_retention = 90d  signing = "strict"  os_tier = true  strip_env = ["AWS_SECRET_ACCESS_KEY"] }
provider "vault" { type = "vault"  addr = env("VAULT_ADDR")  mounts = ["secret", "kv"] }
trust { key "github.com/org/repo" ed25519:nxNjaQnS3L+zzKrRq48XfYBDWlFXkNJkxUiTD8j0sFs= }
system { on_policy_load_failure = "deny_all" }
manifest orchestrator lead undeclared deny
manifest grant lead to worker max 3
agent "lead" {
  default deny
  permit refund if session.sum(refund.amount, window=1h) < $500 and not history.contains(refund/undo, within=2d)
  rate_limit "refund": 5 per minute burst 2
  budget daily { max $100  cost = amount  tools = ["refund"]  warn_at 0.8  on_exceed defer }
  egress { allow = ["*.example.com"]  deny = ["10.0.0.0/8"] }
  model_policy { allow = ["gpt-*"] }
  session { max_calls = 100  idle_timeout = 10m }
  spawn { allow = ["worker"]  max_concurrent = 2 }
  delegate worker { scope = ["refund"]  ttl = 1h  inherits = ["budget.daily"] }
  phase "trial" { duration = 48h  next = "enforce"  tools = ["refund"]  rules { permit refund if amount < 5 } }
  completion_gate { require "no_pending_approvals" }
  credential "stripe" { backend = "vault"  path = "stripe/key"  scope = ["refunds"]  tools = ["refund"] }
  selector "role" { source = "https://id.example.com/role"  cache = 30s  on_unavailable = "deny" }
  ambient { max_calls_per_day = 1000 }
  alert { on = ["deny"]  notify = ["stderr://"]  tools = ["refund"] }
}
agent "worker" { default deny  permit docs/search }
"##;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn damaged_programs_never_panic(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        for mut bytes in [rich_bytes(), block_bytes()] {
            for (index, byte) in &flips {
                let at = index.index(bytes.len());
                bytes[at] = *byte;
            }
            let _ = load(&bytes);
        }
    }

    #[test]
    fn truncated_programs_never_load(length in any::<prop::sample::Index>()) {
        for bytes in [rich_bytes(), block_bytes()] {
            prop_assert!(load(&bytes[..length.index(bytes.len())]).is_err());
        }
    }
}

fn rich_bytes() -> Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| compile_to_bytes(&stack(RICH).unwrap()).unwrap()).clone()
}

fn block_bytes() -> Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let compiled = || {
        let environment = |_: &str| Some("value".to_owned());
        let options = Options {
            dev: true,
            unenforced: Unenforced::Carry,
            ..Options::new("governance.fms", &environment)
        };
        let checked = check(BLOCKS, &options);
        let stack = checked.stack.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let bytes = compile_to_bytes(&stack).unwrap();
        load(&bytes).unwrap();
        bytes
    };
    BYTES.get_or_init(compiled).clone()
}

#[test]
fn ten_thousand_rules() {
    let mut source = String::from("agent \"a\" {\n  default deny\n  rules {\n");
    for number in 0..10_000 {
        let effect = ["permit", "defer", "deny"][number % 3];
        source.push_str(&format!(
            "    {effect} service{}/tool{number} if amount < ${} and region in [\"eu\", \"us{}\"]\n",
            number % 97,
            number % 500,
            number % 11
        ));
    }
    source.push_str("  }\n}\n");
    let start = Instant::now();
    let parsed = faramesh_syntax::parse(&source);
    let parsing = start.elapsed();
    assert!(!parsed.has_errors());
    let checked = stack(&source).unwrap();
    let checking = start.elapsed() - parsing;
    let bytes = compile_to_bytes(&checked).unwrap();
    let compiling = start.elapsed() - parsing - checking;
    let program = load(&bytes).unwrap();
    let loading = start.elapsed() - parsing - checking - compiling;
    assert_eq!(program.agents()[0].rules.len(), 10_000);
    println!(
        "10,000 rules, {} KiB of source, {} KiB of program: parse {parsing:?}, parse and check {checking:?}, \
         compile {compiling:?}, load {loading:?}",
        source.len() >> 10,
        bytes.len() >> 10
    );
}
