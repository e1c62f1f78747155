//! `faramesh plan` over recorded calls: a million decisions of a real gate in a ledger on disk, decided again under a
//! changed policy by the command itself. `README-ledger.md` says how the figures are made.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use faramesh_benches::{Outcome, figure, print_machine};
use faramesh_call::{Call, Effect, Timestamp, Value, object};
use faramesh_daemon::Layout;
use faramesh_dpr::CommitmentKey;
use faramesh_gate::{Gate, Lifecycle, Peer, Settings};
use faramesh_ledger::{Ledger, Options};
use faramesh_program::load;
use faramesh_state::State;

/// Calls by default; `BENCH_RECORDS` says otherwise.
const CALLS: u64 = 1_000_000;
const BATCH: u64 = 512;
const WAIT: Duration = Duration::from_secs(60);
const POLICY: &str = r#"runtime { allow_self_declared_identity = true }

agent "support-bot" {
  default deny

  rules {
    permit stripe/refund if amount < $500
    defer stripe/refund if amount < $900 reason "refunds of $500 and more need a person"
    deny stripe/refund reason "refunds of $900 and more go through finance"
    permit docs/* if not query matches "(?i)password"
  }
  LIMITS
}
"#;

fn main() -> Outcome {
    print_machine();
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into()))?;
    let calls = std::env::var("BENCH_RECORDS").ok().map_or(Ok(CALLS), |text| text.parse())?;
    let binary = PathBuf::from(std::env::var_os("FARAMESH_BIN").ok_or("FARAMESH_BIN names no command")?);
    write(folder.path(), calls)?;
    for (name, rule, limit) in [
        ("plan_replay", "amount < $400", ""),
        ("plan_replay_with_a_new_budget", "amount < $500", "budget daily { max_calls 500000 }"),
    ] {
        let policy = POLICY.replace("amount < $500", rule).replace("LIMITS", limit);
        std::fs::write(folder.path().join("governance.fms"), policy)?;
        plan(&binary, folder.path(), name, calls)?;
    }
    Ok(())
}

fn plan(binary: &Path, folder: &Path, name: &str, calls: u64) -> Outcome {
    let started = Instant::now();
    let run = Command::new(binary)
        .args(["plan", "--since", "30d", "--format", "json", "--dir"])
        .arg(folder)
        .env("HOME", folder)
        .output()?;
    let seconds = started.elapsed().as_secs_f64();
    let told = faramesh_call::json::parse(&run.stdout)
        .map_err(|_| String::from_utf8_lossy(&run.stderr).into_owned())?;
    let total = told.get("replay").and_then(|replay| replay.get("total")).and_then(Value::as_i64);
    if total != i64::try_from(calls).ok() {
        return Err(format!("{total:?} of {calls} calls were decided again").into());
    }
    let calls = f64::from(u32::try_from(calls)?);
    figure(name, calls / seconds, "1/s", "at least 100000");
    Ok(())
}

fn call(number: u64) -> Call {
    let refund = number.is_multiple_of(2);
    let args = if refund {
        object! { "amount" => number % 1_000, "customer" => "cus_9s6XKzkNRiz8i3" }
    } else {
        object! { "query" => "how are refunds made" }
    };
    Call {
        agent: Some("support-bot".into()),
        tool: if refund { "stripe/refund".into() } else { format!("docs/search-{}", number % 40).into() },
        args: Value::Object(args),
        session: Some(format!("sess-{}", number / 200).into()),
        ..Call::default()
    }
}

/// Fills a stack's folder as a daemon would: the policy in force, and its decisions.
fn write(folder: &Path, calls: u64) -> Outcome {
    let bytes = faramesh_benches::policy::compile(&POLICY.replace("LIMITS", ""))?;
    let program = Arc::new(load(&bytes)?);
    let layout = Layout::new(folder);
    layout.create()?;
    layout.keep_policy(program.hash_text(), &bytes)?;
    let wal = layout.resolve(&program.runtime.wal_dir);
    std::fs::create_dir_all(&wal)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    let (ledger, _) =
        Ledger::open(Options::new(&wal, "shop", "host"), Timestamp(u64::try_from(now)?), &mut |_| {})?;
    let settings = Settings::new(CommitmentKey::new(&[7; 32]), false);
    let ledger = Arc::new(ledger);
    let gate = Gate::new(settings, Arc::clone(&program), State::default(), Arc::clone(&ledger));
    gate.put_in_force(program, "bench")?;
    gate.advance(Lifecycle::Ready);
    let peer = Peer::new(1_000, 1, None);
    let (sender, receiver): (Sender<Effect>, Receiver<Effect>) = channel();
    let started = Instant::now();
    for first in (0..calls).step_by(usize::try_from(BATCH)?) {
        let batch = first..calls.min(first + BATCH);
        for number in batch.clone() {
            let sender = sender.clone();
            let answered =
                Box::new(move |reply: faramesh_gate::Reply| sender.send(reply.effect()).unwrap_or(()));
            gate.ask(&peer, call(number), answered);
        }
        gate.commit(false);
        for _ in batch {
            receiver.recv_timeout(WAIT)?;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    figure("decided_and_written", f64::from(u32::try_from(calls)?) / seconds, "1/s", "");
    ledger.close();
    Ok(())
}
