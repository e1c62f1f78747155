//! Who calls: `identity` blocks, and the `attest` of an agent that they verify.

use faramesh_program::image::{Attest, IdentityKind, IdentityProvider};
use faramesh_program::unhex;
use faramesh_syntax::ast::{Body, Name, Spanned, Value};
use faramesh_syntax::nearest;

use crate::blocks::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, AGENT, Shape, Status, one_of};
use crate::members::Owner;

/// Keys that a type needs.
const NEEDED: &[(IdentityKind, &str)] =
    &[(IdentityKind::Spiffe, "trust_domain"), (IdentityKind::Oidc, "issuer")];

impl Checker<'_> {
    /// An `identity` block.
    pub fn identity(&mut self, block: Block<'_>, name: &str) -> Option<IdentityProvider> {
        let Shape::Block { members, open, .. } = block.definition.shape else { return None };
        let settings =
            self.settings(Owner { keyword: "identity", members, open, status: Status::Enforced }, block.body);
        let Some(written) = settings.get("type") else {
            let message = format!("the identity provider `{name}` has no `type`");
            self.say(
                codes::MISSING_KEY,
                block.keyword.span,
                message,
                "write `type = \"unix\"` for callers on this machine",
            );
            return None;
        };
        let kind = self.identity_kind(written)?;
        if matches!(kind, IdentityKind::Token | IdentityKind::Mtls) {
            self.proves_from_afar = true;
        } else if kind != IdentityKind::Unix {
            self.not_yet(format!("identity.type = \"{}\"", kind.as_str()), written.span);
            self.proves_from_afar = true;
            for (_, key) in NEEDED.iter().filter(|(needs, _)| *needs == kind) {
                self.needs(block, &[key], &format!("{key} = \"…\""));
            }
            let settings = self.open_settings(&settings);
            return Some(IdentityProvider { name: name.to_owned(), kind, settings });
        }
        for item in &block.body.items {
            let (key, span) = crate::members::keyword(item);
            if key != "type" {
                let message = format!("`{key}` has no meaning for an identity of type `{}`", kind.as_str());
                let help = match kind {
                    IdentityKind::Token => {
                        "remove it: `attest { token = … }` in an agent says which tokens are its own"
                    }
                    IdentityKind::Mtls => {
                        "remove it: `runtime { tls_client_ca_file = … }` names the authority"
                    }
                    _ => "remove it: the kernel says who is at the other end of the socket",
                };
                self.say(codes::UNKNOWN_KEY, span, message, help);
            }
        }
        Some(IdentityProvider { name: name.to_owned(), kind, settings: Vec::new() })
    }

    /// Hashes of bearer tokens, sorted, each once.
    fn tokens(&mut self, written: Option<&Spanned<Value>>) -> Vec<[u8; 32]> {
        let mut tokens = Vec::new();
        for text in self.texts("token", written).unwrap_or_default() {
            let digest = text.node.strip_prefix("sha256:").and_then(unhex);
            if let Some(digest) = digest.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
                tokens.push(digest);
                continue;
            }
            // What stands there may be the token itself: it is not repeated.
            self.say(
                codes::WRONG_VALUE,
                text.span,
                "`token` is not `sha256:` and 64 hexadecimal digits",
                "write the hash of the token, never the token: `faramesh agent token` makes one with its hash",
            );
        }
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    fn identity_kind(&mut self, written: &Spanned<Value>) -> Option<IdentityKind> {
        let text = self.text(Some(written))?;
        if let Some(kind) = IdentityKind::ALL.into_iter().find(|kind| kind.as_str() == text.node) {
            return Some(kind);
        }
        let types = IdentityKind::ALL.map(IdentityKind::as_str);
        let message = format!("there is no identity type `{}`", text.node);
        let found = codes::WRONG_VALUE.at(text.span, message);
        self.report(match nearest(&text.node, types) {
            Some(near) => found.with_help(format!("did you mean `{near}`?")).with_fix(
                text.span,
                format!("\"{near}\""),
                format!("write `{near}`"),
            ),
            None => found.with_help(format!("the types are {}", one_of(&types))),
        });
        None
    }

    /// What proves that a caller is an agent.
    pub fn attest(&mut self, keyword: &Name, body: &Body) -> Option<Attest> {
        let Shape::Block { members, open, .. } = definitions::find(AGENT, "attest")?.shape else {
            return None;
        };
        let settings =
            self.settings(Owner { keyword: "attest", members, open, status: Status::Enforced }, body);
        let uid = self.whole("uid", settings.get("uid"));
        let exe = self.text(settings.get("exe"));
        if let Some(exe) = &exe
            && !is_plain_absolute(&exe.node)
        {
            let message = format!("`{}` is no absolute path of a program", exe.node);
            self.say(
                codes::WRONG_VALUE,
                exe.span,
                message,
                "write its path from the root, without `.` and `..`, as in `/usr/bin/python3`",
            );
            return None;
        }
        let tokens = self.tokens(settings.get("token"));
        let certificate = self.filled_text("certificate", settings.get("certificate"));
        let attest = Attest { uid, exe: exe.map(|exe| exe.node), tokens, certificate };
        if attest == Attest::default() {
            if ["uid", "exe", "token", "certificate"].iter().all(|key| settings.get(key).is_none()) {
                let help = "write `uid = 1000`, `exe = \"/usr/bin/python3\"` or both; from afar, `token` or `certificate`";
                self.say(codes::MISSING_KEY, keyword.span, "this `attest` proves nothing", help);
            }
            return None;
        }
        Some(attest)
    }
}

/// Whether a path is absolute and as the kernel would report it.
fn is_plain_absolute(path: &str) -> bool {
    let Some(body) = path.strip_prefix('/') else { return false };
    !path.contains('\0') && body.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}
