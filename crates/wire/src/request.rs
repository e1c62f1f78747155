//! What can be asked for, and a request that is a JSON object of its members.

use faramesh_call::call::{DELEGATE_TOOL, SPAWN_TOOL};
use faramesh_call::json::Reader;
use faramesh_call::{Action, Call};
use faramesh_gate::{Declaration, Outcome};

use crate::params::Params;

/// Everything that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A decision.
    Govern,
    /// A report on a permitted call.
    Outcome,
    /// What became of a deferred call.
    Poll,
    /// The same from a 0.3 client, for which the answer "approved" is the permit.
    BarePoll,
    /// What a session is for.
    Purpose,
    /// The next stage of the work.
    Phase,
    /// That a task is complete.
    Complete,
    /// To start another agent.
    Spawn,
    /// To hand authority on.
    Delegate,
    /// To take it back.
    Revoke,
}

impl Method {
    /// The method of this name over a socket. A bare poll has none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "govern" => Self::Govern,
            "outcome" => Self::Outcome,
            "poll_defer" => Self::Poll,
            "session.declare_purpose" => Self::Purpose,
            "session.enter_phase" => Self::Phase,
            "complete" => Self::Complete,
            "spawn" => Self::Spawn,
            "delegate" => Self::Delegate,
            "revoke" => Self::Revoke,
            _ => return None,
        })
    }

    /// Whether it asks for a decision: then whatever is wrong with it is a denial.
    #[must_use]
    pub fn decides(self) -> bool {
        matches!(self, Self::Govern | Self::Complete | Self::Spawn | Self::Delegate)
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// A decision. `legacy` marks published 0.3 clients.
    Govern {
        /// The call.
        call: Box<Call>,
        /// Whether a 0.3 client asks.
        legacy: bool,
    },
    /// A report on a permitted call.
    Outcome(Box<Outcome>),
    /// What became of a deferred call.
    Poll {
        /// The token of the deferral.
        token: Box<str>,
        /// How long to wait for a change, in milliseconds.
        wait_ms: u64,
    },
    /// The same from a 0.3 client, for which the answer "approved" is the permit.
    BarePoll {
        /// The token of the deferral.
        token: Box<str>,
        /// The agent id that the client claims.
        agent: Option<Box<str>>,
    },
    /// What an agent says of a session.
    Declare(Declaration),
    /// What an agent handed on is taken back.
    Revoke {
        /// The token.
        delegation: Box<str>,
        /// The agent id that the client claims.
        agent: Option<Box<str>>,
    },
}

/// Why a body is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongBody {
    /// It is no JSON object.
    NotJson(String),
    /// The method does not take what stands in it.
    Params(String),
}

impl Params {
    /// The request of a method with these members.
    ///
    /// # Errors
    /// A member that the method needs is missing, or means nothing.
    pub fn request(self, method: Method) -> Result<Request, &'static str> {
        match method {
            Method::Govern => self.govern(),
            Method::Outcome => self.outcome(),
            Method::Poll => self.poll(false),
            Method::BarePoll => self.poll(true),
            Method::Purpose => self.purpose(),
            Method::Phase => self.phase(),
            Method::Complete => self.complete(),
            Method::Spawn => self.hand_over(Action::Spawn, SPAWN_TOOL),
            Method::Delegate => self.hand_over(Action::Delegate, DELEGATE_TOOL),
            Method::Revoke => self.revoke(),
        }
    }
}

/// Reads a request that is a JSON object of its members, and nothing else.
///
/// # Errors
/// It is no object, or has members that the method does not take.
pub fn read_body(method: Method, body: &[u8]) -> Result<Request, WrongBody> {
    let not_json = |error: faramesh_call::json::JsonError| WrongBody::NotJson(error.to_string());
    let mut reader = Reader::new(body).map_err(not_json)?;
    let mut params = Params::default();
    let mut wrong = None;
    reader.begin_object().map_err(not_json)?;
    let mut first = true;
    while let Some(key) = reader.next_key(first).map_err(not_json)? {
        first = false;
        if let Err(why) = params.take(&key, &mut reader).map_err(not_json)? {
            wrong.get_or_insert_with(|| format!("`{}` {why}", key.escape_debug()));
        }
    }
    reader.end().map_err(not_json)?;
    if let Some(wrong) = wrong {
        return Err(WrongBody::Params(wrong));
    }
    params.request(method).map_err(|message| WrongBody::Params(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_like_the_parameters_of_a_line() {
        let read = |method, body: &str| read_body(method, body.as_bytes());
        let Ok(Request::Govern { call, legacy: false }) =
            read(Method::Govern, r#"{"agent":"a","tool":"refund","args":{"amount":10},"call_id":"c"}"#)
        else {
            panic!("no call")
        };
        assert_eq!(
            (&*call.tool, call.agent.as_deref(), call.call_id.as_deref()),
            ("refund", Some("a"), Some("c"))
        );
        let wrong = |message: &str| Err(WrongBody::Params(message.to_owned()));
        assert_eq!(read(Method::Govern, "{}"), wrong("`tool` is missing"));
        assert_eq!(read(Method::Govern, r#"{"tool":"a","tool":"b"}"#), wrong("`tool` appears twice"));
        assert_eq!(
            read(Method::Govern, r#"{"tool":"a","toll":1}"#),
            wrong("`toll` is not a member of any request")
        );
        assert_eq!(
            read(Method::Outcome, r#"{"action_id":"x"}"#),
            wrong("`status` must be ok, error or timeout")
        );
        for body in ["", "[]", "{", r#"{"tool":"a"}x"#, "null"] {
            assert!(matches!(read(Method::Govern, body), Err(WrongBody::NotJson(_))), "{body}");
        }
        for (name, decides) in [("govern", true), ("outcome", false), ("spawn", true), ("poll_defer", false)]
        {
            assert_eq!(Method::named(name).unwrap().decides(), decides);
        }
        assert_eq!(Method::named("bare poll_defer"), None);
    }
}
