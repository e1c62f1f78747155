//! Who can be which agent: stacks that cannot know their callers, and agents that nobody can be.

use faramesh_program::image::{IdentityKind, Mode};

use crate::checker::Checker;
use crate::codes;
use crate::stack::{Agent, Stack};

pub(super) fn check(checker: &mut Checker<'_>, stack: &Stack) {
    let declares = checker.declares_identity;
    let known = declares || stack.runtime.allow_self_declared_identity || checker.options.dev;
    if let Some(first) = stack.agents.first()
        && stack.runtime.mode == Mode::Enforce
        && !known
    {
        let message = "this stack enforces and cannot know who calls: it has no identity provider";
        let help = "write `identity \"host\" { type = \"unix\" }` with `attest { uid = … }` in each agent, or accept what \
                    agents say about themselves with `runtime { allow_self_declared_identity = true }`";
        checker.say(codes::NO_IDENTITY, first.span, message, help);
    }
    if let Some(first) = stack.agents.first()
        && stack.runtime.allow_self_declared_identity
        && declares
    {
        let message = "`allow_self_declared_identity` has no effect beside an identity provider";
        checker.say(codes::SELF_DECLARED_UNUSED, first.span, message, "remove it, or the `identity` block");
    }
    // Providers of other kinds prove callers by what they present, and need no `attest`.
    let attested = [IdentityKind::Unix, IdentityKind::Token, IdentityKind::Mtls];
    let by_attest = !stack.identities.is_empty()
        && stack.identities.iter().all(|identity| attested.contains(&identity.kind));
    for agent in &stack.agents {
        if agent.attest.is_some() && !declares {
            let message =
                format!("nothing verifies the `attest` of `{}`: there is no identity provider", agent.name);
            checker.say(
                codes::ATTEST_WITHOUT_IDENTITY,
                agent.span,
                message,
                "write `identity \"host\" { type = \"unix\" }`",
            );
        }
        if agent.attest.is_none() && by_attest && !agent.anonymous {
            let message = format!("no caller can be `{}`: it has no `attest`", agent.name);
            checker.say(
                codes::NOT_ATTESTED,
                agent.span,
                message,
                "write `attest { uid = … }` or `attest { exe = \"…\" }` in it",
            );
        }
        if declares {
            unverified(checker, stack, agent);
        }
    }
    for (index, agent) in stack.agents.iter().enumerate() {
        let Some(attest) = &agent.attest else { continue };
        let shares = |other: &&Agent| {
            other.attest.as_ref().is_some_and(|known| {
                known == attest || known.tokens.iter().any(|token| attest.tokens.contains(token))
            })
        };
        if let Some(other) = stack.agents.iter().take(index).find(shares) {
            let what = if other.attest.as_ref() == Some(attest) {
                "the same `attest`"
            } else {
                "a `token` in common"
            };
            let message = format!("nothing tells `{}` from `{}`: they have {what}", agent.name, other.name);
            checker.report(
                codes::SAME_ATTEST
                    .at(agent.span, message)
                    .with_help("run them under different users, or as different programs; give each a token of its own")
                    .with_label(other.span, "the other one"),
            );
        }
    }
}

/// Facts in an `attest` that no provider of their kind verifies.
fn unverified(checker: &mut Checker<'_>, stack: &Stack, agent: &Agent) {
    let Some(attest) = &agent.attest else { return };
    let knows = |kind: IdentityKind| stack.identities.iter().any(|identity| identity.kind == kind);
    for (written, kind, facts) in [
        (attest.is_local(), IdentityKind::Unix, "`uid` and `exe`"),
        (!attest.tokens.is_empty(), IdentityKind::Token, "`token`"),
        (attest.certificate.is_some(), IdentityKind::Mtls, "`certificate`"),
    ] {
        if written && !knows(kind) {
            let message = format!("nothing verifies {facts} in the `attest` of `{}`", agent.name);
            let help = format!("write `identity \"{0}\" {{ type = \"{0}\" }}`", kind.as_str());
            checker.say(codes::ATTEST_WITHOUT_IDENTITY, agent.span, message, help);
        }
    }
}
