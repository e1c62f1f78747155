//! People are told of some records: on standard error, by a webhook, in Slack, by `PagerDuty`, by mail. Which records and in
//! what words is the teller's business; here is how the words get there. A batch is one message, however
//! many records it tells of, so a message that fails is sent again whole and a storm is no flood.
//!
//! INVARIANT silent: no failure holds a secret, the path of an address, or what the other side said.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use faramesh_call::{Object, Value, json, object};
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::header;

use crate::address::Address;
use crate::cursor::hex;
use crate::mail::{Mail, Mailer};
use crate::secret::Secret;
use crate::signature::SigningSecret;
use crate::sink::{Batch, Failure, Sink};
use crate::webhook::{MAX_ANSWER_BYTES, client, failure, judge};

/// Most records that one message tells of in words; beyond it says how many more there are.
const MAX_TOLD: usize = 30;
/// Longest summary that `PagerDuty` takes, in characters.
const MAX_SUMMARY: usize = 1_024;
/// Longest subject of a mail, in characters.
const MAX_SUBJECT: usize = 180;

/// What people are told of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The record's id.
    pub id: String,
    /// One line of text.
    pub line: String,
    /// The same for programs.
    pub fields: Object,
}

/// Picks records, and says what is told of them.
pub trait Teller: Send + Sync + fmt::Debug {
    /// What is told of a record; nothing of most.
    fn told(&self, record: &[u8]) -> Option<Told>;
}

/// How people are reached.
#[derive(Debug, Clone)]
pub enum Channel {
    /// The daemon's standard error.
    Stderr,
    /// A web server, with messages that are signed as Standard Webhooks has it.
    Webhook {
        /// Its address.
        address: Address,
        /// What messages are signed with.
        secret: SigningSecret,
        /// Longest time for one message.
        timeout: Duration,
        /// Certificates that the server's is checked against instead of the system's.
        authorities: Option<PathBuf>,
    },
    /// A channel of Slack.
    Slack {
        /// The channel, as `#alerts`.
        channel: String,
        /// `chat.postMessage`, or an incoming webhook.
        address: Address,
        /// A bot's token, for `chat.postMessage`.
        token: Option<Secret>,
        /// Longest time for one message.
        timeout: Duration,
    },
    /// A service of `PagerDuty`.
    PagerDuty {
        /// Where events go.
        address: Address,
        /// The integration key of the service.
        key: Secret,
        /// Longest time for one event.
        timeout: Duration,
    },
    /// A mailbox.
    Mail(Mail),
}

impl Channel {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Stderr => "stderr-alert",
            Self::Webhook { .. } => "webhook-alert",
            Self::Slack { .. } => "slack-alert",
            Self::PagerDuty { .. } => "pagerduty-alert",
            Self::Mail(_) => "email-alert",
        }
    }

    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Stderr => "stderr".to_owned(),
            Self::Webhook { address, .. } | Self::PagerDuty { address, .. } => address.to_string(),
            Self::Slack { channel, address, .. } => format!("{channel} at {address}"),
            Self::Mail(mail) => format!("{} by {}", mail.to, mail.server),
        }
    }
}

/// The message of a batch, and where it goes.
pub(crate) struct Alerts {
    teller: Arc<dyn Teller>,
    line: Line,
}

/// A channel, and what it needs to be used.
struct Line {
    channel: Channel,
    agent: Option<Agent>,
    mailer: Option<Mailer>,
}

/// Tells people of one thing at once, without a ledger behind it.
///
/// # Errors
/// They could not be told.
pub fn tell(channel: Channel, told: Told) -> Result<(), Failure> {
    Line::new(channel)?.send(&[told], 0)
}

impl Alerts {
    /// # Errors
    /// The authorities cannot be read.
    pub(crate) fn new(teller: Arc<dyn Teller>, channel: Channel) -> Result<Self, Failure> {
        Ok(Self { teller, line: Line::new(channel)? })
    }
}

impl Line {
    fn new(channel: Channel) -> Result<Self, Failure> {
        let agent = match &channel {
            Channel::Stderr | Channel::Mail(_) => None,
            Channel::Webhook { address, timeout, authorities, .. } => {
                Some(client(address, *timeout, authorities.as_deref())?)
            }
            Channel::Slack { address, timeout, .. } | Channel::PagerDuty { address, timeout, .. } => {
                Some(client(address, *timeout, None)?)
            }
        };
        let mailer = match &channel {
            Channel::Mail(mail) => Some(Mailer::new(mail)?),
            _ => None,
        };
        Ok(Self { channel, agent, mailer })
    }

