//! A record read back from its stored bytes. Reading checks that the bytes are canonical and that
//! every member is one that `dpr/1` knows, of its type; values are built only when asked for.
//!
//! Leaves out the chain: a record alone cannot show that it is in its place.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use faramesh_call::{Effect, Timestamp, Value, json};

use crate::fields::{Field, Span, Spans};
use crate::hex::{hash_of, read_hash};
use crate::id::RecordId;
use crate::kind::Kind;
use crate::members::{self, RecordError, missing, wrong};
use crate::scan::unescape;
use crate::time;
use crate::{Hash, VERSION};

/// One record: its bytes, and where each member stands in them.
#[derive(Clone)]
pub struct Record {
    bytes: Arc<[u8]>,
    spans: Spans,
    id: RecordId,
    kind: Kind,
    epoch: u64,
    seq: u64,
    time: Timestamp,
    prev: Hash,
    policy: Option<Hash>,
}

impl Record {
    /// Reads a record from its stored bytes.
    ///
    /// # Errors
    /// The bytes are not canonical, hold a member that `dpr/1` does not have, or lack one that it
    /// needs; the error names the member.
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, RecordError> {
        let bytes: Arc<[u8]> = bytes.into();
        let mut spans = Spans::default();
        members::scan(&bytes, &mut spans)?;
        let raw = |field: Field| slice(&bytes, spans.get(field));
        let needed = |field: Field| {
            let raw = raw(field);
            if raw.is_empty() { Err(missing(field)) } else { Ok(unquoted(raw)) }
        };
        if needed(Field::Version)? != VERSION.as_bytes() {
            return Err(wrong(Field::Version, "`dpr/1`"));
        }
        let text = |field| needed(field).map(|raw| std::str::from_utf8(raw).unwrap_or_default());
        let id = text(Field::Id)?.parse().map_err(|_| wrong(Field::Id, "`dpr-` and a ULID"))?;
        let kind = Kind::parse(text(Field::Kind)?).ok_or_else(|| wrong(Field::Kind, "a kind of record"))?;
        let whole = |field| number_of(needed(field)?).ok_or_else(|| wrong(field, "a whole number"));
        let (epoch, seq) = (whole(Field::Epoch)?, whole(Field::Seq)?);
        let time = time::read(needed(Field::Time)?)
            .ok_or_else(|| wrong(Field::Time, "a time in UTC with milliseconds"))?;
        let prev =
            read_hash(needed(Field::Prev)?).ok_or_else(|| wrong(Field::Prev, "64 hexadecimal digits"))?;
        needed(Field::Stack)?;
        needed(Field::Instance)?;
        let required: &[Field] = match kind {
            Kind::Decision => &[Field::Effect, Field::Enforced, Field::Code],
            Kind::Policy => &[Field::Policy],
            _ => &[],
        };
        if let Some(field) = required.iter().find(|field| raw(**field).is_empty()) {
            return Err(missing(*field));
        }
        if !matches!(raw(Field::Effect), b"" | b"\"permit\"" | b"\"defer\"" | b"\"deny\"") {
            return Err(wrong(Field::Effect, "permit, defer or deny"));
        }
        let policy = match raw(Field::Policy) {
            b"" => None,
            raw => {
                let hash = unquoted(raw).strip_prefix(b"sha256:").and_then(read_hash);
                Some(hash.ok_or_else(|| wrong(Field::Policy, "`sha256:` and 64 hexadecimal digits"))?)
            }
        };
        Ok(Self { id, kind, epoch, seq, time, prev, policy, spans, bytes })
    }

    fn raw(&self, field: Field) -> &[u8] {
        slice(&self.bytes, self.spans.get(field))
    }

