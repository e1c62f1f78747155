//! One call through the gate: identify, decide, record, reply.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use faramesh_call::call::{MAX_ARGS_BYTES, MAX_ID_BYTES, MAX_TOOL_BYTES};
use faramesh_call::{Call, Code, Effect, Timestamp};
use faramesh_decide::{Input, Moment, Pseudonyms};
use faramesh_dpr::{Canonical, Draft, RecordId};
use faramesh_identity::{Peer, Refused, identify};
use faramesh_ledger::{Commit, Receipt, Unavailable};
use faramesh_program::Program;
use faramesh_program::image::Mode;
use faramesh_state::Change;
use faramesh_state::limits::Want;
use faramesh_state::recent::Earlier;

use crate::gaps;
use crate::gate::{Gate, Inner};
use crate::leases::{MAX_PARKED, Parked};
use crate::lifecycle::Lifecycle;
use crate::record::{self, Caller};
use crate::repeats::{Answer, Noted, Permit, earlier, reused};
use crate::reply::{Denial, Handed, Reply, Respond, Warning};
use crate::sessions::in_session;

/// What the reply will be once the record is durable.
struct Pending {
    effect: Effect,
    denial: Option<Denial>,
    call_id: Option<Box<str>>,
    policy_version: Arc<str>,
    enforced: bool,
    warnings: Vec<Warning>,
    /// What a permit hands on.
    handed: Option<Handed>,
}

/// Why a call is not decided.
enum Undecided {
    /// It cannot be.
    Refused(Box<Reply>),
    /// It is a retry of the call that this record permitted.
    Repeated(RecordId),
}

impl From<Reply> for Undecided {
    fn from(reply: Reply) -> Self {
        Self::Refused(Box::new(reply))
    }
}

/// A verdict with everything that has to be written about it.
struct Decided<'a> {
    draft: Draft<'a>,
    changes: Vec<Change>,
    pending: Pending,
    /// The time that was decided with; the record says it, so that it can be decided again.
    now: Timestamp,
    /// The process that called, when a retry of the call can be told by its id.
    retried: Option<u32>,
    /// What more of shared ceilings there should be.
    wants: Vec<Want>,
}

impl Gate {
    /// Decides one call and answers it through `respond`, exactly once, when its record is durable.
    /// Never fails: whatever goes wrong is a denial. The caller must [`Gate::commit`] afterwards.
    pub fn ask(&self, peer: &Peer, call: Call, respond: Respond) {
        self.ask_again(peer, call, respond, Instant::now(), 0);
    }

    /// The same for a call that was parked so many times.
    pub(crate) fn ask_again(&self, peer: &Peer, call: Call, respond: Respond, began: Instant, times: u8) {
        if let Some(refusal) = self.refusal(&call) {
            return self.refuse(refusal, respond);
        }
        self.make_key(&call);
        let mut inner = self.inner();
        let program = Arc::clone(&inner.program);
        let call = in_session(call, &program, peer);
        let decided = catch_unwind(AssertUnwindSafe(|| self.decide(&mut inner, &program, peer, &call)));
        let decided = match decided {
            Ok(Ok(decided)) => decided,
            Ok(Err(Undecided::Refused(refusal))) => return self.refuse(*refusal, respond),
            Ok(Err(Undecided::Repeated(record))) => {
                drop(inner);
                return self.repeat(record, call.call_id.clone(), respond);
            }
            Err(_) => return self.refuse(internal_error(), respond),
        };
        let Some(want) = self.lacking(&decided, times) else {
            self.record(&mut inner, decided, began, respond);
            return;
        };
        drop(decided);
        drop(inner);
        let parked =
            Parked { want, peer: peer.clone(), call, respond, began, times: times.saturating_add(1) };
        let refused = match &self.settings.lessor {
            Some(lessor) => lessor.park(parked),
            None => Err(Box::new(parked)),
        };
        if let Err(parked) = refused {
            // It takes no more: decided with what there is.
            let Parked { call, respond, .. } = *parked;
            self.ask_again(peer, call, respond, began, MAX_PARKED);
        }
    }

