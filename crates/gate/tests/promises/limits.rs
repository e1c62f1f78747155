//! What a call may not exceed is refused, whatever the policy says.

use faramesh_call::{Call, Value};
use faramesh_state::{MAX_APPROVALS, MAX_APPROVALS_OF_AGENT};

use crate::stack::{SUPPORT, ask, call, code, in_memory, message, records};

type Setter = fn(&mut Call, Option<Box<str>>);

#[test]
fn calls_beyond_their_bounds_are_invalid() {
    let gate = in_memory("runtime { allow_self_declared_identity = true }\nagent \"a\" { default permit }\n");
    let before = records(&gate).len();
    let base = || call("a", "tool", "{}");
    let long = || Some(Box::<str>::from("x".repeat(257)));
    let fits = || Some(Box::<str>::from("x".repeat(256)));
    let ids: [(&str, Setter); 5] = [
        ("session", |call, id| call.session = id),
        ("call_id", |call, id| call.call_id = id),
        ("request_id", |call, id| call.request_id = id),
        ("model", |call, id| call.model = id),
        ("parent", |call, id| call.parent = id),
    ];
    for (name, set) in ids {
        let (mut too_long, mut longest) = (base(), base());
        set(&mut too_long, long());
        set(&mut longest, fits());
        assert_eq!(code(&ask(&gate, too_long)), "CALL_INVALID", "{name}");
        assert_eq!(code(&ask(&gate, longest)), "PERMIT", "{name}");
    }
    assert_eq!(code(&ask(&gate, call(&"x".repeat(257), "tool", "{}"))), "CALL_INVALID");
    assert_eq!(code(&ask(&gate, call("a", "", "{}"))), "CALL_INVALID");
    assert_eq!(code(&ask(&gate, call("a", &"t".repeat(513), "{}"))), "CALL_INVALID");
    assert_eq!(code(&ask(&gate, call("a", &"t".repeat(512), "{}"))), "PERMIT");
    let filled = |bytes: usize| Call { args: Value::from("x".repeat(bytes)), ..base() };
    assert_eq!(code(&ask(&gate, filled((1 << 20) - 2))), "PERMIT", "1 MiB with its quotes");
    let large = ask(&gate, filled((1 << 20) - 1));
    assert_eq!(code(&large), "CALL_INVALID");
    assert!(message(&large).contains("1 MiB"), "{}", message(&large));
    assert_eq!(records(&gate).len(), before + 7, "what is no call has no record");
}

#[test]
fn the_queue_of_approvals_is_bounded() {
    let agents = MAX_APPROVALS / MAX_APPROVALS_OF_AGENT;
    let more: String =
        (0..agents).map(|number| format!("agent \"a{number}\" {{ default defer }}\n")).collect();
    let gate = in_memory(&format!("{SUPPORT}{more}"));
    let deferred = |number: usize| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let agent = format!("a{}", number % agents);
        let call = call(&agent, "mail/send", &format!("{{\"number\":{number}}}"));
        gate.ask(&crate::stack::peer(1000), call, Box::new(move |reply| sender.send(reply).unwrap()));
        receiver
    };
    let waiting: Vec<_> = (0..MAX_APPROVALS)
        .map(|number| {
            let receiver = deferred(number);
            if number % 100 == 99 {
                gate.commit(true);
            }
            receiver
        })
        .collect();
    for receiver in waiting {
        assert_eq!(code(&receiver.recv_timeout(crate::stack::WAIT).unwrap()), "POLICY_DEFER");
    }
    let beyond = ask(&gate, call("support", "mail/send", "{\"number\":-1}"));
    assert_eq!(code(&beyond), "POLICY_LIMIT");
    assert_eq!(code(&ask(&gate, call("support", "kb/search", "{}"))), "PERMIT", "others go on");
    let again = ask(&gate, call("a5", "mail/send", "{\"number\":5}"));
    assert_eq!(code(&again), "POLICY_DEFER", "what waits already still waits");
}
