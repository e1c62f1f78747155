//! Mail: one message a batch, over a server that the policy names. TLS, but to this machine.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};

use crate::address::is_local;
use crate::secret::Secret;
use crate::sink::Failure;

/// A mail server, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    host: String,
    port: u16,
    /// From the first byte, as port 465 has it; else asked for, and insisted on.
    is_tls_at_once: bool,
}

/// Why this is no address of a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no address of a mail server: write `smtps://mail.example.com` or `smtp://mail.example.com:587`"
)]
pub struct MailServerError;

/// Where mail goes, and how.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The receiver.
    pub to: String,
    /// The sender.
    pub from: String,
    /// The server.
    pub server: MailServer,
    /// Name and password for the server.
    pub login: Option<(String, Secret)>,
    /// Longest time for a step of a message.
    pub timeout: Duration,
    /// Certificates that the server's is checked against instead of the system's.
    pub authorities: Option<PathBuf>,
}

impl MailServer {
    /// Reads `smtps://host[:port]` or `smtp://host[:port]`.
    ///
    /// # Errors
    /// It is none of the two.
    pub fn parse(text: &str) -> Result<Self, MailServerError> {
        let (is_tls_at_once, rest) = match text.split_once("://") {
            Some(("smtps", rest)) => (true, rest),
            Some(("smtp", rest)) => (false, rest),
            _ => return Err(MailServerError),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| MailServerError)?),
            _ => (rest, if is_tls_at_once { 465 } else { 587 }),
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-[]:".contains(&byte);
        if host.is_empty() || port == 0 || !host.bytes().all(is_plain) {
            return Err(MailServerError);
        }
        Ok(Self { host: host.to_owned(), port, is_tls_at_once })
    }
}

impl fmt::Display for MailServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// A connection to the server, for as long as it lasts.
pub(crate) struct Mailer {
    transport: SmtpTransport,
    to: Mailbox,
    from: Mailbox,
}

impl Mailer {
    /// # Errors
    /// An address is none, or the authorities cannot be read.
    pub fn new(mail: &Mail) -> Result<Self, Failure> {
        let mailbox = |text: &str| {
            text.parse::<Mailbox>()
                .map_err(|_| Failure::lasting("`sender` and the receiver must be addresses of mail"))
        };
        let server = &mail.server;
        let tls = match (server.is_tls_at_once, is_local(&server.host)) {
            (true, _) => Tls::Wrapper(parameters(mail)?),
            (false, false) => Tls::Required(parameters(mail)?),
            (false, true) => Tls::None,
        };
        let mut builder = SmtpTransport::builder_dangerous(server.host.trim_matches(['[', ']']))
            .port(server.port)
            .tls(tls)
            .timeout(Some(mail.timeout));
        if let Some((name, password)) = &mail.login {
            builder = builder.credentials(Credentials::new(name.clone(), password.reveal().to_owned()));
        }
        Ok(Self { transport: builder.build(), to: mailbox(&mail.to)?, from: mailbox(&mail.from)? })
    }

    pub fn send(&self, subject: String, body: String) -> Result<(), Failure> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(self.to.clone())
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|_| Failure::lasting("the message cannot be written"))?;
        self.transport.send(&message).map(|_| ()).map_err(|error| failure(&error))
    }
}

fn parameters(mail: &Mail) -> Result<TlsParameters, Failure> {
    let mut builder = TlsParameters::builder(mail.server.host.clone());
    if let Some(path) = &mail.authorities {
        let failed =
            |what: &dyn fmt::Display| Failure::lasting(format!("`ca_file`: {}: {what}", path.display()));
        let pem = std::fs::read(path).map_err(|error| failed(&error))?;
        builder = builder.add_root_certificate(
            Certificate::from_pem(&pem).map_err(|_| failed(&"it holds no certificate"))?,
        );
    }
    builder.build_rustls().map_err(|_| Failure::lasting("TLS cannot be set up for the mail server"))
}

/// What went wrong, without what the server said: it may repeat what it was told.
fn failure(error: &Error) -> Failure {
    let status = error.status().map(u16::from);
    match status {
        Some(530 | 534 | 535 | 538) => {
            Failure::lasting("the mail server does not accept `username` and `token`")
        }
        Some(550..=553) => Failure::lasting(format!(
            "the mail server refuses the receiver or the sender ({})",
            status.unwrap_or_default()
        )),
        Some(code) if error.is_permanent() => {
            Failure::lasting(format!("the mail server refuses the message ({code})"))
        }
        Some(code) => Failure::passing(format!("the mail server asks to come again ({code})")),
        None if error.is_tls() || is_handshake(error) => {
            Failure::lasting("the mail server's certificate is not accepted, or it has no TLS")
        }
        None if error.is_client() => {
            Failure::lasting("the mail server has no TLS, or no way to log in that is spoken here")
        }
        None if error.is_timeout() => Failure::passing("the mail server does not answer in time"),
        None => Failure::passing("the mail server cannot be reached"),
    }
}

/// Whether TLS failed while the connection was made, which counts as a fault of the network.
fn is_handshake(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_written_with_their_scheme() {
        for (text, expected) in [
            ("smtps://mail.example.com", Some(("mail.example.com:465", true))),
            ("smtp://mail.example.com", Some(("mail.example.com:587", false))),
            ("smtp://127.0.0.1:2525", Some(("127.0.0.1:2525", false))),
            ("smtp://[::1]:25", Some(("[::1]:25", false))),
            ("smtp://", None),
            ("smtp://host:0", None),
            ("smtp://host:port", None),
            ("https://mail.example.com", None),
            ("smtp://user@host", None),
            ("mail.example.com", None),
        ] {
            let found = MailServer::parse(text).ok();
            let found = found.map(|server| (server.to_string(), server.is_tls_at_once));
            assert_eq!(found, expected.map(|(shown, at_once)| (shown.to_owned(), at_once)), "{text}");
        }
    }
}
