//! Asks a witness to cosign.

use std::time::Duration;

use faramesh_verify::{MAX_SIGNATURES, NoteSignature, PublicKey};
use std::sync::Arc;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::request::{Request, size};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// A witness at an address, and the key that it cosigns with.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    url: String,
    key: PublicKey,
}

/// Why there is no cosignature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The witness has seen a tree of another size, or another tree of this size.
    #[error("the witness has seen {0} records")]
    Seen(u64),
    /// It says no.
    #[error("the witness refuses ({status}): {said}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// It does not answer, or not as a witness.
    #[error("the witness does not answer: {0}")]
    Unreachable(String),
    /// Its answer is no cosignature of the checkpoint by its key.
    #[error("the witness's answer is not a cosignature by {0}")]
    Wrong(String),
}

impl Client {
    /// A client of the witness below `url`, as `https://witness.example.com`.
    #[must_use]
    pub fn new(url: &str, key: PublicKey) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("faramesh/", env!("CARGO_PKG_VERSION")));
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        Self { agent: config.build().into(), url, key }
    }

    /// The key that the witness cosigns with.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Asks for a cosignature.
    ///
    /// # Errors
    /// There is none; the error says why.
    pub fn ask(&self, request: &Request) -> Result<NoteSignature, AskError> {
        let unreachable = |error: ureq::Error| AskError::Unreachable(error.to_string());
        let mut answer = self.agent.post(&self.url).send(request.write()).map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
        let body = body.map_err(unreachable)?;
        match status {
            200 => self.cosignature(request, &body),
            409 => match size(body.trim_end()) {
                Some(seen) => Err(AskError::Seen(seen)),
                None => Err(AskError::Unreachable("it answers 409 without a size".to_owned())),
            },
            _ => {
                let said: String =
                    body.trim().chars().filter(|letter| !letter.is_control()).take(200).collect();
                Err(AskError::Refused { status, said })
            }
        }
    }

    fn cosignature(&self, request: &Request, body: &str) -> Result<NoteSignature, AskError> {
        let lines = body.lines().take(MAX_SIGNATURES).filter_map(NoteSignature::parse);
        let mut by = lines.filter(|line| line.name == self.key.name() && line.key_id == self.key.id());
        let found = by.next().filter(|line| self.key.verify(&request.note.text, &line.signature).is_ok());
        found.ok_or_else(|| AskError::Wrong(self.key.to_string()))
    }
}
