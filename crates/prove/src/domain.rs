//! What a place may have before anything is asked of it.

use faramesh_call::Value;

use crate::place::Base;

/// The values that a place may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    /// Any value.
    Any,
    /// An object.
    Object,
    /// Any text.
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A whole number from the first to the second; the third is the usual one.
    Whole(i64, i64, i64),
}

/// What stands at the start of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub domain: Domain,
    pub may_be_absent: bool,
}

const ACTIONS: &[&str] = &["tool_call", "model_call", "delegate", "spawn", "completion"];
const WEEKDAYS: &[&str] = &["wed", "mon", "tue", "thu", "fri", "sat", "sun"];

pub(crate) fn start(base: Base) -> Start {
    let present = |domain| Start { domain, may_be_absent: false };
    match base {
        Base::Args => present(Domain::Any),
        Base::Twice | Base::Query | Base::Headers => present(Domain::Object),
        Base::Principal => Start { domain: Domain::Any, may_be_absent: true },
        Base::Tags => Start { domain: Domain::Object, may_be_absent: true },
        Base::Host | Base::Method | Base::HttpPath | Base::Tool => present(Domain::Text),
        Base::Port => present(Domain::Whole(0, 65_535, 443)),
        Base::Model | Base::Session => Start { domain: Domain::Text, may_be_absent: true },
        Base::Action => present(Domain::Word(ACTIONS)),
        Base::Hour => present(Domain::Whole(0, 23, 12)),
        Base::Weekday => present(Domain::Word(WEEKDAYS)),
    }
}

/// What stands there when nothing is asked.
pub(crate) fn usual(base: Base) -> Option<Value> {
    match base {
        Base::Args | Base::Twice | Base::Query | Base::Headers => {
            Some(Value::Object(faramesh_call::Object::new()))
        }
        Base::Host => Some("example.com".into()),
        Base::Method => Some("GET".into()),
        Base::HttpPath => Some("/".into()),
        Base::Port => Some(443_u64.into()),
        Base::Action => Some("tool_call".into()),
        Base::Hour => Some(12_u64.into()),
        Base::Weekday => Some("wed".into()),
        Base::Principal | Base::Tags | Base::Model | Base::Session | Base::Tool => None,
    }
}

/// Texts to try first.
pub(crate) fn usual_texts(base: Base) -> &'static [&'static str] {
    match base {
        Base::Host => &["example.com", "api.example.com"],
        Base::Method => &["GET", "POST", "PUT", "DELETE", "PATCH"],
        Base::HttpPath => &["/", "/example"],
        _ => &[],
    }
}
