//! One walk over a record's bytes: canonical, and every member known, in order and of its type. It
//! finds where the members stand and leaves what they say to [`crate::Record`].

use faramesh_call::value::canonical_order;

use crate::canonical::CanonicalError;
use crate::fields::{FIELDS, Field, Span, Spans};
use crate::quick::Quick;
use crate::scan::{Scan, unescape};

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a record: {kind}")]
pub struct RecordError {
    /// The member that is wrong, when it is one.
    pub field: Option<Box<str>>,
    /// What is wrong.
    pub kind: RecordErrorKind,
}

/// What is wrong with bytes that should be a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordErrorKind {
    /// Not canonical JSON.
    #[error("{0}")]
    Canonical(CanonicalError),
    /// A member that `dpr/1` does not have.
    #[error("`{0}` is no member of a record")]
    Unknown(Box<str>),
    /// A member that this kind of record needs.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A member is not what it must be.
    #[error("`{field}` must be {expected}")]
    Wrong {
        /// The member.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Longer than 4 GiB.
    #[error("the record is too long")]
    TooLong,
}

impl From<CanonicalError> for RecordError {
    fn from(error: CanonicalError) -> Self {
        Self { field: None, kind: RecordErrorKind::Canonical(error) }
    }
}

pub(crate) fn wrong(field: Field, expected: &'static str) -> RecordError {
    let kind = RecordErrorKind::Wrong { field: field.word(), expected };
    RecordError { field: Some(field.word().into()), kind }
}

pub(crate) fn missing(field: Field) -> RecordError {
    RecordError { field: Some(field.word().into()), kind: RecordErrorKind::Missing(field.word()) }
}

/// Walks the members once: canonical, known, in order, of their types.
pub(crate) fn scan(bytes: &[u8], spans: &mut Spans) -> Result<(), RecordError> {
    if fast(bytes, spans) {
        return Ok(());
    }
    // What is wrong with members is told by the walk that looks at each name for itself.
    *spans = slow(bytes)?;
    Ok(())
}

/// The walk over members as they are in nearly every record.
fn fast(bytes: &[u8], spans: &mut Spans) -> bool {
    let Some(mut walk) = Quick::new(bytes) else { return false };
    walk.take(b'{') && spans.take(&mut walk) == Some(true) && walk.take(b'}') && walk.is_at_end()
}

fn slow(bytes: &[u8]) -> Result<Spans, RecordError> {
    let place = |place: usize| {
        u32::try_from(place).map_err(|_| RecordError { field: None, kind: RecordErrorKind::TooLong })
    };
    let mut spans = Spans::default();
    let mut scan = Scan::new(bytes)?;
    scan.mark(b'{')?;
    // Members come in the order of the list, so each is looked for behind the one before.
    let mut known = FIELDS.iter();
    loop {
        let (key, _) = scan.string()?;
        let field = known.find(|(word, _)| *word == key).map(|(_, field)| field);
        let field = field.ok_or_else(|| misplaced(&unescape((key, false)), &spans))?;
        scan.mark(b':')?;
        let start = scan.position();
        scan.value()?;
        let expected = expected(*field, bytes.get(start).copied().unwrap_or(0));
        if let Some(expected) = expected {
            return Err(wrong(*field, expected));
        }
        spans.set(*field, Span { start: place(start)?, end: place(scan.position())? });
        if !scan.take(b',') {
            break;
        }
    }
    scan.mark(b'}')?;
    scan.end()?;
    Ok(spans)
}

fn misplaced(key: &str, spans: &Spans) -> RecordError {
    let known = Field::ALL.iter().find(|field| field.word() == key);
    let last = Field::ALL.iter().rev().find(|field| spans.get(**field) != Span::default());
    let kind = match (known, last) {
        (Some(field), Some(last)) if canonical_order(field.word(), last.word()).is_le() => {
            RecordErrorKind::Wrong { field: field.word(), expected: "in canonical order" }
        }
        _ => RecordErrorKind::Unknown(key.into()),
    };
    RecordError { field: Some(key.into()), kind }
}

/// What the member must be, when a value that begins with `first` is not that.
#[inline]
pub(crate) fn expected(field: Field, first: u8) -> Option<&'static str> {
    let (fits, expected) = match field {
        Field::AgentSeq | Field::Epoch | Field::Seq => (first.is_ascii_digit(), "a whole number"),
        Field::Dev | Field::Enforced => (matches!(first, b't' | b'f'), "true or false"),
        Field::Delegation | Field::Enforcement | Field::Redacted | Field::Trace => (first == b'[', "a list"),
        Field::Approval | Field::Identity | Field::Rule => (first == b'{', "an object"),
        Field::Args | Field::Changes | Field::Cost | Field::Credential | Field::Detail | Field::Inputs => {
            (true, "")
        }
        _ => (first == b'"', "a string"),
    };
    (!fits).then_some(expected)
}
