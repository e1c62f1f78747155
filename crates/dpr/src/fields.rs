//! The members of a record, in canonical order. A record with any other member is refused: what a
//! verifier does not know, it cannot vouch for.

use crate::members::expected;
use crate::quick::Quick;

/// Where a member's value stands in the bytes of a record; empty when it is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    #[inline]
    fn between(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }
}

/// The bytes of a text as an array.
const fn bytes_of<const N: usize>(text: &'static str) -> &'static [u8; N] {
    match text.as_bytes().first_chunk() {
        Some(bytes) => bytes,
        None => &[0; N],
    }
}

macro_rules! fields {
    ($($name:ident = $word:literal,)*) => {
        /// A member of a record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Field { $($name,)* }

        #[derive(Debug, Clone, Default)]
        #[allow(non_snake_case, reason = "named as the fields are")]
        pub(crate) struct Spans { $($name: Span,)* }

        impl Field {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        /// Every member with its name, in canonical order.
        pub(crate) const FIELDS: &[(&[u8], Field)] = &[$(($word.as_bytes(), Field::$name),)*];

        impl Spans {
            pub(crate) fn get(&self, field: Field) -> Span {
                match field { $(Field::$name => self.$name,)* }
            }

            /// Takes members in canonical order, each known and of its type. Whether the last one was taken; `None`
            /// when one is not as it must be. Written out, each name is compared in an instruction or two.
            pub(crate) fn take(&mut self, walk: &mut Quick<'_>) -> Option<bool> {
                $({
                    const NAME: &str = concat!('"', $word, "\":");
                    const BYTES: &[u8; NAME.len()] = bytes_of(NAME);
                    if walk.name(BYTES) {
                        let start = walk.position();
                        if expected(Field::$name, walk.byte()).is_some() || !walk.value() {
                            return None;
                        }
                        self.$name = Span::between(start, walk.position())?;
                        if !walk.take(b',') {
                            return Some(true);
                        }
                    }
                })*
                Some(false)
            }

            pub(crate) fn set(&mut self, field: Field, span: Span) {
                match field { $(Field::$name => self.$name = span,)* }
            }
        }
    };
}

fields! {
    Action = "action",
    Agent = "agent",
    AgentSeq = "agent_seq",
    Approval = "approval",
    Args = "args",
    ArgsCommitment = "args_commitment",
    CallId = "call_id",
    Changes = "changes",
    Code = "code",
    Cost = "cost",
    Credential = "credential",
    Delegation = "delegation",
    Detail = "detail",
    Dev = "dev",
    Effect = "effect",
    Enforced = "enforced",
    Enforcement = "enforcement",
    Epoch = "epoch",
    Id = "id",
    Identity = "identity",
    Inputs = "inputs",
    Instance = "instance",
    Kind = "kind",
    Parent = "parent",
    Policy = "policy",
    Prev = "prev",
    Reason = "reason",
    Redacted = "redacted",
    RequestId = "request_id",
    Rule = "rule",
    Seq = "seq",
    Session = "session",
    Stack = "stack",
    Tier = "tier",
    Time = "time",
    Tool = "tool",
    Trace = "trace",
    Version = "v",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_canonical_order() {
        let words: Vec<&str> = Field::ALL.iter().map(|field| field.word()).collect();
        assert!(words.is_sorted(), "{words:?}");
    }
}