    fn text(&self, field: Field) -> Option<Cow<'_, str>> {
        let raw = self.raw(field);
        if raw.first() != Some(&b'"') {
            return None;
        }
        let inner = unquoted(raw);
        Some(unescape((inner, inner.contains(&b'\\'))))
    }

    fn value(&self, field: Field) -> Option<Value> {
        json::parse(self.raw(field)).ok()
    }

    /// The stored bytes, which are the record.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The SHA-256 of the bytes, computed anew at each call.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_of(&self.bytes)
    }

    /// The record's id.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// What the record is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The run of the daemon that wrote it.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Its number in the ledger, from 1.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When it was recorded.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The hash of the record before.
    #[must_use]
    pub fn prev(&self) -> Hash {
        self.prev
    }

    /// The stack.
    #[must_use]
    pub fn stack(&self) -> Cow<'_, str> {
        self.text(Field::Stack).unwrap_or_default()
    }

    /// The daemon process that wrote it.
    #[must_use]
    pub fn instance(&self) -> Cow<'_, str> {
        self.text(Field::Instance).unwrap_or_default()
    }

    /// Whether a member is this text.
    pub(crate) fn says(&self, field: Field, text: &str) -> bool {
        let raw = unquoted(self.raw(field));
        // A text without escapes is compared as it is written.
        if raw.contains(&b'\\') { self.text(field).as_deref() == Some(text) } else { raw == text.as_bytes() }
    }

    /// The agent whose call it was.
    #[must_use]
    pub fn agent(&self) -> Option<Cow<'_, str>> {
        self.text(Field::Agent)
    }

    /// The agent's own sequence number.
    #[must_use]
    pub fn agent_seq(&self) -> Option<u64> {
        number_of(self.raw(Field::AgentSeq))
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> Option<Cow<'_, str>> {
        self.text(Field::Tool)
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> Option<Cow<'_, str>> {
        self.text(Field::Session)
    }

    /// The framework's id of the call.
    #[must_use]
    pub fn call_id(&self) -> Option<Cow<'_, str>> {
        self.text(Field::CallId)
    }

    /// The id of the record that led to this one.
    #[must_use]
    pub fn parent(&self) -> Option<Cow<'_, str>> {
        self.text(Field::Parent)
    }

    /// What was decided.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        Effect::parse(&self.text(Field::Effect)?)
    }

    /// Whether the reply followed the effect.
    #[must_use]
    pub fn enforced(&self) -> Option<bool> {
        match self.raw(Field::Enforced) {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Whether the daemon ran as `faramesh dev`.
    #[must_use]
    pub fn dev(&self) -> bool {
        self.raw(Field::Dev) == b"true"
    }

    /// The reason code's word; [`faramesh_call::Code::parse`] reads it.
    #[must_use]
    pub fn code(&self) -> Option<Cow<'_, str>> {
        self.text(Field::Code)
    }

    /// The reason in words.
    #[must_use]
    pub fn reason(&self) -> Option<Cow<'_, str>> {
        self.text(Field::Reason)
    }

    fn rule_part(&self, part: &str) -> Option<String> {
        Some(self.value(Field::Rule)?.get(part)?.as_str()?.to_owned())
    }

    /// Where the rule that decided is written.
    #[must_use]
    pub fn rule_ref(&self) -> Option<String> {
        self.rule_part("ref")
    }

    /// The digest of the rule that decided.
    #[must_use]
    pub fn rule_digest(&self) -> Option<String> {
        self.rule_part("digest")
    }

    /// The hash of the program that decided, or that a policy record puts into force.
    #[must_use]
    pub fn policy(&self) -> Option<Hash> {
        self.policy
    }

    /// The arguments after redaction.
    #[must_use]
    pub fn args(&self) -> Option<Value> {
        self.value(Field::Args)
    }

    /// The keyed commitment to the raw arguments.
    #[must_use]
    pub fn args_commitment(&self) -> Option<Cow<'_, str>> {
        self.text(Field::ArgsCommitment)
    }

    /// The approval concerned.
    #[must_use]
    pub fn approval(&self) -> Option<Value> {
        self.value(Field::Approval)
    }

    /// The id of the approval concerned.
    #[must_use]
    pub fn approval_id(&self) -> Option<String> {
        Some(self.approval()?.get("id")?.as_str()?.to_owned())
    }

    /// What the decision changed.
    #[must_use]
    pub fn changes(&self) -> Option<Value> {
        self.value(Field::Changes)
    }

    /// What records other than decisions tell.
    #[must_use]
    pub fn detail(&self) -> Option<Value> {
        self.value(Field::Detail)
    }

    /// Any member by its name in the record; `None` when it is absent or no member of records.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value> {
        let field = Field::ALL.iter().find(|field| field.word() == name)?;
        self.value(*field)
    }

    /// The canonical bytes of a member; empty when it is absent.
    #[must_use]
    pub fn field_bytes(&self, name: &str) -> &[u8] {
        Field::ALL.iter().find(|field| field.word() == name).map_or(&[], |field| self.raw(*field))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Record {}

fn slice(bytes: &[u8], span: Span) -> &[u8] {
    let bound = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
    bytes.get(bound(span.start)..bound(span.end)).unwrap_or_default()
}

/// A whole number of up to 64 bits.
fn number_of(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn unquoted(raw: &[u8]) -> &[u8] {
    raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")).unwrap_or(raw)
}
