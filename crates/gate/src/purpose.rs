//! An agent says what a session is for, once. It counts when its record is durable.

use std::sync::Arc;

use faramesh_call::call::MAX_ID_BYTES;
use faramesh_call::{Code, Value, object};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_identity::{Peer, identify};
use faramesh_state::purpose::{MAX_PURPOSE_BYTES, MAX_PURPOSES};
use faramesh_state::{Change, Purpose};

use crate::gate::Gate;
use crate::lifecycle::Lifecycle;
use crate::record::recorded;

/// What an agent declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The agent id that the caller claims.
    pub agent: Option<Box<str>>,
    /// The session; that of the process when it names none.
    pub session: Option<Box<str>>,
    /// What it is for.
    pub purpose: Box<str>,
}

/// Told once whether a declaration counts, and why not.
pub type Declared = Box<dyn FnOnce(Result<(), (Code, String)>) + Send>;

impl Gate {
    /// Declares the purpose of a session. The caller must [`Gate::commit`] afterwards.
    pub fn declare_purpose(&self, peer: &Peer, declaration: Declaration, declared: Declared) {
        if self.lifecycle() != Lifecycle::Ready {
            return declared(Err((Code::DaemonNotReady, "the daemon is not ready".to_owned())));
        }
        let mut inner = self.inner();
        let now = (self.settings.clock)();
        let program = Arc::clone(&inner.program);
        let found = identify(&program, peer, declaration.agent.as_deref(), self.settings.dev);
        let (agent, identity) = match found {
            Ok((agent, identity)) => (agent, recorded(&identity)),
            Err(refused) => return declared(Err((refused.code, refused.message))),
        };
        let session = declaration.session.filter(|session| !session.is_empty());
        let session = session.unwrap_or_else(|| process_session(peer));
        let purpose = Purpose { agent: agent.name.clone(), session, text: declaration.purpose, at: now };
        let known = inner.state.purposes().of(&purpose.agent, &purpose.session);
        let refusal = match known {
            Some(known) if known.text == purpose.text => return declared(Ok(())),
            Some(known) => Some(format!("this session is for `{}` already; begin another", known.text)),
            None => refusal(&purpose, inner.state.purposes().has_room(&purpose.agent, &purpose.session, now)),
        };
        if let Some(message) = refusal {
            return declared(Err((Code::CallInvalid, message)));
        }
        let change = Change::PurposeDeclared(purpose.clone());
        let draft = Draft {
            agent: Some((&*purpose.agent).into()),
            session: Some((&*purpose.session).into()),
            identity: Some(identity),
            changes: Some(Canonical::from(&Value::List(vec![change.to_value()]))),
            dev: self.settings.dev,
            ..Draft::event(Kind::Lifecycle, object! { "event" => "purpose_declared" })
        };
        let completion = Box::new(move |result: Result<_, _>| {
            declared(match result {
                Ok(_) => Ok(()),
                Err(_) => Err((Code::LedgerUnavailable, "the purpose could not be recorded".to_owned())),
            });
        });
        if self.ledger.append(draft, now, completion).is_ok() {
            inner.state.apply(&change);
        }
    }
}

/// The session of a caller that names none.
pub(crate) fn process_session(peer: &Peer) -> Box<str> {
    format!("process:{}", peer.pid).into()
}

fn refusal(purpose: &Purpose, has_room: bool) -> Option<String> {
    let length = purpose.text.trim().len();
    if length == 0 || purpose.text.len() > MAX_PURPOSE_BYTES {
        return Some(format!("a purpose has 1 to {MAX_PURPOSE_BYTES} bytes"));
    }
    if purpose.session.len() > MAX_ID_BYTES {
        return Some(format!("a session's id has at most {MAX_ID_BYTES} bytes"));
    }
    (!has_room).then(|| format!("{MAX_PURPOSES} sessions have a purpose already"))
}
