//! Starting: what is taken is not taken away, what is stale is replaced, and a start that fails leaves
//! nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use faramesh_call::{Object, Timestamp, Value};
use faramesh_daemon::admin_socket_of;
use faramesh_dpr::{Draft, Kind};
use faramesh_ledger::{Ledger, Options};

use crate::world::{POLICY, Stack, WAIT, at, govern, text};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_it_makes_is_for_its_user_alone() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let layout = stack.layout();
    for folder in [layout.runtime_folder(), layout.runtime_folder().join("runtime"), stack.ledger()] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    assert_eq!(mode(&stack.home.join(".faramesh/runtime")), 0o700);
    for file in
        [running.socket.clone(), admin_socket_of(&running.socket), layout.policy(), layout.agent_env()]
    {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    for entry in std::fs::read_dir(stack.ledger()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
    assert_eq!(running.socket, stack.home.join(".faramesh/runtime/faramesh.sock"));
    assert_eq!(layout.known_socket(), Some(running.socket.clone()));
}

#[test]
fn a_second_daemon_of_a_stack_does_not_start_and_the_first_goes_on() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let mut client = running.agent();
    client.ask(&govern("kb/search", "{}"));
    let mut second = stack.spawn();
    assert!(!second.ended().success());
    let errors = second.errors();
    assert!(errors.contains("NOT STARTED") && errors.contains("another process"), "{errors}");
    assert!(errors.contains(stack.ledger().to_str().unwrap()), "it says where: {errors}");
    assert_eq!(text(&client.ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
    assert_eq!(text(&running.agent().ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
    assert_eq!(text(&running.operator().call("status", "{}"), "result.daemon.state"), "READY");
}

#[test]
fn another_stack_gets_a_socket_of_its_own() {
    let first = Stack::new(POLICY);
    let second = Stack::beside(&first.home, first.folder.parent().unwrap(), "other shop", POLICY);
    let (one, two) = (first.start(), second.start());
    assert_eq!(one.socket, first.home.join(".faramesh/runtime/faramesh.sock"));
    assert_eq!(two.socket, first.home.join(".faramesh/runtime/other_shop.sock"));
    for (running, stack) in [(&one, "shop"), (&two, "other shop")] {
        assert_eq!(text(&running.operator().call("status", "{}"), "result.stack"), stack);
        assert_eq!(text(&running.agent().ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
    }
}

#[test]
fn a_stale_socket_is_replaced() {
    let stack = Stack::new(POLICY);
    stack.start().kill();
    let socket = stack.home.join(".faramesh/runtime/faramesh.sock");
    assert!(socket.exists(), "a killed daemon leaves its socket");
    let running = stack.start();
    assert_eq!(running.socket, socket);
    assert_eq!(text(&running.agent().ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
}

#[test]
fn a_policy_names_its_socket() {
    let named = POLICY.replace("runtime {", "runtime { socket = \"run/agent.sock\"");
    let stack = Stack::new(&named);
    let running = stack.start();
    assert_eq!(running.socket, stack.folder.join("run/agent.sock"));
    let other = Stack::beside(&stack.home, stack.folder.parent().unwrap(), "other", POLICY);
    drop(running);
    std::fs::create_dir_all(other.folder.join("run")).unwrap();
    let _live = UnixListener::bind(other.folder.join("run/agent.sock")).unwrap();
    std::fs::write(other.folder.join("program.bin"), crate::world::compiled(&named)).unwrap();
    let mut refused = other.spawn();
    assert!(!refused.ended().success());
    let errors = refused.errors();
    assert!(errors.contains("another daemon answers at"), "{errors}");
}

#[test]
fn a_start_that_fails_late_leaves_nobody_listening() {
    let stack = Stack::new(POLICY);
    // The policy cannot be kept where a folder is in its place.
    std::fs::create_dir_all(stack.layout().policy()).unwrap();
    let mut failed = stack.spawn();
    assert!(!failed.ended().success());
    let errors = failed.errors();
    assert!(errors.contains("cannot write to .faramesh"), "{errors}");
    let runtime = stack.home.join(".faramesh/runtime");
    let left: Vec<_> = std::fs::read_dir(runtime).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
    std::fs::remove_dir(stack.layout().policy()).unwrap();
    assert_eq!(at(&stack.start().agent().ask(&govern("kb/search", "{}")), "id").as_i64(), Some(1));
}

#[test]
fn a_damaged_program_or_ledger_does_not_start() {
    let stack = Stack::new(POLICY);
    let program = stack.folder.join("program.bin");
    let good = std::fs::read(&program).unwrap();
    std::fs::write(&program, &good[..good.len() / 2]).unwrap();
    assert!(!stack.spawn().ended().success());
    std::fs::write(&program, &good).unwrap();
    let running = stack.start();
    for _ in 0..20 {
        running.agent().ask(&govern("kb/search", "{}"));
    }
    running.kill();
    let segment = std::fs::read_dir(stack.ledger())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wal"))
        .min()
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let place = bytes.windows(9).position(|window| window == b"kb/search").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let mut refused = stack.spawn();
    assert!(!refused.ended().success());
    let errors = refused.errors();
    assert!(errors.contains("the ledger cannot be opened"), "{errors}");
    assert!(errors.contains(segment.file_name().unwrap().to_str().unwrap()), "it says where: {errors}");
}

/// A ledger of some segments, as an earlier daemon of the stack left it: long enough that a start is READY
/// before all of it was read. Gives the last but one of its sealed segments.
fn left_behind(stack: &Stack) -> PathBuf {
    let options = Options {
        segment_bytes: 1 << 20,
        first_segment_bytes: 1 << 20,
        reserve_bytes: 0,
        index: false,
        ..Options::new(stack.ledger(), "shop", "host")
    };
    let now = Timestamp(1_795_166_999_999);
    let (ledger, _) = Ledger::open(options, now, &mut |_| {}).unwrap();
    let note = "x".repeat(300);
    for number in 1..=20_000_u64 {
        let detail: Object = [
            ("event", Value::from("exercise")),
            ("note", Value::from(&*note)),
            ("number", Value::from(number)),
        ]
        .into_iter()
        .collect();
        let draft = Draft::event(Kind::Lifecycle, detail);
        if number % 500 == 0 {
            ledger.append_and_wait(draft, now, WAIT).unwrap();
        } else {
            ledger.append(draft, now, Box::new(|kept| assert!(kept.is_ok()))).unwrap();
        }
    }
    let last = ledger.status().segment;
    assert!(last > 5, "{last}");
    ledger.close();
    stack.ledger().join(format!("{:08}.wal", last - 2))
}

fn snapshots(stack: &Stack) -> usize {
    let names = std::fs::read_dir(stack.ledger()).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|extension| extension == "state")).count()
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !reached() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_start_goes_on_from_a_snapshot_and_damage_before_it_ends_that() {
    let stack = Stack::new(POLICY);
    let segment = left_behind(&stack);
    let name = format!("{}, byte ", segment.file_name().unwrap().to_str().unwrap());
    let running = stack.start();
    until("no snapshot was made", || snapshots(&stack) > 0);
    running.kill();
    let running = stack.start();
    let status = || running.operator().call("status", "{}");
    until("the records are not read", || at(&status(), "result.ledger.verified").as_bool() == Some(true));
    assert_eq!(text(&running.agent().ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
    assert_eq!(text(&status(), "result.daemon.state"), "READY");
    running.kill();
    let mut bytes = std::fs::read(&segment).unwrap();
    let place = bytes.windows(8).position(|window| window == b"exercise").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let mut running = stack.start();
    let ask = || running.agent().ask(&govern("kb/search", "{}"));
    until("every call is permitted still", || text(&ask(), "result.code") == "LEDGER_UNAVAILABLE");
    let status = running.operator().call("status", "{}");
    assert_eq!(text(&status, "result.daemon.state"), "DEGRADED");
    let warnings = format!("{:?}", at(&status, "result.warnings"));
    assert!(warnings.contains("the ledger is damaged") && warnings.contains(&name), "{warnings}");
    running.terminate();
    running.ended();
    let errors = running.errors();
    assert!(errors.contains("ALARM") && errors.contains(&name), "{errors}");
    assert_eq!(snapshots(&stack), 0);
    let mut refused = stack.spawn();
    assert!(!refused.ended().success());
    let errors = refused.errors();
    assert!(errors.contains("the ledger cannot be opened") && errors.contains(&name), "{errors}");
}
