//! Polls that wait for a person's answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use faramesh_gate::{Gate, Peer};
use faramesh_wire::MAX_WAIT_MS;
use mio::Token;

use crate::limits::MAX_WAITING;
use crate::outbox::Outbox;
use crate::reactor::Client;
use crate::request::Id;
use crate::respond;

/// One poll that waits.
#[derive(Debug)]
struct Waiting {
    outbox: Arc<Outbox>,
    /// The connection, for when being answered lets it go on.
    connection: Token,
    peer: Arc<Peer>,
    id: Id,
    token: Box<str>,
    deadline: Instant,
}

/// Every poll that waits.
#[derive(Debug, Default)]
pub(crate) struct WaitingPolls(Vec<Waiting>);

impl WaitingPolls {
    /// Answers a poll now when it is settled, when it does not want to wait, or when too many do.
    pub(crate) fn add(&mut self, gate: &Gate, client: &Client, id: Id, token: Box<str>, wait_ms: u64) {
        let status = gate.poll(&client.peer, &token);
        if status.is_settled() || wait_ms == 0 || self.0.len() >= MAX_WAITING {
            client.outbox.send(&respond::poll(&id, &token, &status));
            return;
        }
        let deadline = Instant::now() + Duration::from_millis(wait_ms.min(MAX_WAIT_MS));
        let (outbox, peer) = (Arc::clone(&client.outbox), Arc::clone(&client.peer));
        self.0.push(Waiting { outbox, connection: client.token, peer, id, token, deadline });
    }

    /// Answers what is settled or has waited long enough. Connections that go on for it are added to
    /// `resumed`.
    pub(crate) fn look_again(&mut self, gate: &Gate, resumed: &mut Vec<Token>) {
        let now = Instant::now();
        self.0.retain(|waiting| {
            if waiting.outbox.is_closed() {
                return false;
            }
            let status = gate.poll(&waiting.peer, &waiting.token);
            let over = status.is_settled() || waiting.deadline <= now;
            let answer = || respond::poll(&waiting.id, &waiting.token, &status);
            if over && waiting.outbox.send(&answer()) {
                resumed.push(waiting.connection);
            }
            !over
        });
    }

    /// Drops the polls of a client that is gone.
    pub(crate) fn forget(&mut self, outbox: &Arc<Outbox>) {
        self.0.retain(|waiting| !Arc::ptr_eq(&waiting.outbox, outbox));
    }

    /// Answers every poll as it stands, because nobody will look again.
    pub(crate) fn answer_all(&mut self, gate: &Gate) {
        for waiting in self.0.drain(..) {
            let status = gate.poll(&waiting.peer, &waiting.token);
            waiting.outbox.send(&respond::poll(&waiting.id, &waiting.token, &status));
        }
    }

    /// How long until a poll has waited long enough.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let now = Instant::now();
        self.0.iter().map(|waiting| waiting.deadline.saturating_duration_since(now)).min()
    }
}
