//! Sealed fields: in the record and nowhere in plain text, open to who has the keys, closed for good when
//! a person's key is erased, with a daemon and without.

use std::fs;
use std::path::Path;
use std::time::Duration;

use faramesh_daemon::offline;
use faramesh_dpr::{Kind, Record};
use faramesh_ledger::{Reader, verify};
use faramesh_seal::{Opener, is_sealed};
use memchr::memmem;

use crate::world::{Client, Stack, at, text};

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "support" {
  default deny
  rules { permit crm/*  defer refund }
  redact crm/update args: ["customer.email", "people[].ssn"] seal
  redact crm/update args: ["card"]
  redact refund args: ["iban"] seal
}
"#;

fn ask(agent: &mut Client, tool: &str, args: &str, who: &str) -> String {
    let reply = agent.ask(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"govern","params":{{"agent":"support","tool":"{tool}","args":{args}{who}}}}}"#
    ));
    text(&reply, "result.effect").to_owned()
}

fn principal(id: &str) -> String {
    format!(r#","principal":{{"id":"{id}"}}"#)
}

fn records(stack: &Stack) -> Vec<Record> {
    let records = Reader::open(stack.ledger()).unwrap().records().unwrap();
    records.map(|record| record.unwrap().1).collect()
}

/// Every text in the arguments of records, opened where it can be.
fn opened(stack: &Stack) -> String {
    let opener = Opener::open(&stack.layout().subjects()).unwrap();
    let mut seen = String::new();
    for record in records(stack) {
        let mut value = faramesh_call::json::parse(record.bytes()).unwrap();
        let commitment = text(&value, "args_commitment").to_owned();
        if let faramesh_call::Value::Object(members) = &mut value
            && let Some(args) = members.get_mut("args")
        {
            opener.unseal(args, &commitment);
            seen.push_str(&String::from_utf8(faramesh_call::json::canonical(args)).unwrap());
        }
    }
    seen
}

/// The files below a folder that hold some bytes.
fn files_with(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if path.is_file() && memmem::find(&fs::read(&path).unwrap(), bytes).is_some() {
            found.push(path.display().to_string());
        }
    }
    found
}

fn assert_nowhere(stack: &Stack, plain: &[&str]) {
    for text in plain {
        assert_eq!(files_with(&stack.folder, text.as_bytes()), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_is_sealed_can_be_erased_and_the_chain_still_verifies() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let mut agent = running.agent();
    let ann = r#"{"customer":{"email":"ann.CANARY@example.com","plan":"pro"},"people":[{"ssn":"CANARY-SSN-1"},{"ssn":"CANARY-SSN-2"}],"card":"CANARY-CARD"}"#;
    let bob = r#"{"customer":{"email":"bob.CANARY@example.com"}}"#;
    let iban = r#"{"iban":"CANARY-IBAN"}"#;
    let nobody = r#"{"customer":{"email":"nobody.CANARY@example.com"}}"#;
    assert_eq!(ask(&mut agent, "crm/update", ann, &principal("u-ann")), "PERMIT");
    assert_eq!(ask(&mut agent, "crm/update", bob, r#","session":"s-bob""#), "PERMIT");
    assert_eq!(ask(&mut agent, "refund", iban, &principal("u-ann")), "DEFER");
    assert_eq!(ask(&mut agent, "crm/update", nobody, ""), "PERMIT");
    let plain = ["CANARY"];
    assert_nowhere(&stack, &plain);
    let before = records(&stack);
    let stored: String =
        before.iter().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap()).collect();
    assert!(stored.contains("\"plan\":\"pro\"") && stored.contains("sealed:1:"), "{stored}");
    assert_eq!(stored.matches("[redacted]").count(), 2, "a card, nobody's: {stored}");
    let shown = format!("{:?}", running.operator().call("approvals.list", "{}"));
    assert!(!shown.contains("CANARY") && shown.contains("sealed:1:"), "{shown}");
    let readable = opened(&stack);
    for part in ["ann.CANARY@", "CANARY-SSN-1", "CANARY-SSN-2", "bob.CANARY@", "CANARY-IBAN"] {
        assert!(readable.contains(part), "{part}: {readable}");
    }
    assert!(!readable.contains("CANARY-CARD") && !readable.contains("nobody.CANARY"));
    let keys: Vec<_> = fs::read_dir(stack.layout().subjects())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().len() == 32)
        .map(|entry| fs::read(entry.path()).unwrap())
        .collect();
    assert_eq!(keys.len(), 2);

    // Ann goes, through the daemon; Bob stays.
    let reply = running.operator().call("audit.erase", r#"{"subject":"u-ann","reason":"request 17"}"#);
    let key = text(&reply, "result.key").to_owned();
    assert_eq!(key.len(), 32, "{reply:?}");
    let again = running.operator().call("audit.erase", r#"{"subject":"u-ann","reason":"request 17"}"#);
    assert_eq!(text(&again, "error.data.code"), "UNKNOWN");
    let readable = opened(&stack);
    assert!(readable.contains("bob.CANARY@"), "{readable}");
    for part in ["ann.CANARY@", "CANARY-SSN", "CANARY-IBAN"] {
        assert!(!readable.contains(part), "{part}: {readable}");
    }
    let gone = keys.iter().filter(|bytes| files_with(&stack.folder, &bytes[16..]).is_empty()).count();
    assert_eq!(gone, 1, "one key is nowhere any more");
    let locked = offline::erase(&stack.folder, "s-bob", "request 18", "test").unwrap_err().to_string();
    assert!(locked.contains("another process writes"), "{locked}");

    // She comes back as somebody new.
    assert_eq!(ask(&mut agent, "crm/update", ann, &principal("u-ann")), "PERMIT");
    assert!(opened(&stack).contains("ann.CANARY@"));
    running.kill();

    // Bob goes without a daemon.
    offline::erase(&stack.folder, "s-bob", "request 18", "test").unwrap();
    assert!(offline::erase(&stack.folder, "s-bob", "request 18", "test").is_err());
    assert!(!opened(&stack).contains("bob.CANARY@"));
    assert_nowhere(&stack, &plain);
    let after = records(&stack);
    assert!(before.iter().zip(&after).all(|(one, other)| one.bytes() == other.bytes()), "no byte changed");
    verify(&stack.ledger(), &mut |_| {}).unwrap();
    let erasures: Vec<_> = after.iter().filter(|record| record.kind() == Kind::Erasure).collect();
    assert_eq!(erasures.len(), 2);
    let first = String::from_utf8(erasures[0].bytes().to_vec()).unwrap();
    assert!(first.contains(&key) && first.contains("request 17") && !first.contains("u-ann"), "{first}");
    drop(stack.start());
}

#[test]
fn no_record_is_without_its_key_when_the_daemon_is_killed() {
    let stack = Stack::new(POLICY);
    let mut asked = 0;
    for cycle in 0..15_u64 {
        let running = stack.start();
        let mut agent = running.agent();
        // Killed some time after the first answer, however slow the machine is.
        let (answered, first) = std::sync::mpsc::channel();
        let killer = std::thread::spawn(move || {
            let _ = first.recv_timeout(crate::world::WAIT);
            std::thread::sleep(Duration::from_millis(cycle * 13 % 60));
            running.kill();
        });
        for round in 0.. {
            let line = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"govern","params":{{"agent":"support","tool":"crm/update",
                "args":{{"customer":{{"email":"OPEN"}}}},"session":"s-{cycle}-{round}"}}}}"#
            );
            if agent.try_ask(&line.replace('\n', "")).is_none() {
                break;
            }
            asked += 1;
            let _ = answered.send(());
        }
        killer.join().unwrap();
    }
    assert!(asked >= 15, "{asked}");
    let sealed = records(&stack).iter().filter(|record| record.tool().is_some()).count();
    assert!(sealed >= asked);
    assert_eq!(opened(&stack).matches("OPEN").count(), sealed, "every sealed value opens");
    assert_nowhere(&stack, &["OPEN"]);
}

#[test]
fn what_cannot_be_sealed_is_not_permitted() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let folder = stack.layout().subjects();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "not a folder").unwrap();
    let mut agent = running.agent();
    let args = r#"{"customer":{"email":"CANARY"}}"#;
    let reply = agent.ask(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"govern","params":{{"agent":"support","tool":"crm/update","args":{args},"session":"s"}}}}"#
    ));
    assert!(format!("{reply:?}").contains("LEDGER_UNAVAILABLE"), "{reply:?}");
    assert_eq!(ask(&mut agent, "crm/read", "{}", r#","session":"s""#), "PERMIT", "others go on");
    assert_nowhere(&stack, &["CANARY"]);
    assert!(records(&stack).iter().all(|record| !record.bytes().windows(9).any(|part| part == b"sealed:1:")));
    assert!(!is_sealed("CANARY") && at(&reply, "result.action_id").as_str().is_none());
}
