//! Drafts of records as a gate makes them, for tests and benches of what keeps them.

use faramesh_call::{Action, Code, Effect, Object, Tier, Value};
use faramesh_dpr::{Canonical, Draft, Hash, Identity, Kind, RuleRef};

/// The policy that [`decision`]s are made under.
#[must_use]
pub fn policy_hash() -> Hash {
    [7; 32]
}

/// The record that puts the policy into force; it must come before the first [`decision`].
#[must_use]
pub fn policy() -> Draft<'static> {
    Draft { kind: Kind::Policy, policy: Some(policy_hash()), ..Draft::default() }
}

/// A plain permit: about 300 bytes of arguments and a trace of 8 steps.
#[must_use]
pub fn decision(agent: &str, agent_seq: u64) -> Draft<'_> {
    let note = "customer asked for a refund of the second item of the order because it arrived damaged; \
                photos are attached to the ticket and the warehouse has confirmed the return of the parcel";
    let args: Object = [
        ("amount", Value::from(agent_seq)),
        ("currency", Value::from("usd")),
        ("customer", Value::from("cus_9s6XKzkNRiz8i3")),
        ("note", Value::from(note)),
        ("payment_intent", Value::from("pi_3MtwBwLkdIwHu7ix28a3tqPa")),
    ]
    .into_iter()
    .collect();
    let trace = br#"[["identity","unix"],["model"],["session"],["deny!",0],["rule",3,"no"],["rule",5,"no"],["rule",7,"yes"],["redact",0]]"#;
    let inputs: Object = [("clock", Value::from("2026-11-20T09:30:00.123Z"))].into_iter().collect();
    Draft {
        kind: Kind::Decision,
        agent: Some(agent.into()),
        agent_seq: Some(agent_seq),
        identity: Some(Identity { method: "unix".into(), subject: "uid:1000".into(), ..Identity::default() }),
        tier: Some(Tier::Sdk),
        enforcement: vec!["sdk".into()],
        session: Some("sess-01J9Z3".into()),
        call_id: Some("call_8sYbK2".into()),
        tool: Some("stripe/refund".into()),
        action: Some(Action::ToolCall),
        args: Some(Canonical::from(args)),
        args_commitment: Some("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad".into()),
        effect: Some(Effect::Permit),
        enforced: Some(true),
        code: Some(Code::PolicyPermit),
        rule: Some(RuleRef { reference: "governance.fms:12".into(), digest: "5f2b51ca2fdc5baa".into() }),
        policy: Some(policy_hash()),
        trace: Canonical::checked(trace.to_vec()).ok(),
        inputs: Some(Canonical::from(inputs)),
        ..Draft::default()
    }
}
