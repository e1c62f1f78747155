//! `faramesh agent token`: a new bearer token, and its hash for the policy. The token is shown once and kept nowhere:
//! a policy that is read by everybody tells nobody a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use faramesh_call::{Value, object};
use faramesh_program::hex;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::failure::Failure;
use crate::views::json::{self, text};
use crate::views::words;

/// By which people and scanners of leaked secrets know a token.
const PREFIX: &str = "faramesh_";

/// Shows a new token.
pub fn make(context: &Context) -> Result<(), Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = format!("sha256:{}", hex(&Sha256::digest(token.as_bytes())));
    let value = json::versioned(object! { "token" => token, "hash" => hash });
    context.console.show(&value, shown)?;
    if !context.console.is_for_programs() {
        context.console.hint(
            "the token is not kept anywhere: it goes to the agent, as FARAMESH_TOKEN, and nowhere else",
        );
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    format!(
        "{}\n  {}\n\n{}\n  identity \"token\" {{ type = \"token\" }}\n  agent \"…\" {{\n    attest {{ token = \"{}\" }}\n  }}",
        words::heading("The agent's token:"),
        text(value, &["token"]),
        words::heading("In the policy:"),
        text(value, &["hash"]),
    )
}
