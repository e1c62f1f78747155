//! Reading a long ledger: what `audit ls` asks for, with each filter; and opening it, and making its index
//! anew. `README-ledger.md` says how each figure is made.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use faramesh_benches::{Outcome, Samples, figure, policy, print_machine};
use faramesh_call::{Action, Code, Effect, Object, Tier, Timestamp, Value};
use faramesh_daemon::{Daemon, LedgerKind, StopReason};
use faramesh_dpr::{Canonical, Draft, Identity, Kind, RuleRef};
use faramesh_ledger::{Commit, Filter, Ledger, Options, Reader, verify};

/// Records by default; `BENCH_RECORDS` says otherwise.
const RECORDS: u64 = 1_000_000;
const BATCH: u64 = 512;
const ROUNDS: u32 = 5;
const SHOWN: usize = 50;
const WAIT: Duration = Duration::from_secs(60);
/// The longest that an index may take: it is a bench, not a trap.
const INDEX_WAIT: Duration = Duration::from_secs(1_800);
const BEGIN: u64 = 1_795_000_000_000;
/// Milliseconds from one record to the next.
const STEP: u64 = 100;

fn main() -> Outcome {
    print_machine();
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into()))?;
    let records = std::env::var("BENCH_RECORDS").ok().map_or(Ok(RECORDS), |text| text.parse())?;
    figure("records", count(records)?, "", "");
    write(folder.path(), records)?;
    for (name, filter) in filters(records) {
        reading(folder.path(), name, &filter)?;
    }
    opening(folder.path(), records)?;
    verifying(folder.path(), records)?;
    cold_start(folder.path(), records)
}

fn count(number: u64) -> Outcome<f64> {
    Ok(f64::from(u32::try_from(number)?))
}

/// A decision like those of an agent that works: many permits, a few denials, sessions of two hundred.
fn decision(number: u64) -> Outcome<Draft<'static>> {
    let args: Object = [
        ("amount", Value::from(number % 1_000)),
        ("currency", Value::from("usd")),
        ("customer", Value::from("cus_9s6XKzkNRiz8i3")),
        ("note", Value::from("the second item of the order arrived damaged; photos are in the ticket")),
    ]
    .into_iter()
    .collect();
    let effect = if number % 500 == 7 { Effect::Deny } else { Effect::Permit };
    Ok(Draft {
        kind: Kind::Decision,
        agent: Some(format!("agent-{}", number % 20).into()),
        agent_seq: Some(number / 20),
        identity: Some(Identity { method: "unix".into(), subject: "uid:1000".into(), ..Identity::default() }),
        tier: Some(Tier::Sdk),
        session: Some(format!("sess-{}", number / 200).into()),
        call_id: Some(format!("call-{number}").into()),
        tool: Some(format!("service-{}/tool-{}", number % 7, number % 50).into()),
        action: Some(Action::ToolCall),
        args: Some(Canonical::from(args)),
        args_commitment: Some("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad".into()),
        effect: Some(effect),
        enforced: Some(true),
        code: Some(if effect == Effect::Deny { Code::PolicyDeny } else { Code::PolicyPermit }),
        rule: Some(RuleRef {
            reference: format!("governance.fms:{}", number % 97).into(),
            digest: "5f2b51ca2fdc5baa".into(),
        }),
        policy: Some([7; 32]),
        ..Draft::default()
    })
}

/// Fills a ledger, and waits for its index.
fn write(directory: &Path, records: u64) -> Outcome {
    let ledger =
        Ledger::open(Options::new(directory, "payments", "host-1"), Timestamp(BEGIN), &mut |_| {})?.0;
    let policy = Draft { kind: Kind::Policy, policy: Some([7; 32]), ..Draft::default() };
    ledger.append_and_wait(policy, Timestamp(BEGIN), WAIT)?;
    let started = Instant::now();
    let (sender, receiver): (Sender<bool>, Receiver<bool>) = channel();
    for first in (0..records).step_by(usize::try_from(BATCH)?) {
        let batch = first..records.min(first + BATCH);
        for number in batch.clone() {
            let sender = sender.clone();
            let done = Box::new(move |kept: Result<_, _>| sender.send(kept.is_ok()).unwrap_or(()));
            ledger.append(decision(number)?, Timestamp(BEGIN + number * STEP), done)?;
        }
        ledger.commit(Commit::Handover);
        for _ in batch {
            if !receiver.recv_timeout(WAIT)? {
                return Err("a record was not kept".into());
            }
        }
    }
    figure("written_per_second", count(records)? / started.elapsed().as_secs_f64(), "1/s", "");
    indexed(&ledger)?;
    figure("written_and_indexed", started.elapsed().as_secs_f64(), "s", "");
    ledger.close();
    Ok(())
}

