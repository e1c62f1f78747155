//! What the chain itself says about signing: which key signs, which one it replaces, and when.
//!
//! INVARIANT one meaning: a record whose event is [`SIGNING_KEY`] either reads as an announcement or
//! breaks the ledger; nothing in between is passed over.

use std::fmt;

use faramesh_call::{Object, Value};
use faramesh_dpr::{Kind, Record};

use crate::key::PublicKey;

/// The `event` of the lifecycle record that announces a key or another way of signing.
pub const SIGNING_KEY: &str = "signing_key";

/// When checkpoints are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningMode {
    /// At most every second, after the replies.
    Checkpoint,
    /// Before each reply.
    Strict,
    /// Never.
    Off,
}

impl SigningMode {
    /// The word that announcements have.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Strict => "strict",
            Self::Off => "off",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Checkpoint, Self::Strict, Self::Off].into_iter().find(|mode| mode.word() == word)
    }
}

impl fmt::Display for SigningMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// What a record announces: the key that signs, the one it replaces, and when it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The key.
    pub key: PublicKey,
    /// The key in force until now, when it is another.
    pub replaces: Option<PublicKey>,
    /// When checkpoints are made.
    pub mode: SigningMode,
}

impl Announcement {
    /// The `detail` of its record.
    #[must_use]
    pub fn detail(&self) -> Object {
        let mut detail: Object = [
            ("event", Value::from(SIGNING_KEY)),
            ("key", Value::from(self.key.to_string().as_str())),
            ("signing", Value::from(self.mode.word())),
        ]
        .into_iter()
        .collect();
        if let Some(replaces) = &self.replaces {
            detail.insert("replaces", replaces.to_string().as_str());
        }
        detail
    }

    /// What a record announces; `None` when it is about something else, `Some(Err)` with what it
    /// says when that cannot be understood.
    pub(crate) fn of(record: &Record) -> Option<Result<Self, String>> {
        let detail = (record.kind() == Kind::Lifecycle).then(|| record.detail())??;
        if detail.get("event").and_then(Value::as_str) != Some(SIGNING_KEY) {
            return None;
        }
        Some(Self::read(&detail).ok_or_else(|| format!("{detail:?}")))
    }

    pub(crate) fn read(detail: &Value) -> Option<Self> {
        let text = |member| detail.get(member).and_then(Value::as_str);
        let replaces = match detail.get("replaces") {
            None => None,
            Some(replaces) => Some(replaces.as_str()?.parse().ok()?),
        };
        let (key, mode) = (text("key")?.parse().ok()?, SigningMode::parse(text("signing")?)?);
        Some(Self { key, replaces, mode })
    }
}
