//! Who sent a line, and what a line that is no request is told.

use std::sync::Arc;

use faramesh_call::Code;
use faramesh_gate::{Peer, Reply};
use mio::Token;

use crate::outbox::Outbox;
use crate::request::{Id, Refused};
use crate::respond;

/// Who sent a line.
pub(crate) struct Client {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) token: Token,
}

impl Client {
    /// Sends a line; it is no work that waits.
    pub(crate) fn send(&self, line: &[u8]) -> usize {
        self.outbox.send(line);
        0
    }
}

/// A malformed `govern` is denied, like any call that cannot be decided; the rest are errors.
pub(super) fn refusal(id: &Id, refused: Refused) -> Vec<u8> {
    match refused {
        Refused::NotJson(message) => respond::error(id, respond::PARSE_ERROR, &message),
        Refused::NotARequest(message) => respond::error(id, respond::INVALID_REQUEST, &message),
        Refused::UnknownMethod(method) => respond::error(
            id,
            respond::METHOD_NOT_FOUND,
            &format!("there is no method `{method}` on this socket"),
        ),
        Refused::Params { govern: true, message } => {
            respond::reply(id, &Reply::refusal(Code::CallInvalid, message, None), true)
        }
        Refused::Params { govern: false, message } => respond::error(id, respond::INVALID_PARAMS, &message),
    }
}
