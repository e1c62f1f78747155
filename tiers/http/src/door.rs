//! What one request gets: who asks, what for, and the gate's answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use faramesh_call::{Code, Tier};
use faramesh_gate::{Gate, Lifecycle, Peer, PollStatus, Reply};
use faramesh_wire::{MAX_WAIT_MS, Method, Request, WrongBody, read_body};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::counts::Counts;
use crate::limits::{BODY_TIME, MAX_BODY_BYTES, MAX_FIELDS};
use crate::openapi::document;
use crate::routes::{Found, Route, find};

/// What clients of the first protocol ask for: every decision with 200.
const LEGACY: &str = "application/vnd.faramesh.v0+json";
/// How often an approval that somebody waits for is looked at, besides when one is answered: it may expire.
const LOOK: Duration = Duration::from_secs(1);

/// Makes the text that Prometheus reads.
pub(crate) type Metrics = Box<dyn Fn() -> String + Send + Sync>;

/// What every connection shares.
pub(crate) struct Door {
    pub gate: Arc<Gate>,
    pub metrics: Metrics,
    pub counts: Arc<Counts>,
    /// Where it listens, for the document.
    pub address: SocketAddr,
    pub is_tls: bool,
    /// Told when an approval was answered.
    pub answered: watch::Sender<()>,
    pub waiting: Semaphore,
    /// A slot for each body that is read.
    pub bodies: Semaphore,
    /// True when the daemon stops.
    pub stopping: watch::Receiver<bool>,
}

impl Door {
    /// Answers a request; never fails.
    pub async fn answer(&self, caller: &Caller, request: hyper::Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        // Where the protocol itself has no such bound.
        if head.headers.len() > MAX_FIELDS {
            return Answer::error(431, Code::CallInvalid, "the request has more than 64 header fields");
        }
        let (route, id) = match find(head.method.as_str(), head.uri.path()) {
            Found::Route(route, id) => (route, id),
            Found::OtherMethod(method) => return Answer::other_method(method),
            Found::Nothing => return Answer::error(404, Code::CallInvalid, "there is nothing at this path"),
        };
        match route {
            Route::Health => return Answer::state(200, "alive"),
            Route::Ready => return self.ready(),
            Route::Metrics if caller.is_here() => return Answer::text((self.metrics)()),
            _ => {}
        }
        let peer = caller.peer(&head.headers);
        if !self.gate.knows(&peer) {
            self.counts.unknown(caller.address);
            return Answer::unauthenticated();
        }
        match route {
            Route::Metrics => Answer::text((self.metrics)()),
            Route::Document => Answer::json(200, document(self.address, self.is_tls).into_bytes()),
            Route::Approval => self.approval(&peer, id, head.uri.query()).await,
            Route::Asks(method) => match self.body(&head.headers, body).await {
                Ok(body) => self.asked(method, &peer, &head.headers, &body).await,
                Err(answer) => answer,
            },
            Route::Health | Route::Ready => self.ready(),
        }
    }

    fn ready(&self) -> Answer {
        let lifecycle = self.gate.lifecycle();
        match lifecycle {
            Lifecycle::Ready if !self.gate.ledger().is_healthy() => Answer::state(503, "DEGRADED"),
            Lifecycle::Ready if self.gate.cold_start_left().is_some() => Answer::state(503, "COLD_START"),
            Lifecycle::Ready => Answer::state(200, lifecycle.as_str()),
            _ => Answer::state(503, lifecycle.as_str()),
        }
    }

