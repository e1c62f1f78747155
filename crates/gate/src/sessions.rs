//! An agent says what a session is for, once, or that it enters another stage of the work, forwards. Either
//! counts when its record is durable.

use std::sync::Arc;

use faramesh_call::call::MAX_ID_BYTES;
use faramesh_call::{Call, Code, Timestamp, Value, object};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_identity::{Peer, identify};
use faramesh_program::{Agent, Program};
use faramesh_state::sessions::{MAX_DECLARED, MAX_PURPOSE_BYTES};
use faramesh_state::{Change, Declared, Said, State};

use crate::gate::Gate;
use crate::lifecycle::Lifecycle;
use crate::record::recorded;

/// What an agent says of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The agent id that the caller claims.
    pub agent: Option<Box<str>>,
    /// The session; that of the process when it names none.
    pub session: Option<Box<str>>,
    /// What it says.
    pub said: Said,
}

/// Told once whether a declaration counts, and why not.
pub type Told = Box<dyn FnOnce(Result<(), (Code, String)>) + Send>;

/// Why a declaration changes nothing.
enum Unchanged {
    /// It was said before.
    Known,
    /// It may not be said.
    Refused(String),
}

impl Gate {
    /// Takes what an agent says of a session. The caller must [`Gate::commit`] afterwards.
    pub fn declare(&self, peer: &Peer, declaration: Declaration, told: Told) {
        if self.lifecycle() != Lifecycle::Ready {
            return told(Err((Code::DaemonNotReady, "the daemon is not ready".to_owned())));
        }
        let mut inner = self.inner();
        let now = (self.settings.clock)();
        let program = Arc::clone(&inner.program);
        let (agent, identity) =
            match identify(&program, peer, declaration.agent.as_deref(), self.settings.dev) {
                Ok((agent, identity)) => (agent, recorded(&identity)),
                Err(refused) => return told(Err((refused.code, refused.message))),
            };
        let session = declaration.session.filter(|session| !session.is_empty());
        let session = session.unwrap_or_else(|| process_session(peer));
        let declared = Declared { agent: agent.name.clone(), session, said: declaration.said, at: now };
        match unchanged(&inner.state, agent, &declared, now) {
            Some(Unchanged::Known) => return told(Ok(())),
            Some(Unchanged::Refused(message)) => return told(Err((Code::CallInvalid, message))),
            None => {}
        }
        let event = match &declared.said {
            Said::Purpose(_) => "purpose_declared",
            Said::Stage(_) => "phase_entered",
        };
        let change = Change::Declared(declared.clone());
        let draft = Draft {
            agent: Some((&*declared.agent).into()),
            session: Some((&*declared.session).into()),
            identity: Some(identity),
            changes: Some(Canonical::from(&Value::List(vec![change.to_value()]))),
            dev: self.settings.dev,
            ..Draft::event(Kind::Lifecycle, object! { "event" => event })
        };
        let completion = Box::new(move |result: Result<_, _>| {
            told(match result {
                Ok(_) => Ok(()),
                Err(_) => Err((Code::LedgerUnavailable, "it could not be recorded".to_owned())),
            });
        });
        if self.ledger.append(draft, now, completion).is_ok() {
            inner.state.apply(&change);
        }
    }
}

/// A caller that names no session is in that of its process, where sessions count for anything.
pub(crate) fn in_session(mut call: Call, program: &Program, peer: &Peer) -> Call {
    if program.counts_sessions() && call.session.as_deref().is_none_or(str::is_empty) {
        call.session = Some(process_session(peer));
    }
    call
}

/// The session of a caller that names none.
fn process_session(peer: &Peer) -> Box<str> {
    match peer.remote() {
        None => format!("process:{}", peer.pid()).into(),
        Some(_) => peer.user().into(),
    }
}

fn unchanged(state: &State, agent: &Agent, declared: &Declared, now: Timestamp) -> Option<Unchanged> {
    let known = state.sessions().of(&declared.agent, &declared.session);
    let refusal = match &declared.said {
        Said::Purpose(text) => match known.and_then(|known| known.purpose.as_ref()) {
            Some(purpose) if purpose == text => return Some(Unchanged::Known),
            Some(purpose) => Some(format!("this session is for `{purpose}` already; begin another")),
            None if text.trim().is_empty() || text.len() > MAX_PURPOSE_BYTES => {
                Some(format!("a purpose has 1 to {MAX_PURPOSE_BYTES} bytes"))
            }
            None => None,
        },
        Said::Stage(name) => match enters(agent, known.and_then(|known| known.stage.as_deref()), name) {
            Ok(true) => None,
            Ok(false) => return Some(Unchanged::Known),
            Err(refusal) => Some(refusal),
        },
    };
    let refusal = refusal.or_else(|| {
        if declared.session.len() > MAX_ID_BYTES {
            return Some(format!("a session's id has at most {MAX_ID_BYTES} bytes"));
        }
        let has_room = state.sessions().has_room(&declared.agent, &declared.session, now);
        (!has_room).then(|| format!("{MAX_DECLARED} sessions are known already"))
    });
    refusal.map(Unchanged::Refused)
}

/// Whether a session that is in one stage enters another by going to `name`; stages are gone through
/// forwards only.
fn enters(agent: &Agent, current: Option<&str>, name: &str) -> Result<bool, String> {
    let stages = agent.phases();
    let number = |stage: &str| stages.and_then(|stages| stages.stage_number(stage));
    let Some(to) = number(name) else {
        let known: Vec<&str> =
            stages.into_iter().flat_map(|stages| stages.stages()).map(|stage| &*stage.name).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(format!(
            "agent `{}` has no phase `{}` to enter; it has: {known}",
            agent.name,
            name.escape_debug()
        ));
    };
    let from = current.and_then(number).unwrap_or(0);
    if to < from {
        return Err(format!(
            "this session is past the phase `{name}`; phases are gone through forwards, so begin another session"
        ));
    }
    Ok(to > from)
}
