//! Who is calling. The kernel says which process is at the other end of a socket, a bearer token or a client
//! certificate who calls from afar; a policy says which of them is which agent; what the call itself claims only
//! chooses between agents that both allow.
//!
//! INVARIANT attested identity: an [`Identity`] comes from [`identify`] alone.

mod peer;

pub use peer::{Peer, Remote};

use faramesh_call::Code;
use faramesh_program::image::{IdentityKind, Mode};
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
    /// A bearer token whose hash is in the agent's `attest` block.
    Token,
    /// A client certificate with the name in the agent's `attest` block.
    Mtls,
    /// The call says so, and the daemon was told to believe it.
    SelfDeclared,
}

impl Method {
    /// The word in records and in `status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Token => "token",
            Self::Mtls => "mtls",
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
    if let Some(method) = attested(program, agent, peer) {
        return Ok((agent, Identity { method, subject: peer.subject() }));
    }
    if believes_callers(program, dev) {
        let subject = claimed.unwrap_or_else(|| peer.subject());
        return Ok((agent, Identity { method: Method::SelfDeclared, subject }));
    }
    Err(unverified(format!("the caller ({}) is not attested as agent `{}`", peer.subject(), agent.name)))
}

fn only_attested<'p>(program: &'p Program, peer: &Peer) -> Result<&'p Agent, Refused> {
    let matches = |agent: &&Agent| attested(program, agent, peer).is_some();
    let mut found = program.agents().iter().filter(matches);
    match (found.next(), found.next()) {
        (Some(agent), None) => Ok(agent),
        (Some(_), Some(_)) => {
            Err(unverified("several agents are this caller; the call must name one".to_owned()))
        }
        (None, _) => Err(unverified(format!(
            "the call names no agent, and no agent is attested as its caller ({})",
            peer.subject()
        ))),
    }
}

/// Whether a caller from afar may ask anything at all: it is an agent, or callers are believed.
#[must_use]
pub fn is_known(program: &Program, peer: &Peer, dev: bool) -> bool {
    believes_callers(program, dev)
        || program.agents().iter().any(|agent| attested(program, agent, peer).is_some())
}

/// How it is proved that a caller is an agent; `None` when it is not. Every fact that the policy names of such
/// callers holds; an `attest` that names none proves nothing, nor does one whose provider the policy does not have.
fn attested(program: &Program, agent: &Agent, peer: &Peer) -> Option<Method> {
    let attest = agent.attest.as_ref()?;
    let provides = |kind: IdentityKind| program.identities.iter().any(|provider| provider.kind == kind);
    match peer.remote() {
        None => {
            let uid = attest.uid.is_none_or(|uid| peer.uid() == Some(uid));
            let exe = attest.exe.as_deref().is_none_or(|exe| peer.exe() == Some(exe));
            (attest.is_local() && uid && exe && provides(IdentityKind::Unix)).then_some(Method::Unix)
        }
        Some(remote) => {
            let token = |digest: &[u8; 32]| attest.tokens.contains(digest) && provides(IdentityKind::Token);
            let token = attest.tokens.is_empty() || remote.token.as_ref().is_some_and(token);
            let named =
                |name: &str| remote.names.iter().any(|held| held == name) && provides(IdentityKind::Mtls);
            let certificate = attest.certificate.as_deref().is_none_or(named);
            let method = if attest.certificate.is_some() { Method::Mtls } else { Method::Token };
            (attest.is_remote() && token && certificate).then_some(method)
        }
    }
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
    use faramesh_program::image::{
        AgentImage, Attest, IdentityProvider, Image, RuleEffect, Runtime, Sources,
    };
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
        Some(Attest { uid: Some(uid), ..Attest::default() })
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
        let exe = |uid, exe: &str| Some(Attest { uid, exe: Some(exe.to_owned()), ..Attest::default() });
        for (attest, expected) in [
            (exe(Some(1), "/usr/bin/python3"), true),
            (exe(None, "/usr/bin/python3"), true),
            (exe(Some(2), "/usr/bin/python3"), false),
            (exe(Some(1), "/usr/bin/python"), false),
            (Some(Attest::default()), false),
        ] {
            let program = program(vec![agent("a", attest)], true, Runtime::default());
            assert_eq!(outcome(&program, 1, Some("a"), false).is_ok(), expected);
        }
    }

    #[test]
    fn callers_from_afar_prove_it_by_what_they_present() {
        let kinds = [IdentityKind::Unix, IdentityKind::Token, IdentityKind::Mtls];
        let identities = |kinds: &[IdentityKind]| {
            let of = |kind: &IdentityKind| IdentityProvider {
                name: kind.as_str().to_owned(),
                kind: *kind,
                settings: Vec::new(),
            };
            kinds.iter().map(of).collect::<Vec<_>>()
        };
        let both = Attest { uid: Some(1), tokens: vec![[7; 32], [8; 32]], ..Attest::default() };
        let named = Attest { certificate: Some("bot.example".to_owned()), ..Attest::default() };
        let strict = Attest {
            certificate: Some("bot.example".to_owned()),
            tokens: vec![[9; 32]],
            ..Attest::default()
        };
        let load_with = |attest: &Attest, kinds: &[IdentityKind]| {
            let agents = vec![agent("a", Some(attest.clone()))];
            let image = Image { identities: identities(kinds), agents, ..Image::default() };
            load(&encode(&image, &Sources::default()).unwrap()).unwrap()
        };
        let afar = |token: Option<[u8; 32]>, names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Peer::afar(Remote { address: [10, 0, 0, 1].into(), token, names })
        };
        for (attest, kinds, caller, expected) in [
            (&both, &kinds[..], afar(Some([7; 32]), &[]), Some(Method::Token)),
            (&both, &kinds, afar(Some([8; 32]), &[]), Some(Method::Token)),
            (&both, &kinds, afar(Some([9; 32]), &["a"]), None),
            (&both, &kinds, afar(None, &["a"]), None),
            (&both, &kinds, peer(1), Some(Method::Unix)),
            (&both, &kinds, peer(2), None),
            (&both, &kinds[..1], afar(Some([7; 32]), &[]), None),
            (&named, &kinds, afar(None, &["other", "bot.example"]), Some(Method::Mtls)),
            (&named, &kinds, afar(Some([7; 32]), &["other"]), None),
            (&named, &kinds, peer(1), None),
            (&named, &kinds[..2], afar(None, &["bot.example"]), None),
            (&strict, &kinds, afar(Some([9; 32]), &["bot.example"]), Some(Method::Mtls)),
            (&strict, &kinds, afar(None, &["bot.example"]), None),
            (&strict, &kinds, afar(Some([9; 32]), &[]), None),
        ] {
            let program = load_with(attest, kinds);
            let found = identify(&program, &caller, None, false).ok().map(|(_, identity)| identity.method());
            assert_eq!(found, expected, "{attest:?} {caller:?}");
            assert_eq!(is_known(&program, &caller, false), expected.is_some());
            assert_eq!(identify(&program, &caller, Some("a"), false).is_ok(), expected.is_some());
        }
    }
}
