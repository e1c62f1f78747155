//! Promise 6, for arguments: what a policy redacts is in no record, reply or error text.

use std::sync::Arc;

use faramesh_call::json;
use faramesh_gate::{Gate, Operator};

use crate::stack::{Setup, answer, ask, call, gate, on_disk, peer, program, records, redeem};

const SHOP: &str = r#"
runtime { allow_self_declared_identity = true }
agent "shop" {
  default defer
  rules {
    permit pay/ok      if card.cvv matches "^CANARY"
    deny   pay/deny    if card.number contains "CANARY" reason "no"
    permit pay/number  if card.number < 5
    deny   pay/type    if card.number > 5
    deny!  pay/absent  if card.number.more == 1
    permit pay/next    if card.number == "4242"
    defer  pay/wait    if card.cvv != "x"
  }
  redact pay/* args: ["card.number", "card.cvv", "people[].ssn"]
}
"#;

fn leaks(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| window == b"CANARY")
}

fn spend(gate: &Gate, number: usize) {
    const TOOLS: [&str; 8] =
        ["pay/ok", "pay/deny", "pay/number", "pay/type", "pay/absent", "pay/next", "pay/wait", "pay/unruled"];
    let tool = TOOLS[number % TOOLS.len()];
    let secret = format!("CANARY-{number:06}");
    let args = match number % 5 {
        // Shapes that the policy does not expect must not be a way around it.
        0 => format!("{{\"card\":[{{\"number\":\"{secret}\"}},{{\"cvv\":\"{secret}\"}}]}}"),
        1 => format!("{{\"card\":\"{secret}\"}}"),
        2 => format!("{{\"card\":{{\"number\":{{\"deep\":[\"{secret}\"]}},\"cvv\":[\"{secret}\"]}}}}"),
        _ => format!(
            "{{\"amount\":1,\"card\":{{\"number\":\"{secret}\",\"cvv\":\"{secret}\"}},\
             \"people\":[{{\"ssn\":\"{secret}\",\"n\":1}},{{\"ssn\":[\"{secret}\"]}}]}}"
        ),
    };
    let reply = ask(gate, call("shop", tool, &args));
    let mut out = Vec::new();
    reply.write_json(true, &mut out);
    assert!(!leaks(&out), "{}", String::from_utf8_lossy(&out));
    let reply = json::parse(&out).unwrap();
    let Some(token) = reply.get("defer_token").and_then(|token| token.as_str()) else { return };
    match number % 3 {
        0 => answer(gate, token, true),
        1 => drop(gate.answer(Operator { peer: &peer(0) }, token, false, "no").unwrap()),
        _ => {
            answer(gate, token, true);
            redeem(gate, 1000, "shop", token);
        }
    }
    let refused = gate.answer(Operator { peer: &peer(0) }, token, true, "twice").unwrap_err();
    assert!(!leaks(format!("{refused} {refused:?}").as_bytes()));
    let retried = format!("{:?}", ask(gate, call("shop", tool, &args)));
    assert!(!leaks(retried.as_bytes()), "{retried}");
}

#[test]
fn a_thousand_planted_values_are_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let gate = gate(&program(SHOP), ledger, Setup { state, ..Setup::default() });
    for number in 0..1_000 {
        spend(&gate, number);
    }
    assert!(records(&gate).len() > 1_800);
    assert!(!leaks(format!("{:?}", gate.state()).as_bytes()), "what approvers are shown");
    let too_large = format!("{{\"card\":{{\"number\":\"CANARY{}\"}}}}", "x".repeat(1 << 20));
    assert!(!leaks(format!("{:?}", ask(&gate, call("shop", "pay/ok", &too_large))).as_bytes()));
    gate.ledger().close();
    drop(Arc::into_inner(gate).unwrap());
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert!(!leaks(&std::fs::read(&path).unwrap()), "{}", path.display());
        files += 1;
    }
    assert!(files >= 1);
    // The search itself finds what is there.
    assert!(leaks(b"xxCANARY-000001"));
}
