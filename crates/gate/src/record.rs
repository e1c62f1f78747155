//! A verdict as the record and the reply state it.

use faramesh_call::{Call, Code, Effect, Object, Value};
use faramesh_decide::{Input, Verdict};
use faramesh_dpr::{Canonical, Draft, Identity as RecordedIdentity, Kind, RuleRef};
use faramesh_identity::{Identity, Peer, Refused};
use faramesh_program::image::Mode;
use faramesh_program::{Program, Rule, hex};
use faramesh_state::Change;

use crate::reply::{Denial, Resolution};

/// Digits of a rule's digest that name it in replies.
const RULE_ID_DIGITS: usize = 12;

/// The record of a decision, but for its arguments and sequence number.
pub(crate) fn of_verdict(
    input: &Input<'_>,
    verdict: &Verdict<'_>,
    changes: &[Change],
    identity: &Identity,
    dev: bool,
) -> Draft {
    let mut trace = Vec::with_capacity(256);
    verdict.trace.write_json(input.program, input.agent, &mut trace);
    let changes = (!changes.is_empty())
        .then(|| Canonical::from(&Value::List(changes.iter().map(Change::to_value).collect())));
    let recorded = RecordedIdentity {
        method: identity.method().as_str().into(),
        subject: identity.subject().into(),
        ..RecordedIdentity::default()
    };
    Draft {
        agent: Some(input.agent.name.clone()),
        identity: Some(recorded),
        args_commitment: Some(input.commitment.into()),
        redacted: verdict.redacted.iter().map(|field| field.as_str().into()).collect(),
        effect: Some(verdict.effect),
        code: Some(verdict.code),
        reason: (!verdict.message.is_empty()).then(|| verdict.message.as_str().into()),
        rule: verdict.rule.map(reference),
        // Lines are written in canonical form; one that was not would be left out, not recorded wrong.
        trace: Canonical::checked(trace).ok(),
        changes,
        approval: approval(verdict).map(Canonical::from),
        ..of_call(input.program, input.call, dev)
    }
}

/// The record of a call whose caller is nobody.
pub(crate) fn of_refusal(program: &Program, peer: &Peer, call: &Call, refused: &Refused, dev: bool) -> Draft {
    Draft {
        identity: Some(RecordedIdentity {
            method: "none".into(),
            subject: peer.subject().into(),
            ..RecordedIdentity::default()
        }),
        effect: Some(Effect::Deny),
        code: Some(refused.code),
        reason: Some(refused.message.as_str().into()),
        ..of_call(program, call, dev)
    }
}

fn of_call(program: &Program, call: &Call, dev: bool) -> Draft {
    Draft {
        kind: Kind::Decision,
        tier: Some(call.tier),
        enforcement: vec![call.tier.as_str().into()],
        session: call.session.clone(),
        call_id: call.call_id.clone(),
        request_id: call.request_id.clone(),
        parent: call.parent.clone(),
        tool: Some(call.tool.clone()),
        action: Some(call.action),
        enforced: Some(program.runtime.mode == Mode::Enforce),
        policy: Some(*program.hash()),
        dev,
        ..Draft::default()
    }
}

fn reference(rule: &Rule) -> RuleRef {
    RuleRef { reference: rule.reference.clone(), digest: hex(&rule.digest).into() }
}

fn approval(verdict: &Verdict<'_>) -> Option<Object> {
    let used = verdict.approval.as_ref()?;
    let mut object: Object =
        [("id", Value::string(used.id.clone())), ("status", Value::from(used.status))].into_iter().collect();
    if let Some(by) = &used.by {
        object.insert("by", Value::string(by.clone()));
    }
    if let Some(reason) = &used.reason {
        object.insert("reason", Value::string(reason.clone()));
    }
    Some(object)
}

/// What the caller is told when it may not go on.
pub(crate) fn denial(verdict: &Verdict<'_>) -> Option<Denial> {
    if verdict.effect == Effect::Permit {
        return None;
    }
    let rule_id: Option<Box<str>> = verdict.rule.map(rule_id);
    let resolution = match (&verdict.approval, verdict.code) {
        (Some(used), Code::PolicyDefer) => Resolution::PendingApproval { approval_id: used.id.clone() },
        _ => Resolution::RuleBlock { rule_id: rule_id.clone() },
    };
    Some(Denial {
        effect: verdict.effect,
        code: verdict.code,
        message: verdict.message.clone(),
        rule_ref: verdict.rule.map(|rule| rule.reference.clone()),
        rule_id,
        resolution,
        next: verdict.next.clone(),
    })
}

fn rule_id(rule: &Rule) -> Box<str> {
    let digest = hex(&rule.digest);
    format!("rule-{}", digest.get(..RULE_ID_DIGITS).unwrap_or(&digest)).into()
}
