//! The ledger alone: a durable append against a bare sync, group commit, memory, bytes, opening,
//! verifying. `README-ledger.md` says how each figure is made.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use faramesh_benches::{Outcome, Samples, figure, print_machine};
use faramesh_call::{Action, Code, Effect, Object, Tier, Timestamp, Value};
use faramesh_dpr::{Canonical, Draft, GENESIS, Identity, Kind, Position, Record, RecordId, RuleRef};
use faramesh_ledger::{Commit, DEFAULT_MEMORY_RECORDS, Ledger, LocalKeys, Options, Signing, verify};

const ROUNDS: u32 = 20;
const PER_ROUND: u32 = 200;
const LOAD_ROUNDS: u32 = 6;
const LOAD_TIME: Duration = Duration::from_millis(500);
const SIGNING_ROUNDS: u32 = 5;
const SIGNING_TIME: Duration = Duration::from_millis(2_500);
const WAIT: Duration = Duration::from_secs(30);
const NOW: Timestamp = Timestamp(1_795_166_999_999);

/// Runs the parts that are named as arguments, or all.
fn main() -> Outcome {
    print_machine();
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into()))?;
    let named: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    if wanted("records") {
        sealing()?;
    }
    if wanted("memory") {
        memory()?;
    }
    if wanted("opening") {
        opening(&folder.path().join("empty"))?;
    }
    if wanted("durable") {
        durable(&folder.path().join("durable"))?;
    }
    if wanted("signing") {
        signing(&folder.path().join("signing"))?;
    }
    if wanted("load") {
        for (clients, target) in [(64, "at least 14 x one client"), (256, "at least 25 x one client")] {
            load(&folder.path().join(format!("load-{clients}")), clients, target)?;
        }
    }
    Ok(())
}

/// A plain permit with about 300 bytes of arguments and 8 steps of trace.
fn decision() -> Outcome<Draft<'static>> {
    let note = "customer asked for a refund of the second item of the order because it arrived damaged; \
                photos are attached to the ticket and the warehouse has confirmed the return";
    let args: Object = [
        ("amount", Value::from(80_u64)),
        ("currency", Value::from("usd")),
        ("customer", Value::from("cus_9s6XKzkNRiz8i3")),
        ("note", Value::from(note)),
        ("payment_intent", Value::from("pi_3MtwBwLkdIwHu7ix28a3tqPa")),
    ]
    .into_iter()
    .collect();
    let trace = br#"[["identity","unix"],["model"],["session"],["deny!",0],["rule",3,"no"],["rule",5,"no"],["rule",7,"yes"],["redact",0]]"#;
    let identity = Identity { method: "unix".into(), subject: "uid:1000".into(), ..Identity::default() };
    Ok(Draft {
        kind: Kind::Decision,
        agent: Some("support-bot".into()),
        identity: Some(identity),
        tier: Some(Tier::Sdk),
        enforcement: vec!["sdk".into()],
        session: Some("sess-01J9Z3K6".into()),
        call_id: Some("call_8sYbK2".into()),
        tool: Some("stripe/refund".into()),
        action: Some(Action::ToolCall),
        args: Some(Canonical::from(args)),
        args_commitment: Some("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad".into()),
        effect: Some(Effect::Permit),
        enforced: Some(true),
        code: Some(Code::PolicyPermit),
        rule: Some(RuleRef { reference: "governance.fms:12".into(), digest: "5f2b51ca2fdc5baa".into() }),
        policy: Some([7; 32]),
        trace: Some(Canonical::checked(trace.to_vec())?),
        ..Draft::default()
    })
}

/// Drafts of one agent whose own number rises.
struct Drafts {
    template: Draft<'static>,
    agent_seq: u64,
}

impl Drafts {
    fn new() -> Outcome<Self> {
        Ok(Self { template: decision()?, agent_seq: 0 })
    }

    fn next(&mut self) -> Draft<'static> {
        self.agent_seq += 1;
        Draft { agent_seq: Some(self.agent_seq), ..self.template.clone() }
    }
}

fn begin(ledger: &Ledger) -> Outcome {
    let policy = Draft { kind: Kind::Policy, policy: Some([7; 32]), ..Draft::default() };
    ledger.append_and_wait(policy, NOW, WAIT)?;
    Ok(())
}

