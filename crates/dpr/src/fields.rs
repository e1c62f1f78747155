//! The members of a record, in canonical order. A record with any other member is refused: what a
//! verifier does not know, it cannot vouch for.

/// Where a member's value stands in the bytes of a record; empty when it is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
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
