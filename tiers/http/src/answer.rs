//! Answers: a status that says whether the call may run, and a body that says the rest.

use bytes::Bytes;
use faramesh_call::json::Writer;
use faramesh_call::{Code, Effect};
use faramesh_gate::{Reply, Resolution};
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    body: Vec<u8>,
    kind: &'static str,
    field: Option<(HeaderName, HeaderValue)>,
}

impl Answer {
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self { status, body, kind: "application/json", field: None }
    }

    /// What Prometheus reads.
    pub fn text(text: String) -> Self {
        Self {
            status: 200,
            body: text.into_bytes(),
            kind: "text/plain; version=0.0.4; charset=utf-8",
            field: None,
        }
    }

    /// The reply to a call: 200 is the only status that lets it run. `legacy` clients read the body alone.
    pub fn reply(reply: &Reply, legacy: bool) -> Self {
        let mut body = Vec::with_capacity(512);
        reply.write_json(legacy, &mut body);
        let mut answer = Self::json(if legacy { 200 } else { status_of(reply) }, body);
        if let Some(denial) = reply.as_denial()
            && let Resolution::RetryAfter { retry_after_seconds } = denial.resolution
        {
            answer.field = Some((RETRY_AFTER, HeaderValue::from(retry_after_seconds)));
        }
        answer
    }

    /// A refusal, with the members of every denial, so that a client that only looks there denies.
    pub fn error(status: u16, code: Code, message: &str) -> Self {
        let mut answer = Self::reply(&Reply::refusal(code, message.to_owned(), None), false);
        answer.status = status;
        answer
    }

    pub fn unauthenticated() -> Self {
        let message = "who calls is not known: send `Authorization: Bearer …` with a token of the policy, or come with a \
                       client certificate";
        let field = Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        Self { field, ..Self::error(401, Code::IdentityUnverified, message) }
    }

    pub fn other_method(method: &'static str) -> Self {
        let message = format!("this path takes {method}");
        let field = Some((ALLOW, HeaderValue::from_static(method)));
        Self { field, ..Self::error(405, Code::CallInvalid, &message) }
    }

    /// What became of something that is only taken or not.
    pub fn told(told: Result<(), (Code, String)>) -> Self {
        match told {
            Ok(()) => Self::json(200, b"{}".to_vec()),
            Err((code, message)) => Self::error(status_of_code(code, 400), code, &message),
        }
    }

    /// Where the daemon stands.
    pub fn state(status: u16, state: &str) -> Self {
        let mut body = Vec::with_capacity(32);
        let mut writer = Writer::object(&mut body);
        writer.string("state", state);
        writer.end();
        Self::json(status, body)
    }

    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        // A decision is about one call at one time: nobody between may give it again.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = self.field {
            headers.insert(name, value);
        }
        response
    }
}

fn status_of(reply: &Reply) -> u16 {
    match (reply.effect(), reply.as_denial()) {
        (Effect::Permit, _) => 200,
        (Effect::Defer, _) => 202,
        (Effect::Deny, denial) => denial.map_or(403, |denial| status_of_code(denial.code, 403)),
    }
}

fn status_of_code(code: Code, otherwise: u16) -> u16 {
    match code {
        Code::CallInvalid => 400,
        Code::InternalError => 500,
        Code::DaemonNotReady | Code::LedgerUnavailable => 503,
        Code::IdentityUnverified | Code::AgentUnknown => 403,
        _ => otherwise,
    }
}