    /// What a call lacks of a shared ceiling, when it is worth asking for. What calls like it will need soon is
    /// asked for beside it.
    fn lacking(&self, decided: &Decided<'_>, times: u8) -> Option<Want> {
        let lessor = self.settings.lessor.as_ref()?;
        let urgent = decided.wants.iter().find(|want| want.urgent);
        if times < MAX_PARKED && urgent.is_some() {
            return urgent.cloned();
        }
        decided.wants.iter().filter(|want| !want.urgent).for_each(|want| lessor.prefetch(want.clone()));
        None
    }

    /// Denies without a record.
    fn refuse(&self, refusal: Reply, respond: Respond) {
        if let Some(denial) = refusal.as_denial() {
            self.counts.refused(denial.code);
        }
        respond(refusal);
    }

    /// Makes what was asked durable. `alone` says that nobody else asked meanwhile: then the sync
    /// happens on this thread, which is the shortest way for one client.
    pub fn commit(&self, alone: bool) {
        self.ledger.commit(if alone { Commit::Inline } else { Commit::Handover });
    }

    /// Step 0, and what no decision could record: a daemon that is not ready, a malformed call.
    fn refusal(&self, call: &Call) -> Option<Reply> {
        let lifecycle = self.lifecycle();
        if lifecycle != Lifecycle::Ready {
            let message =
                format!("the daemon is {}; nothing is permitted until it is READY", lifecycle.as_str());
            return Some(Reply::refusal(Code::DaemonNotReady, message, Some(self.retry_after_seconds())));
        }
        if let Some(left) = self.cold_start_left() {
            let seconds = left.as_secs().saturating_add(1);
            let message = format!(
                "the daemon has just started, and its `cold_start_deny_window` denies every call for another {seconds} s"
            );
            return Some(Reply::refusal(Code::DaemonNotReady, message, Some(seconds)));
        }
        if !self.ledger.is_healthy() {
            return Some(ledger_unavailable(self.retry_after_seconds()));
        }
        let ids = [
            &call.agent,
            &call.session,
            &call.call_id,
            &call.request_id,
            &call.model,
            &call.parent,
            &call.delegation,
        ];
        let long = ids.into_iter().flatten().any(|id| id.len() > MAX_ID_BYTES);
        let invalid = |message: &str| Some(Reply::refusal(Code::CallInvalid, message.to_owned(), None));
        if call.tool.is_empty() || call.tool.len() > MAX_TOOL_BYTES {
            return invalid("a call must name its tool in 1 to 512 bytes");
        }
        if long {
            return invalid("an id of the call is longer than 256 bytes");
        }
        None
    }