    fn post(
        &self,
        address: &Address,
        timeout: Duration,
        body: &Value,
        headers: &[(&'static str, String)],
    ) -> Result<Vec<u8>, Failure> {
        let Some(agent) = &self.agent else {
            return Err(Failure::lasting("there is no connection to be had"));
        };
        let mut request =
            agent.post(address.as_str()).header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let sent = request.send(json::canonical(body).as_slice());
        let mut response = sent.map_err(|error| failure(address, timeout, &error))?;
        judge(response.status(), response.headers(), 1, SystemTime::now())?;
        Ok(response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().unwrap_or_default())
    }

    /// One message of all that is told; `number` makes its id another than that of the next.
    fn send(&self, told: &[Told], number: u64) -> Result<(), Failure> {
        let Some(first) = told.first() else { return Ok(()) };
        match &self.channel {
            Channel::Stderr => print(&lines(told)),
            Channel::Webhook { address, secret, timeout, .. } => {
                let body: Value =
                    object! { "type" => "faramesh.alert", "alerts" => fields(told), "more" => more(told) }
                        .into();
                let bytes = json::canonical(&body);
                let digest = Sha256::digest(&bytes);
                let id = format!("alerts-{number}-{}", hex(digest.get(..8).unwrap_or_default()));
                let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                let signature = secret.sign(&id, seconds, &bytes);
                let headers = [
                    ("webhook-id", id),
                    ("webhook-timestamp", seconds.to_string()),
                    ("webhook-signature", signature),
                ];
                self.post(address, *timeout, &body, &headers).map(|_| ())
            }
            Channel::Slack { channel, address, token, timeout } => {
                let body = object! { "channel" => channel.as_str(), "text" => escaped(&lines(told)), "unfurl_links" => false };
                let Some(token) = token else {
                    return self.post(address, *timeout, &body.into(), &[]).map(|_| ());
                };
                let headers = [("authorization", format!("Bearer {}", token.reveal()))];
                accepted(&self.post(address, *timeout, &body.into(), &headers)?)
            }
            Channel::PagerDuty { address, key, timeout } => {
                let summary = summary(first, told.len(), MAX_SUMMARY);
                let body = object! {
                    "routing_key" => key.reveal(),
                    "event_action" => "trigger",
                    "dedup_key" => first.id.as_str(),
                    "payload" => object! {
                        "summary" => summary,
                        "source" => "faramesh",
                        "severity" => "warning",
                        "custom_details" => object! { "alerts" => fields(told), "more" => more(told) },
                    },
                };
                self.post(address, *timeout, &body.into(), &[]).map(|_| ())
            }
            Channel::Mail(_) => {
                let Some(mailer) = &self.mailer else {
                    return Err(Failure::lasting("there is no connection to be had"));
                };
                let subject = format!("Faramesh: {}", summary(first, told.len(), MAX_SUBJECT));
                mailer.send(subject, format!("{}\n", lines(told)))
            }
        }
    }
}

impl Sink for Alerts {
    fn deliver(&mut self, batch: &Batch) -> Result<(), Failure> {
        let told: Vec<Told> = batch.records.iter().filter_map(|record| self.teller.told(record)).collect();
        self.line.send(&told, batch.first_seq)
    }
}

/// The first line, and how many more there are, in so many characters.
fn summary(first: &Told, count: usize, most: usize) -> String {
    let others = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    let room = most.saturating_sub(others.len());
    let line: String = first.line.chars().take(room).collect();
    format!("{line}{others}")
}

fn more(told: &[Told]) -> u64 {
    u64::try_from(told.len().saturating_sub(MAX_TOLD)).unwrap_or(0)
}

fn fields(told: &[Told]) -> Value {
    told.iter().take(MAX_TOLD).map(|told| Value::Object(told.fields.clone())).collect()
}

fn lines(told: &[Told]) -> String {
    let mut lines: Vec<String> = told.iter().take(MAX_TOLD).map(|told| told.line.clone()).collect();
    if more(told) > 0 {
        lines.push(format!("and {} more: `faramesh audit ls` shows them", more(told)));
    }
    lines.join("\n")
}

fn print(text: &str) -> Result<(), Failure> {
    let failed =
        |error: io::Error| Failure::passing(format!("cannot write to standard error: {}", error.kind()));
    let mut stream = File::from(io::stderr().as_fd().try_clone_to_owned().map_err(failed)?);
    let text: String = text.lines().map(|line| format!("alert: {line}\n")).collect();
    stream.write_all(text.as_bytes()).map_err(failed)
}

/// Text that Slack shows as it is: nobody is called and nothing is linked by what an agent wrote.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What Slack says inside an answer of 200.
fn accepted(answer: &[u8]) -> Result<(), Failure> {
    let answer = json::parse(answer).map_err(|_| Failure::passing("Slack's answer cannot be read"))?;
    if answer.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    Err(match answer.get("error").and_then(Value::as_str).unwrap_or_default() {
        "channel_not_found" | "not_in_channel" | "is_archived" => {
            Failure::lasting("Slack: the bot cannot write to the channel: invite it there")
        }
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive"
        | "missing_scope" => Failure::lasting("Slack does not accept `token`: it needs `chat:write`"),
        "ratelimited" | "internal_error" | "service_unavailable" | "fatal_error" => {
            Failure::passing("Slack asks to come again")
        }
        _ => Failure::lasting("Slack refuses the message"),
    })
}