    /// The body, when it says that it is JSON: a form of some web page in a browser on this machine cannot.
    async fn body(&self, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Answer> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let message = "the body must be JSON: send `Content-Type: application/json`";
            return Err(Answer::error(415, Code::CallInvalid, message));
        }
        let read = async {
            let _slot = self.bodies.acquire().await;
            Limited::new(body, MAX_BODY_BYTES).collect().await
        };
        match timeout(BODY_TIME, read).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(Answer::error(413, Code::CallInvalid, "the body is larger than 1,088 KiB"))
            }
            Ok(Err(_)) => Err(Answer::error(400, Code::CallInvalid, "the body did not come whole")),
            Err(_) => Err(Answer::error(408, Code::CallInvalid, "the body did not come within 30 s")),
        }
    }

    async fn asked(&self, method: Method, peer: &Peer, headers: &HeaderMap, body: &[u8]) -> Answer {
        let request = match read_body(method, body) {
            Ok(request) => request,
            Err(WrongBody::NotJson(message) | WrongBody::Params(message)) => {
                return Answer::error(400, Code::CallInvalid, &message);
            }
        };
        match request {
            Request::Govern { mut call, legacy } => {
                call.tier = Tier::Http;
                let asks = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
                let legacy = legacy || asks.contains(LEGACY);
                let (sender, reply) = oneshot::channel();
                // A client that went away is told nothing; what was decided stays recorded.
                let respond = Box::new(move |reply: Reply| drop(sender.send(reply)));
                self.gate.ask(peer, *call, respond);
                self.gate.commit(false);
                match reply.await {
                    Ok(reply) => Answer::reply(&reply, legacy),
                    Err(_) => Answer::error(500, Code::InternalError, "the daemon failed while deciding"),
                }
            }
            Request::Outcome(outcome) => {
                let told = self.gate.outcome(peer, &outcome);
                self.gate.commit(false);
                Answer::told(told)
            }
            Request::Declare(declaration) => {
                let (sender, told) = oneshot::channel();
                self.gate.declare(peer, declaration, Box::new(move |result| drop(sender.send(result))));
                self.gate.commit(false);
                Answer::told(told.await.unwrap_or_else(|_| Err(failed())))
            }
            Request::Revoke { delegation, agent } => {
                let (sender, told) = oneshot::channel();
                let respond = Box::new(move |result| drop(sender.send(result)));
                self.gate.take_back(peer, agent.as_deref(), &delegation, respond);
                self.gate.commit(false);
                Answer::told(told.await.unwrap_or_else(|_| Err(failed())))
            }
            // No path asks for these with a body.
            Request::Poll { .. } | Request::BarePoll { .. } => {
                Answer::error(404, Code::CallInvalid, "there is nothing at this path")
            }
        }
    }

    /// How a deferred call stands, after waiting for the answer as long as the caller wants.
    async fn approval(&self, peer: &Peer, token: &str, query: Option<&str>) -> Answer {
        let Some(wait) = wait(query) else {
            return Answer::error(400, Code::CallInvalid, "`wait` is a number of seconds, at most 60");
        };
        let mut answered = self.answered.subscribe();
        let mut stopping = self.stopping.clone();
        let deadline = Instant::now() + wait;
        let slot = self.waiting.try_acquire();
        loop {
            let status = self.gate.poll(peer, token);
            let over = Instant::now() >= deadline || *stopping.borrow();
            if status.is_settled() || over || slot.is_err() {
                return found(token, &status);
            }
            let look = deadline.min(Instant::now() + LOOK);
            tokio::select! {
                _ = answered.changed() => {}
                _ = stopping.changed() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }
}

fn failed() -> (Code, String) {
    (Code::InternalError, "the daemon failed".to_owned())
}

fn found(token: &str, status: &PollStatus) -> Answer {
    let mut body = Vec::with_capacity(128);
    faramesh_wire::write_poll(token, status, &mut body);
    Answer::json(if status.status.is_none() { 404 } else { 200 }, body)
}

/// How long a caller wants to wait: `wait=30`, in seconds.
fn wait(query: Option<&str>) -> Option<Duration> {
    let pairs = query.unwrap_or_default().split('&');
    let Some(seconds) = pairs.filter_map(|pair| pair.strip_prefix("wait=")).next() else {
        return Some(Duration::ZERO);
    };
    let seconds: f64 = seconds.strip_suffix('s').unwrap_or(seconds).parse().ok()?;
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    (wait <= Duration::from_millis(MAX_WAIT_MS)).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_seconds() {
        for (query, expected) in [
            (None, Some(0)),
            (Some(""), Some(0)),
            (Some("wait=30"), Some(30)),
            (Some("x=1&wait=5s"), Some(5)),
            (Some("wait=61"), None),
            (Some("wait=-1"), None),
            (Some("wait=NaN"), None),
            (Some("wait="), None),
        ] {
            assert_eq!(wait(query), expected.map(Duration::from_secs), "{query:?}");
        }
    }
}