    /// Steps 1 to 11: who calls, and what the policy says. Changes nothing but the entropy pool.
    fn decide<'a>(
        &self,
        inner: &mut Inner,
        program: &'a Program,
        peer: &'a Peer,
        call: &'a Call,
    ) -> Result<Decided<'a>, Undecided> {
        let now = (self.settings.clock)();
        let args = Canonical::from(&call.args);
        if args.as_bytes().len() > MAX_ARGS_BYTES {
            let message = "the arguments are larger than 1 MiB".to_owned();
            return Err(Reply::refusal(Code::CallInvalid, message, None).into());
        }
        let entropy = inner.entropy.take().map_err(|_| internal_error())?;
        let commitment = self.settings.commitment_key.commit(args.as_bytes());
        let (agent, identity) = match identify(program, peer, call.agent.as_deref(), self.settings.dev) {
            Ok(found) => found,
            Err(refused) => return Ok(self.unidentified(program, peer, call, &refused, now)),
        };
        let earlier = earlier(&inner.state, peer, &agent.name, call, &commitment, now);
        if let Earlier::Permitted(record) = earlier {
            return Err(Undecided::Repeated(record));
        }
        let caller = Caller { program, agent, identity, call, dev: self.settings.dev };
        if let Earlier::Other { ago_ms } = earlier {
            let refused = reused(call, ago_ms);
            let mut draft = record::of_refused(caller, commitment, &refused);
            draft.agent_seq = Some(inner.state.next_agent_seq(&agent.name));
            let pending = pending(program, call, Effect::Deny, Some(refused));
            return Ok(Decided::refused(draft, pending, now));
        }
        let pseudonym = |bytes: &[u8]| self.settings.commitment_key.commit(bytes);
        let input = Input {
            program,
            agent,
            call,
            commitment: &commitment,
            requester: peer.user(),
            state: &inner.state,
            selected: &inner.selected,
            pseudonyms: Pseudonyms::Made(&pseudonym),
            moment: Moment { now, entropy },
        };
        let mut verdict = (self.settings.decider)(&input);
        let mut changes = std::mem::take(&mut verdict.changes);
        let wants = std::mem::take(&mut verdict.wants);
        let sealed = self.sealed_args(&input, &commitment);
        let sealed = sealed.map_err(|()| ledger_unavailable(self.retry_after_seconds()))?;
        if let Some(args) = &sealed {
            show_sealed(args, &mut changes);
        }
        if call.call_id.is_some() && call.session.is_none() {
            verdict.inputs.insert("process", u64::from(peer.pid()));
        }
        let mut draft = record::of_verdict(caller, &input, &verdict, &changes);
        let shown = sealed.as_ref().or(verdict.redacted_args.as_ref());
        draft.args = Some(shown.map_or(args, Canonical::from));
        draft.agent_seq = Some(inner.state.next_agent_seq(&agent.name));
        let mut pending = pending(program, call, verdict.effect, record::denial(&verdict));
        let told = verdict.warnings.into_iter().map(|(code, message)| Warning { code, message });
        pending.warnings.extend(told);
        pending.handed = Handed::of(&changes);
        draft.args_commitment = Some(commitment.into());
        let retried = call.call_id.as_ref().map(|_| peer.pid());
        Ok(Decided { draft, changes, pending, now, retried, wants })
    }

    /// A caller who is nobody is denied, and that is recorded too. Its claims name no agent, so the
    /// record belongs to none.
    fn unidentified<'a>(
        &self,
        program: &Program,
        peer: &'a Peer,
        call: &'a Call,
        refused: &Refused,
        now: Timestamp,
    ) -> Decided<'a> {
        let draft = record::of_refusal(program, peer, call, refused, self.settings.dev);
        let denial = Denial {
            effect: Effect::Deny,
            code: refused.code,
            message: refused.message.clone(),
            rule_ref: None,
            rule_id: None,
            resolution: crate::reply::Resolution::RuleBlock { rule_id: None },
            next: None,
        };
        let pending = pending(program, call, Effect::Deny, Some(denial));
        Decided::refused(draft, pending, now)
    }

    /// Steps 12 to 14. The state changes only when the record has its place in the ledger.
    fn record(&self, inner: &mut Inner, decided: Decided<'_>, began: Instant, respond: Respond) {
        let Decided { draft, mut changes, mut pending, now, retried, .. } = decided;
        self.counts.decided(draft.effect, draft.code);
        let told = draft.agent.as_deref().filter(|_| pending.effect == Effect::Permit);
        let gaps = told.and_then(|agent| inner.gaps.remove(agent));
        pending.warnings.extend(gaps.as_ref().map(gaps::warning));
        let counts = Arc::clone(&self.counts);
        let agent = draft.agent.clone();
        let noted = retried.and_then(|pid| Noted::of(&draft, pid));
        // Only a permit is repeated; whatever else came of the call is decided again.
        let repeatable = noted.as_ref().filter(|noted| noted.permitted).map(|_| Answer::new());
        let answer = repeatable.clone();
        let retry_after_seconds = self.retry_after_seconds();
        let completion = Box::new(move |result: Result<Receipt, Unavailable>| {
            if let Some(answer) = answer {
                answer.settle(result.as_ref(), &pending.permit(), retry_after_seconds);
            }
            match result {
                Ok(receipt) => {
                    counts.answered(began);
                    respond(pending.reply(&receipt));
                }
                Err(_) => {
                    counts.refused(Code::LedgerUnavailable);
                    respond(ledger_unavailable(retry_after_seconds));
                }
            }
        });
        let Ok(appended) = self.ledger.append(draft, now, completion) else { return };
        if let Some(noted) = noted {
            noted.note(&mut inner.state, appended.id, now);
        }
        if let Some(answer) = repeatable {
            inner.repeats.insert(appended.id, answer);
        }
        if let Some(agent) = agent {
            inner.state.count_record(&agent);
        }
        for change in &mut changes {
            match change {
                // As a replay of the record gives them.
                Change::ApprovalRequested(approval) => {
                    approval.record = appended.id.to_string().into();
                    approval.reason = approval.reason.take().filter(|reason| !reason.is_empty());
                }
                Change::Reserved(reservation) => reservation.record = appended.id.to_string().into(),
                Change::Delegated(delegation) => delegation.record = appended.id.to_string().into(),
                Change::Spawned(spawned) => spawned.record = appended.id.to_string().into(),
                _ => {}
            }
            inner.state.apply(change);
        }
    }
}