fn open(directory: &Path) -> Outcome<Ledger> {
    let ledger = Ledger::open(Options::new(directory, "payments", "host-1"), NOW, &mut |_| {})?.0;
    begin(&ledger)?;
    Ok(ledger)
}

/// One record: its bytes and hash; and reading it back, verified.
fn sealing() -> Outcome {
    let draft = Draft { agent_seq: Some(123_456), ..decision()? };
    let position = Position {
        stack: "payments",
        instance: "host-1",
        epoch: 3,
        seq: 1_234_567,
        time: NOW,
        id: RecordId::new(NOW.0, 1 << 70),
        prev: GENESIS,
    };
    let mut out = Vec::with_capacity(4_096);
    let sealed = Samples::of_batches(200, 1_000, || {
        out.clear();
        std::hint::black_box(draft.seal(&position, &mut out));
    });
    figure("seal_record", sealed.median_us() * 1e3, "ns", "at most 2500 with framing");
    figure("record_bytes", f64::from(u32::try_from(out.len())?), "bytes", "at most 1.2 KiB on disk");
    let bytes: Arc<[u8]> = Arc::from(out.as_slice());
    let parsed = Samples::of_batches(200, 1_000, || {
        std::hint::black_box(Record::parse(Arc::clone(&bytes)).is_ok());
    });
    figure("parse_record", parsed.median_us() * 1e3, "ns", "");
    Ok(())
}

fn memory() -> Outcome {
    let ledger = Ledger::memory("payments", "dev", DEFAULT_MEMORY_RECORDS);
    begin(&ledger)?;
    let mut drafts = Drafts::new()?;
    let appended = Samples::of_batches(200, 1_000, || {
        let taken = ledger.append(drafts.next(), NOW, Box::new(|_| {}));
        drop(taken);
        ledger.commit(Commit::Inline);
    });
    figure("memory_append", appended.median_us() * 1e3, "ns", "");
    Ok(())
}

/// A new ledger, and one that holds a few records, from nothing to ready.
fn opening(directory: &Path) -> Outcome {
    let (mut new, mut again) = (Samples::default(), Samples::default());
    for round in 0..10 {
        let options = || Options::new(directory.join(round.to_string()), "payments", "host-1");
        for samples in [&mut new, &mut again] {
            let started = Instant::now();
            let (ledger, _) = Ledger::open(options(), NOW, &mut |_| {})?;
            samples.push(started.elapsed());
            drop(ledger);
        }
    }
    figure("open_new", new.median_us() / 1e3, "ms", "at most 100");
    figure("open_empty", again.median_us() / 1e3, "ms", "at most 100");
    Ok(())
}

/// One client; rounds alternate with bare syncs so that both see the same disk.
fn durable(directory: &Path) -> Outcome {
    let ledger = open(directory)?;
    let bare = File::create(directory.join("bare"))?;
    bare.write_all_at(&vec![0; 8 << 20], 0)?;
    bare.sync_all()?;
    let (mut syncs, mut appends) = (Samples::default(), Samples::default());
    let mut drafts = Drafts::new()?;
    let mut offset = 0;
    for _ in 0..ROUNDS {
        syncs.extend(Samples::of(PER_ROUND, || {
            let written = bare.write_all_at(&[b'x'; 512], offset);
            offset += 512;
            drop(written.and_then(|()| bare.sync_data()));
        }));
        appends.extend(singly(&ledger, &mut drafts)?);
    }
    figure("bare_sync_p50", syncs.median_us(), "us", "");
    figure("bare_sync_p99", syncs.percentile_us(99), "us", "");
    figure("durable_append_p50", appends.median_us(), "us", "");
    figure("durable_append_p99", appends.percentile_us(99), "us", "");
    let ratio = |percent| appends.percentile_us(percent) / syncs.percentile_us(percent);
    figure("durable_append_p50_ratio", ratio(50), "x", "at most 1.2");
    figure("durable_append_p99_ratio", ratio(99), "x", "at most 2");
    Ok(())
}

