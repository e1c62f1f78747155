//! Who is calling. The kernel says which process is at the other end of a socket; a policy says which
//! process is which agent; what the call itself claims only chooses between agents that both allow.
//!
//! INVARIANT attested identity: an [`Identity`] comes from [`identify`] alone.

mod peer;

pub use peer::Peer;

use faramesh_call::Code;
use faramesh_program::image::{Attest, IdentityKind, Mode};
use faramesh_program::{Agent, Program};

/// Who calls, as records state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    method: Method,
    subject: &'a str,
}

/// How an identity was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The kernel's credentials matched the agent's `attest` block.
    Unix,
    /// The call says so, and the daemon was told to believe it.
    SelfDeclared,
}

impl Method {
    /// The word in records and in `status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::SelfDeclared => "self-declared",
        }
    }
}

impl<'a> Identity<'a> {
    /// How it was found out.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Who it is: `uid:1000 exe:/usr/bin/python3.11`, or the claimed id.
    #[must_use]
    pub fn subject(&self) -> &'a str {
        self.subject
    }
}

/// Why a caller is nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// `IDENTITY_UNVERIFIED` or `AGENT_UNKNOWN`.
    pub code: Code,
    /// What an operator would want to know.
    pub message: String,
}

/// Whether a program, started this way, believes what calls say about themselves.
#[must_use]
pub fn believes_callers(program: &Program, dev: bool) -> bool {
    let runtime = &program.runtime;
    let told_to = runtime.mode == Mode::Audit || runtime.allow_self_declared_identity;
    dev || (program.identities.is_empty() && told_to)
}

/// The agent that a caller is.
///
/// # Errors
/// No declared agent is this caller, or nothing proves that it is the one it claims to be.
pub fn identify<'p>(
    program: &'p Program,
    peer: &'p Peer,
    claimed: Option<&'p str>,
    dev: bool,
) -> Result<(&'p Agent, Identity<'p>), Refused> {
    let agent = match (claimed, program.anonymous_agent()) {
        (_, Some(anonymous)) => anonymous,
        (Some(name), None) => program.agent(name).ok_or_else(|| unknown(name))?,
        (None, None) => only_attested(program, peer)?,
    };
    if program.identities.iter().any(|provider| provider.kind == IdentityKind::Unix)
        && let Some(attest) = &agent.attest
        && attested(attest, peer)
    {
        return Ok((agent, Identity { method: Method::Unix, subject: peer.subject() }));
    }
    if believes_callers(program, dev) {
        let subject = claimed.unwrap_or_else(|| peer.subject());
        return Ok((agent, Identity { method: Method::SelfDeclared, subject }));
    }
    Err(unverified(format!(
        "the calling process ({}) is not attested as agent `{}`",
        peer.subject(),
        agent.name
    )))
}

fn only_attested<'p>(program: &'p Program, peer: &Peer) -> Result<&'p Agent, Refused> {
    let matches = |agent: &&Agent| agent.attest.as_ref().is_some_and(|attest| attested(attest, peer));
    let mut found = program.agents().iter().filter(matches);
    match (found.next(), found.next()) {
        (Some(agent), None) => Ok(agent),
        (Some(_), Some(_)) => {
            Err(unverified("several agents are this process; the call must name one".to_owned()))
        }
        (None, _) => Err(unverified(format!(
            "the call names no agent, and no agent is attested as its process ({})",
            peer.subject()
        ))),
    }
}

/// Every fact that the policy names holds. An `attest` without facts proves nothing.
fn attested(attest: &Attest, peer: &Peer) -> bool {
    let uid = attest.uid.is_none_or(|uid| uid == peer.uid);
    let exe = attest.exe.as_deref().is_none_or(|exe| peer.exe.as_deref() == Some(exe));
    (attest.uid.is_some() || attest.exe.is_some()) && uid && exe
}

fn unknown(name: &str) -> Refused {
    let message = format!("agent `{name}` is not declared in the policy that is running");
    Refused { code: Code::AgentUnknown, message }
}

