//! A verdict as the record and the reply state it.

use std::borrow::Cow;

use faramesh_call::{Call, Code, Effect, Object, Value};
use faramesh_decide::{Blocked, Input, Relief, Verdict};
use faramesh_dpr::{Canonical, Draft, Identity as RecordedIdentity, Kind, RuleRef};
use faramesh_identity::{Identity, Peer, Refused};
use faramesh_program::image::Mode;
use faramesh_program::{Agent, Program, Rule, hex};
use faramesh_state::Change;

use crate::reply::{Denial, Resolution};

/// Digits of a rule's digest that name it in replies.
const RULE_ID_DIGITS: usize = 12;

/// What a record borrows: the call, who called, and the policy that decided.
pub(crate) struct Caller<'a> {
    pub program: &'a Program,
    pub agent: &'a Agent,
    pub identity: Identity<'a>,
    pub call: &'a Call,
    pub dev: bool,
}

/// The record of a decision, but for its arguments and sequence number.
pub(crate) fn of_verdict<'a>(
    caller: Caller<'a>,
    input: &Input<'_>,
    verdict: &Verdict<'_>,
    changes: &[Change],
) -> Draft<'a> {
    let trace = Canonical::of_texts(|take| verdict.trace.each_line(input.program, input.agent, take));
    let changes = (!changes.is_empty())
        .then(|| Canonical::from(&Value::List(changes.iter().map(Change::to_value).collect())));
    Draft {
        agent: Some((&*caller.agent.name).into()),
        identity: Some(recorded(&caller.identity)),
        redacted: verdict.redacted.iter().map(|field| field.clone().into()).collect(),
        effect: Some(verdict.effect),
        code: Some(verdict.code),
        reason: (!verdict.message.is_empty()).then(|| verdict.message.clone().into()),
        rule: verdict.rule.map(reference),
        trace: Some(trace),
        inputs: (!verdict.inputs.is_empty()).then(|| Canonical::from(verdict.inputs.clone())),
        changes,
        approval: approval(verdict).map(Canonical::from),
        delegation: verdict.inputs.get("delegations").map(chain),
        ..of_call(caller.program, caller.call, caller.dev)
    }
}

/// Everybody who handed on what the call is made under, the nearest first.
fn chain(delegations: &Value) -> Canonical {
    let link = |link: &Value| {
        let text = |key: &str| link.get(key).and_then(Value::as_str).unwrap_or_default();
        let members: Object =
            ["delegation", "from", "record", "to"].map(|key| (key, text(key))).into_iter().collect();
        Value::Object(members)
    };
    let links: Vec<Value> = delegations.as_list().unwrap_or_default().iter().map(link).collect();
    Canonical::from(&Value::List(links))
}

/// The identity of a caller as records state it.
pub(crate) fn recorded<'a>(identity: &Identity<'a>) -> RecordedIdentity<'a> {
    RecordedIdentity {
        method: identity.method().as_str().into(),
        subject: identity.subject().into(),
        ..RecordedIdentity::default()
    }
}

/// The record of a call that is refused before anything is decided. What it says may be of no policy's
/// making, so its arguments are committed to and not kept.
pub(crate) fn of_refused<'a>(caller: Caller<'a>, commitment: String, refused: &Denial) -> Draft<'a> {
    Draft {
        agent: Some((&*caller.agent.name).into()),
        identity: Some(recorded(&caller.identity)),
        effect: Some(refused.effect),
        code: Some(refused.code),
        reason: Some(refused.message.clone().into()),
        args_commitment: Some(commitment.into()),
        ..of_call(caller.program, caller.call, caller.dev)
    }
}

/// The record of a call whose caller is nobody.
pub(crate) fn of_refusal<'a>(
    program: &Program,
    peer: &'a Peer,
    call: &'a Call,
    refused: &Refused,
    dev: bool,
) -> Draft<'a> {
    Draft {
        identity: Some(RecordedIdentity {
            method: "none".into(),
            subject: peer.subject().into(),
            ..RecordedIdentity::default()
        }),
        effect: Some(Effect::Deny),
        code: Some(refused.code),
        reason: Some(refused.message.clone().into()),
        ..of_call(program, call, dev)
    }
}

fn of_call<'a>(program: &Program, call: &'a Call, dev: bool) -> Draft<'a> {
    let text = |text: &'a Option<Box<str>>| text.as_deref().map(Cow::Borrowed);
    Draft {
        kind: Kind::Decision,
        tier: Some(call.tier),
        enforcement: vec![call.tier.as_str().into()],
        session: text(&call.session),
        call_id: text(&call.call_id),
        request_id: text(&call.request_id),
        parent: text(&call.parent),
        tool: Some((&*call.tool).into()),
        action: Some(call.action),
        enforced: Some(program.runtime.mode == Mode::Enforce),
        policy: Some(*program.hash()),
        dev,
        ..Draft::default()
    }
}

fn reference(rule: &Rule) -> RuleRef<'static> {
    RuleRef { reference: rule.reference.to_string().into(), digest: hex(&rule.digest).into() }
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
    let blocked = verdict.blocked.as_ref().map(|blocked| match blocked {
        Blocked::Approvals(ids) => Resolution::PendingApprovals { approval_ids: ids.clone() },
        Blocked::Unmet(requirements) => Resolution::Unmet { requirements: requirements.clone() },
    });
    let resolution = match (&verdict.approval, verdict.code, verdict.relief) {
        (Some(used), Code::PolicyDefer, _) => Resolution::PendingApproval { approval_id: used.id.clone() },
        (_, _, Some(Relief::RetryAfter { seconds })) => {
            Resolution::RetryAfter { retry_after_seconds: seconds }
        }
        (_, _, Some(Relief::Operator)) => Resolution::Operator,
        (_, _, Some(Relief::BudgetReset { at })) => Resolution::BudgetReset { resets_at: at },
        _ => Resolution::RuleBlock { rule_id: rule_id.clone() },
    };
    Some(Denial {
        effect: verdict.effect,
        code: verdict.code,
        message: verdict.message.clone(),
        rule_ref: verdict.rule.map(|rule| rule.reference.clone()),
        rule_id,
        resolution: blocked.unwrap_or(resolution),
        next: verdict.next.clone(),
    })
}

fn rule_id(rule: &Rule) -> Box<str> {
    let digest = hex(&rule.digest);
    format!("rule-{}", digest.get(..RULE_ID_DIGITS).unwrap_or(&digest)).into()
}