fn indexed(ledger: &Ledger) -> Outcome {
    let limit = Instant::now() + INDEX_WAIT;
    while ledger.status().index_lag != Some(0) {
        if Instant::now() > limit {
            return Err("the index does not come up".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Every filter of `audit ls`, alone and with others: of many records, of few, and of none.
fn filters(records: u64) -> Vec<(&'static str, Filter)> {
    let newest = || Filter { newest_first: true, limit: Some(SHOWN), ..Filter::default() };
    let at = |number: u64| Some(Timestamp(BEGIN + number * STEP));
    let middle = records / 2;
    vec![
        ("newest", newest()),
        ("agent", Filter { agent: Some("agent-3".into()), ..newest() }),
        ("agent_unknown", Filter { agent: Some("nobody".into()), ..newest() }),
        ("tool", Filter { tool: Some("service-3/tool-3".into()), ..newest() }),
        ("tool_pattern", Filter { tool: Some("service-3/*".into()), ..newest() }),
        ("tool_pattern_of_none", Filter { tool: Some("nothing/*".into()), ..newest() }),
        ("deny", Filter { effect: Some(Effect::Deny), ..newest() }),
        ("defer_of_none", Filter { effect: Some(Effect::Defer), ..newest() }),
        ("kind_policy", Filter { kind: Some(Kind::Policy), ..newest() }),
        ("rule", Filter { rule: Some("governance.fms:12".into()), ..newest() }),
        ("session_old", Filter { session: Some("sess-3".into()), ..newest() }),
        ("window_old", Filter { since: at(middle), until: at(middle + 600), ..newest() }),
        ("until_old", Filter { until: at(records / 10), ..newest() }),
        ("since_future", Filter { since: at(records * 2), ..newest() }),
        (
            "agent_deny_old",
            Filter {
                agent: Some("agent-7".into()),
                effect: Some(Effect::Deny),
                until: at(records / 10),
                ..newest()
            },
        ),
        (
            "agent_tool_of_none",
            Filter { agent: Some("agent-3".into()), tool: Some("service-3/tool-4".into()), ..newest() },
        ),
        (
            "agent_rule_window",
            Filter {
                agent: Some("agent-3".into()),
                rule: Some("governance.fms:12".into()),
                since: at(middle),
                until: at(middle + 100_000),
                ..newest()
            },
        ),
    ]
}

fn reading(directory: &Path, name: &str, filter: &Filter) -> Outcome {
    let (mut times, mut found) = (Samples::default(), 0);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        found = Reader::open(directory)?.query(filter)?.len();
        times.push(started.elapsed());
    }
    let slowest = times.percentile_us(100) / 1e3;
    figure(&format!("read_{name}_{found}_found"), slowest, "ms", "at most 200");
    Ok(())
}

fn verifying(directory: &Path, records: u64) -> Outcome {
    let started = Instant::now();
    verify(directory, &mut |_| {})?;
    figure(
        "verify_records_per_second",
        count(records)? / started.elapsed().as_secs_f64(),
        "1/s",
        "at least 500000",
    );
    Ok(())
}

/// From nothing to READY over the long ledger: once when there is no snapshot, and from the newest one.
fn cold_start(ledger: &Path, records: u64) -> Outcome {
    let stack = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into()))?;
    let name = if records == RECORDS { "1m".to_owned() } else { records.to_string() };
    let start = || -> Outcome<(Daemon, Duration)> {
        let source = "runtime { socket = \"a.sock\" stack_id = \"payments\" }\nagent";
        let options = faramesh_daemon::Options {
            directory: stack.path().to_owned(),
            program: policy::compile(&policy::TWENTY_RULES.replacen("agent", source, 1))?,
            policy_source: "governance.fms".to_owned(),
            started_by: "bench".to_owned(),
            dev: true,
            ledger: LedgerKind::DiskAt(ledger.to_owned()),
            home: stack.path().to_owned(),
        };
        let begin = Instant::now();
        Ok((Daemon::start(options)?, begin.elapsed()))
    };
    let stop = |daemon: Daemon| {
        daemon.stop_handle().stop(StopReason::Operator);
        drop(daemon.wait());
    };
    let (daemon, time) = start()?;
    figure(&format!("cold_start_{name}_every_record"), time.as_secs_f64() * 1e3, "ms", "");
    let last = daemon.gate().ledger().status().segment.saturating_sub(1);
    let limit = Instant::now() + INDEX_WAIT;
    while !ledger.join(format!("{last:08}.state")).exists() {
        if Instant::now() > limit {
            return Err("no snapshot was made".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    stop(daemon);
    let mut times = Samples::default();
    for _ in 0..ROUNDS {
        let (daemon, time) = start()?;
        times.push(time);
        stop(daemon);
    }
    figure(&format!("cold_start_{name}"), times.percentile_us(100) / 1e3, "ms", "at most 300");
    let (daemon, _) = start()?;
    let begin = Instant::now();
    while daemon.gate().ledger().status().unchecked > 0 && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(5));
    }
    figure("read_again_behind_ready", begin.elapsed().as_secs_f64(), "s", "");
    stop(daemon);
    let snapshot = std::fs::metadata(ledger.join(format!("{last:08}.state")))?.len();
    figure("snapshot_bytes", count(snapshot / 1_024)? * 1_024.0, "bytes", "");
    Ok(())
}

/// Opening the ledger again, and its index from nothing.
fn opening(directory: &Path, records: u64) -> Outcome {
    let open = || Ledger::open(Options::new(directory, "payments", "host-1"), Timestamp(BEGIN), &mut |_| {});
    let started = Instant::now();
    let ledger = open()?.0;
    figure("open", started.elapsed().as_secs_f64(), "s", "");
    ledger.close();
    drop(ledger);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(directory.join(format!("index.sqlite{suffix}")));
    }
    let ledger = open()?.0;
    let started = Instant::now();
    indexed(&ledger)?;
    figure("index_rebuilt_per_second", count(records)? / started.elapsed().as_secs_f64(), "1/s", "");
    ledger.close();
    let index = std::fs::metadata(directory.join("index.sqlite"))?.len();
    figure("index_bytes_a_record", count(index / 1_024)? * 1_024.0 / count(records)?, "bytes", "");
    Ok(())
}