/// A round of records, one after the other.
fn singly(ledger: &Ledger, drafts: &mut Drafts) -> Outcome<Samples> {
    let mut failed = None;
    let samples = Samples::of(PER_ROUND, || {
        failed = ledger.append_and_wait(drafts.next(), NOW, WAIT).err();
    });
    failed.map_or(Ok(samples), |error| Err(error.into()))
}

/// `clients` in a closed loop, their records pushed by one thread and kept by the committer; rounds
/// alternate with a single client so that both see the same disk.
fn load(directory: &Path, clients: usize, target: &str) -> Outcome {
    let ledger = open(directory)?;
    let mut drafts = Drafts::new()?;
    let (mut single, mut rate) = (Samples::default(), 0.0);
    for _ in 0..LOAD_ROUNDS {
        single.extend(singly(&ledger, &mut drafts)?);
        rate += closed_loop(&ledger, &mut drafts, clients, LOAD_TIME)? / f64::from(LOAD_ROUNDS);
    }
    ledger.close();
    figure(&format!("records_per_second_{clients}"), rate, "1/s", target);
    figure(&format!("records_per_second_{clients}_ratio"), rate * single.median_us() / 1e6, "x", target);
    verifying(directory, ledger.status().last_seq)
}

/// The rate of many clients with checkpoints against the rate without, rounds alternating. The signed
/// ledger makes one checkpoint a second, so a round lasts longer than that.
fn signing(directory: &Path) -> Outcome {
    let (plain, signed) = (directory.join("plain"), directory.join("signed"));
    let plain = open(&plain)?;
    std::fs::create_dir_all(&signed)?;
    let signers = LocalKeys::open(&signed, true)?.signers();
    let signing = Some(Signing { signers, ..Signing::default() });
    let options = Options { signing, ..Options::new(&signed, "payments", "host-1") };
    let signed = Ledger::open(options, NOW, &mut |_| {})?.0;
    begin(&signed)?;
    let (mut rates, mut drafts) = ([0.0, 0.0], [Drafts::new()?, Drafts::new()?]);
    for _ in 0..SIGNING_ROUNDS {
        for ((ledger, rate), drafts) in [&plain, &signed].into_iter().zip(&mut rates).zip(&mut drafts) {
            *rate += closed_loop(ledger, drafts, 64, SIGNING_TIME)?;
        }
    }
    let [without, with] = rates;
    figure("signing_overhead", (1.0 - with / without) * 100.0, "%", "at most 5");
    let checkpoints = signed.status().checkpoint.map_or(0, |made| made.size);
    if checkpoints == 0 {
        return Err("no checkpoint was made while records came".into());
    }
    Ok(())
}

/// Records per second of `clients` in a closed loop for a while.
fn closed_loop(ledger: &Ledger, drafts: &mut Drafts, clients: usize, time: Duration) -> Outcome<f64> {
    let (sender, receiver) = channel();
    let mut append = |count: usize| -> Outcome {
        for _ in 0..count {
            let sender = sender.clone();
            let done = Box::new(move |result: Result<_, _>| sender.send(result.is_ok()).unwrap_or(()));
            ledger.append(drafts.next(), NOW, done)?;
        }
        ledger.commit(Commit::Handover);
        Ok(())
    };
    let started = Instant::now();
    append(clients)?;
    let (mut waiting, mut kept) = (clients, 0_u32);
    while waiting > 0 {
        let mut ready = usize::from(receiver.recv_timeout(WAIT)?);
        ready += receiver.try_iter().filter(|kept| *kept).count();
        kept += u32::try_from(ready)?;
        if started.elapsed() < time {
            append(ready)?;
        } else {
            waiting -= ready;
        }
    }
    Ok(f64::from(kept) / started.elapsed().as_secs_f64())
}

fn verifying(directory: &Path, records: u64) -> Outcome {
    let started = Instant::now();
    let report = verify(directory, &mut |_| {})?;
    let seconds = started.elapsed().as_secs_f64();
    if report.records != records {
        return Err("records are missing".into());
    }
    let count = f64::from(u32::try_from(records)?);
    figure("verify_records_per_second", count / seconds, "1/s", "at least 500000");
    Ok(())
}