/// Approvals show sealed arguments as a replay of the record gives them.
fn show_sealed(args: &faramesh_call::Value, changes: &mut [Change]) {
    for change in changes {
        if let Change::ApprovalRequested(approval) = change {
            approval.args = faramesh_state::fold::shown(args);
        }
    }
}

impl<'a> Decided<'a> {
    /// A denial before the policy was asked: it changes nothing.
    fn refused(draft: Draft<'a>, pending: Pending, now: Timestamp) -> Self {
        Self { draft, changes: Vec::new(), pending, now, retried: None, wants: Vec::new() }
    }
}

fn pending(program: &Program, call: &Call, effect: Effect, denial: Option<Denial>) -> Pending {
    let mut pending = Pending {
        effect,
        denial,
        call_id: call.call_id.clone(),
        policy_version: program.policy_version(),
        enforced: program.runtime.mode == Mode::Enforce,
        warnings: Vec::new(),
        handed: None,
    };
    if !pending.enforced
        && let Some(denial) = pending.denial.take()
    {
        let message =
            format!("audit mode: this call would have been a {}: {}", denial.effect, denial.message);
        pending.warnings.push(Warning { code: denial.code, message });
        pending.effect = Effect::Permit;
    }
    pending
}

impl Pending {
    /// What a permit says, for those who ask for it again.
    fn permit(&self) -> Permit {
        Permit {
            policy_version: Arc::clone(&self.policy_version),
            enforced: self.enforced,
            warnings: self.warnings.clone(),
            handed: self.handed.clone(),
        }
    }

    fn reply(self, receipt: &Receipt) -> Reply {
        match self.denial {
            Some(denial) => {
                Reply::denial(denial, receipt.id().to_string().into(), self.call_id, self.policy_version)
            }
            None if self.effect == Effect::Permit => {
                let permit = self.permit();
                permit.reply(receipt, self.call_id)
            }
            None => internal_error(),
        }
    }
}

pub(crate) fn ledger_unavailable(retry_after_seconds: u64) -> Reply {
    let message = "the decision could not be recorded, so nothing is permitted".to_owned();
    Reply::refusal(Code::LedgerUnavailable, message, Some(retry_after_seconds))
}

fn internal_error() -> Reply {
    Reply::refusal(
        Code::InternalError,
        "the daemon failed while deciding, so the call is denied".to_owned(),
        None,
    )
}
