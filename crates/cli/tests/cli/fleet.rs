//! Daemons that share a budget, over a real Redis: together never above the ceiling, whoever dies meanwhile.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use faramesh_call::Value;

use crate::redis_server::Redis;
use crate::stack::{Stack, at, govern, text};

fn policy(url: &str, instance: &str) -> String {
    format!(
        r#"runtime {{
  stack_id = "payments"
  instance_id = "{instance}"
  allow_self_declared_identity = true
  budget_backend = "{url}"
}}
agent "support-bot" {{
  default deny
  rules {{ permit pay permit look }}
  budget "global-daily" {{ max $1000 cost amount tools ["pay"] scope = "fleet" }}
  rate_limit "look": 5 per hour scope = "fleet"
}}
"#
    )
}

fn start(url: &str, instance: &str) -> (Stack, PathBuf) {
    let stack = Stack::with(&policy(url, instance));
    let applied = stack.run(&["apply"]);
    assert_eq!(applied.exit, 0, "{}{}", applied.stdout, applied.stderr);
    let socket = PathBuf::from(text(&stack.json(&["status"]), &["daemon", "socket"]));
    (stack, socket)
}

fn pay(socket: &Path, amount: u64) -> Value {
    govern(socket, "pay", &format!(r#"{{"amount":{amount}}}"#))
}

/// What a daemon permits until it denies a few times in a row.
fn pays(socket: &Path, amount: u64) -> u64 {
    let (mut paid, mut denied) = (0, 0);
    while denied < 3 {
        match text(&pay(socket, amount), &["effect"]) {
            "PERMIT" => (paid, denied) = (paid + amount, 0),
            _ => denied += 1,
        }
        assert!(paid <= 1_000, "{paid}");
    }
    paid
}

/// What a daemon has spent of the budget, in dollars.
fn spent(stack: &Stack) -> f64 {
    let status = stack.json(&["status"]);
    let budget = &at(&status, &["budgets"]).as_list().unwrap()[0];
    let micros = faramesh_call::json::canonical(at(budget, &["spent_usd"]));
    String::from_utf8(micros).unwrap().parse().unwrap()
}

#[test]
fn two_daemons_share_one_ceiling() {
    let Some(mut redis) = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]) else { return };
    let (one, first) = start(&redis.url(), "one");
    let (two, second) = start(&redis.url(), "two");
    assert_eq!(text(&pay(&first, 10), &["effect"]), "PERMIT");
    assert_eq!(text(&pay(&second, 10), &["effect"]), "PERMIT");
    let status = one.json(&["status"]);
    assert!(text(&status, &["fleet", "backend"]).starts_with("redis at 127.0.0.1:"), "{status:?}");
    let budget = at(&status, &["budgets"]).as_list().unwrap()[0].clone();
    assert_eq!((text(&budget, &["scope"]), spent(&one)), ("fleet", 10.0));

    // Redis is away: each spends what it has and then denies, and says why.
    redis.kill();
    let alone = pays(&first, 1);
    assert!(alone <= 40, "at most a few parts: {alone}");
    let denied = pay(&first, 5);
    assert_eq!(text(&denied, &["code"]), "BUDGET_EXCEEDED");
    assert!(text(&denied, &["human_message"]).contains("all daemons share"), "{denied:?}");
    let warnings = one.run(&["status"]).stdout;
    assert!(warnings.contains("no more of shared budgets can be had: redis at"), "{warnings}");

    // It is back, with what it wrote; a daemon that is killed and starts again has what its ledger says.
    redis.run();
    assert_eq!(one.run(&["apply", "--stop"]).exit, 0);
    assert_eq!(one.run(&["apply"]).exit, 0);
    let began = Instant::now();
    while text(&pay(&second, 1), &["effect"]) != "PERMIT" {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    let paid: u64 = std::thread::scope(|scope| {
        let running = [scope.spawn(|| pays(&first, 7)), scope.spawn(|| pays(&second, 7))];
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let all = spent(&one) + spent(&two);
    assert!(all <= 1_000.0 && all > 950.0, "{all} of 1000, {paid} of it in the race");
    for stack in [&one, &two] {
        assert_eq!(stack.run(&["audit", "verify"]).exit, 0);
        let records = stack.run(&["audit", "ls", "--kind", "lifecycle", "--format", "jsonl"]).stdout;
        assert!(records.contains(r#""change":"leased""#), "{records}");
    }
}

#[test]
fn two_daemons_share_one_rate() {
    let Some(redis) = Redis::start(&[]) else { return };
    let (_one, first) = start(&redis.url(), "one");
    let (_two, second) = start(&redis.url(), "two");
    let look = |socket: &Path| govern(socket, "look", "{}");
    let permits = (0..10)
        .filter(|number| {
            let socket = if number % 2 == 0 { &first } else { &second };
            text(&look(socket), &["effect"]) == "PERMIT"
        })
        .count();
    assert_eq!(permits, 5);
    let denied = look(&first);
    assert_eq!(text(&denied, &["code"]), "RATE_EXCEEDED");
}

#[test]
fn a_backend_must_be_one() {
    let stack = Stack::with(&policy("mysql://x", "one"));
    let run = stack.run(&["check"]);
    assert!(run.exit == 1 && run.stdout.contains("budget_backend"), "{}", run.stdout);
    let shared = policy("redis://x", "one").replace("  budget_backend = \"redis://x\"\n", "");
    stack.write("governance.fms", &shared);
    let run = stack.run(&["check"]);
    assert!(
        run.exit == 1 && run.stdout.contains("shared by daemons, and nothing says where"),
        "{}",
        run.stdout
    );
    let rolling = policy("redis://x", "one").replace("cost amount", "cost amount window 1h");
    stack.write("governance.fms", &rolling.replace("global-daily", "global"));
    let run = stack.run(&["check"]);
    assert!(run.exit == 1 && run.stdout.contains("takes no window of a duration"), "{}", run.stdout);
}
