//! Reads a small document from an address, in bounded time: TLS verified, no redirects, no more than so many bytes.

use std::time::Duration;

use ureq::http::header;
use ureq::{Agent, Error};

use crate::address::Address;
use crate::sink::Failure;
use crate::webhook::{client, failure};

/// Reads from one address, over one connection that is kept.
#[derive(Debug)]
pub struct Fetcher {
    agent: Agent,
    address: Address,
    timeout: Duration,
}

/// Why nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The answer did not come in time.
    #[error("{0}")]
    Late(String),
    /// There is no answer, or none that can be used.
    #[error("{0}")]
    Failed(String),
}

impl Fetcher {
    /// A reader of JSON from an address.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(address: &Address, timeout: Duration) -> Result<Self, FetchError> {
        let agent =
            client(address, timeout, None).map_err(|Failure { message, .. }| FetchError::Failed(message))?;
        Ok(Self { agent, address: address.clone(), timeout })
    }

    /// The document that is there now, of at most `most` bytes.
    ///
    /// # Errors
    /// It does not come in time, the answer is no success, or it is too large.
    pub fn get(&self, most: u64) -> Result<Vec<u8>, FetchError> {
        let request = self.agent.get(self.address.as_str()).header(header::ACCEPT, "application/json");
        let mut response = request.call().map_err(|error| self.error(&error))?;
        let status = response.status().as_u16();
        // Read to its end whatever it says, so that the connection can be used again.
        let body = response.body_mut().with_config().limit(most).read_to_vec();
        if !(200..300).contains(&status) {
            return Err(FetchError::Failed(format!("{} answered {status}", self.address)));
        }
        body.map_err(|error| match error {
            Error::BodyExceedsLimit(_) => {
                FetchError::Failed(format!("the answer of {} is larger than {most} bytes", self.address))
            }
            error => self.error(&error),
        })
    }

    fn error(&self, error: &Error) -> FetchError {
        let is_late = matches!(error, Error::Timeout(_));
        let Failure { message, .. } = failure(&self.address, self.timeout, error);
        if is_late { FetchError::Late(message) } else { FetchError::Failed(message) }
    }
}