fn unverified(message: String) -> Refused {
    Refused { code: Code::IdentityUnverified, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_program::image::{AgentImage, IdentityProvider, Image, RuleEffect, Runtime, Sources};
    use faramesh_program::{encode, load};

    fn agent(name: &str, attest: Option<Attest>) -> AgentImage {
        AgentImage {
            name: name.to_owned(),
            anonymous: name == "anonymous",
            default: RuleEffect::Deny,
            attest,
            rules: Vec::new(),
            redactions: Vec::new(),
            metadata: Vec::new(),
            blocks: faramesh_program::image::Blocks::default(),
        }
    }

    fn program(agents: Vec<AgentImage>, provider: bool, runtime: Runtime) -> Program {
        let host =
            IdentityProvider { name: "host".to_owned(), kind: IdentityKind::Unix, settings: Vec::new() };
        let identities = if provider { vec![host] } else { Vec::new() };
        let image = Image { runtime, identities, agents, ..Image::default() };
        load(&encode(&image, &Sources::default()).unwrap()).unwrap()
    }

    fn peer(uid: u32) -> Peer {
        Peer::new(uid, 1, Some("/usr/bin/python3".to_owned()))
    }

    fn by_uid(uid: u32) -> Option<Attest> {
        Some(Attest { uid: Some(uid), exe: None })
    }

    fn outcome(
        program: &Program,
        uid: u32,
        claimed: Option<&str>,
        dev: bool,
    ) -> Result<(String, Method), Code> {
        identify(program, &peer(uid), claimed, dev)
            .map(|(agent, identity)| (agent.name.to_string(), identity.method()))
            .map_err(|refused| refused.code)
    }

    #[test]
    fn the_kernel_decides_who_calls() {
        let agents = vec![agent("a", by_uid(1)), agent("b", by_uid(2)), agent("c", None)];
        let program =
            program(agents, true, Runtime { allow_self_declared_identity: true, ..Runtime::default() });
        let unix = |name: &str| Ok((name.to_owned(), Method::Unix));
        assert_eq!(outcome(&program, 1, Some("a"), false), unix("a"));
        assert_eq!(outcome(&program, 2, None, false), unix("b"));
        assert_eq!(
            outcome(&program, 1, Some("b"), false),
            Err(Code::IdentityUnverified),
            "a claim is no proof"
        );
        assert_eq!(outcome(&program, 3, None, false), Err(Code::IdentityUnverified));
        // A provider is configured, so nobody is believed, whatever `runtime` says.
        assert_eq!(outcome(&program, 1, Some("c"), false), Err(Code::IdentityUnverified));
        assert_eq!(outcome(&program, 1, Some("x"), false), Err(Code::AgentUnknown));
        let declared = Ok(("b".to_owned(), Method::SelfDeclared));
        assert_eq!(outcome(&program, 1, Some("b"), true), declared, "`dev` stands in for the provider");
    }

    #[test]
    fn callers_are_believed_only_when_told_to() {
        let declared = Ok(("a".to_owned(), Method::SelfDeclared));
        for (runtime, dev, expected) in [
            (Runtime::default(), false, Err(Code::IdentityUnverified)),
            (Runtime::default(), true, declared.clone()),
            (Runtime { mode: Mode::Audit, ..Runtime::default() }, false, declared.clone()),
            (Runtime { allow_self_declared_identity: true, ..Runtime::default() }, false, declared),
        ] {
            let program = program(vec![agent("a", by_uid(1))], false, runtime);
            assert_eq!(outcome(&program, 1, Some("a"), dev), expected);
        }
    }

    #[test]
    fn every_named_fact_must_hold() {
        let exe = |uid, exe: &str| Some(Attest { uid, exe: Some(exe.to_owned()) });
        for (attest, expected) in [
            (exe(Some(1), "/usr/bin/python3"), true),
            (exe(None, "/usr/bin/python3"), true),
            (exe(Some(2), "/usr/bin/python3"), false),
            (exe(Some(1), "/usr/bin/python"), false),
            (Some(Attest { uid: None, exe: None }), false),
        ] {
            let program = program(vec![agent("a", attest)], true, Runtime::default());
            assert_eq!(outcome(&program, 1, Some("a"), false).is_ok(), expected);
        }
    }
}
