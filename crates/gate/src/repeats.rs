//! A retry of a permitted call gets the permit that there is: the same record, nothing spent twice. One
//! that comes before the record is durable waits for it.
//!
//! INVARIANT record first: a permit is repeated from the receipt of its record, never from memory of a
//! decision.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faramesh_call::{Call, Code, Effect, Timestamp};
use faramesh_dpr::{Draft, RecordId};
use faramesh_identity::Peer;
use faramesh_ledger::{Receipt, Unavailable};
use faramesh_program::hex;
use faramesh_state::fold::changes_of;
use faramesh_state::recent::{CallKey, Earlier, MAX_RECENT, Payload, Session};
use faramesh_state::{Standing, State};
use rustc_hash::FxHashMap;

use crate::ask::ledger_unavailable;
use crate::gate::Gate;
use crate::reply::{Body, Denial, Handed, Reply, Resolution, Respond, Warning};

/// Most retries that wait for one record.
const MAX_WAITING: usize = 1_024;

/// What a permit says beside its record.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    pub policy_version: Arc<str>,
    pub enforced: bool,
    pub warnings: Vec<Warning>,
    pub handed: Option<Handed>,
}

/// A call that was permitted, as far as its record is durable.
enum Stage {
    Waiting(Vec<(Option<Box<str>>, Respond)>),
    Given(Receipt, Permit),
    Failed,
}

/// One permit that may be repeated.
pub(crate) struct Answer(Mutex<Stage>);

/// The permits of the last minutes.
#[derive(Default)]
pub(crate) struct Repeats {
    answers: FxHashMap<RecordId, Arc<Answer>>,
    order: VecDeque<RecordId>,
}

impl Answer {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Stage::Waiting(Vec::new()))))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record is durable, or never will be: whoever waits is told.
    pub(crate) fn settle(&self, kept: Result<&Receipt, &Unavailable>, permit: &Permit, retry_after: u64) {
        let settled = match kept {
            Ok(receipt) => Stage::Given(*receipt, permit.clone()),
            Err(_) => Stage::Failed,
        };
        let Stage::Waiting(waiting) = std::mem::replace(&mut *self.stage(), settled) else { return };
        for (call_id, respond) in waiting {
            respond(match kept {
                Ok(receipt) => permit.reply(receipt, call_id),
                Err(_) => ledger_unavailable(retry_after),
            });
        }
    }

    /// Answers a retry, now or when the record is durable.
    fn repeat(&self, call_id: Option<Box<str>>, respond: Respond, retry_after: u64) {
        let mut stage = self.stage();
        let reply = match &mut *stage {
            Stage::Waiting(waiting) if waiting.len() < MAX_WAITING => {
                return waiting.push((call_id, respond));
            }
            Stage::Given(receipt, permit) => permit.reply(receipt, call_id),
            Stage::Waiting(_) | Stage::Failed => ledger_unavailable(retry_after),
        };
        drop(stage);
        respond(reply);
    }
}

impl Permit {
    pub(crate) fn reply(&self, receipt: &Receipt, call_id: Option<Box<str>>) -> Reply {
        let body = Body::Permit {
            enforced: self.enforced,
            warnings: self.warnings.clone(),
            handed: self.handed.clone(),
        };
        Reply::permit(receipt, call_id, Arc::clone(&self.policy_version), body)
    }
}

impl Repeats {
    /// Remembers an answer under its record.
    pub(crate) fn insert(&mut self, record: RecordId, answer: Arc<Answer>) {
        while self.order.len() >= MAX_RECENT {
            if let Some(oldest) = self.order.pop_front() {
                self.answers.remove(&oldest);
            }
        }
        if self.answers.insert(record, answer).is_none() {
            self.order.push_back(record);
        }
    }
}

/// What is known of the id of a call that is made now. A permit of an agent that an operator stopped
/// since is not repeated.
pub(crate) fn earlier(
    state: &State,
    peer: &Peer,
    agent: &str,
    call: &Call,
    commitment: &str,
    now: Timestamp,
) -> Earlier {
    let Some(call_id) = call.call_id.as_deref() else { return Earlier::None };
    let session = call.session.as_deref().map_or(Session::Process(peer.pid()), Session::Named);
    let key = CallKey { agent, session, call_id };
    let earlier = state.recent().earlier(key, Payload { tool: &call.tool, commitment }, now);
    let stopped = state.control(agent).is_some_and(|control| control.standing != Standing::Running);
    if stopped { Earlier::None } else { earlier }
}

/// The denial of a call under another call's id.
pub(crate) fn reused(call: &Call, ago_ms: u64) -> Denial {
    let message = format!(
        "another call had the id `{}` {} s ago: a retry must be the same call, and another call needs an id of its own",
        call.call_id.as_deref().unwrap_or_default().escape_debug(),
        ago_ms.div_ceil(1_000),
    );
    Denial {
        effect: Effect::Deny,
        code: Code::CallInvalid,
        message,
        rule_ref: None,
        rule_id: None,
        resolution: Resolution::RuleBlock { rule_id: None },
        next: None,
    }
}

/// A decided call with an id, to be noted when its record has its place.
pub(crate) struct Noted {
    agent: Box<str>,
    session: Option<Box<str>>,
    pid: u32,
    call_id: Box<str>,
    tool: Box<str>,
    commitment: Box<str>,
    pub permitted: bool,
}

impl Noted {
    /// What the record of a call says of it.
    pub(crate) fn of(draft: &Draft<'_>, pid: u32) -> Option<Self> {
        Some(Self {
            agent: draft.agent.as_deref()?.into(),
            session: draft.session.as_deref().map(Into::into),
            pid,
            call_id: draft.call_id.as_deref()?.into(),
            tool: draft.tool.as_deref()?.into(),
            commitment: draft.args_commitment.as_deref()?.into(),
            permitted: draft.effect == Some(Effect::Permit),
        })
    }

    pub(crate) fn note(&self, state: &mut State, record: RecordId, at: Timestamp) {
        let session = self.session.as_deref().map_or(Session::Process(self.pid), Session::Named);
        let key = CallKey { agent: &self.agent, session, call_id: &self.call_id };
        let payload = Payload { tool: &self.tool, commitment: &self.commitment };
        state.recent_mut().note(key, payload, record, at, self.permitted);
    }
}

impl Gate {
    /// Answers a retry of the call that `record` permitted.
    pub(crate) fn repeat(&self, record: RecordId, call_id: Option<Box<str>>, respond: Respond) {
        let known = self.inner().repeats.answers.get(&record).map(Arc::clone);
        let answer = match known {
            Some(answer) => answer,
            // Permitted before this daemon started.
            None => match self.ledger.receipt(record) {
                Ok(Some((receipt, record))) => {
                    let permit = Permit {
                        policy_version: record
                            .policy()
                            .map(|hash| format!("sha256:{}", hex(&hash)))
                            .unwrap_or_default()
                            .into(),
                        enforced: record.enforced().unwrap_or(true),
                        warnings: Vec::new(),
                        handed: Handed::of(&changes_of(&record)),
                    };
                    let answer = Arc::new(Answer(Mutex::new(Stage::Given(receipt, permit))));
                    self.inner().repeats.insert(receipt.id(), Arc::clone(&answer));
                    answer
                }
                Ok(None) | Err(_) => return respond(ledger_unavailable(self.retry_after_seconds())),
            },
        };
        answer.repeat(call_id, respond, self.retry_after_seconds());
    }
}
