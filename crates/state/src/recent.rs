//! The calls of the last minutes that have an id of their own, so that a retry of one is answered as the
//! call was and not decided twice.
//!
//! INVARIANT a fold: what is noted of a call is in its record.
//! INVARIANT bounded: in time and in number. What is forgotten is decided anew, which never loosens.

use std::collections::VecDeque;
use std::sync::Arc;

use faramesh_call::{Code, Effect, Timestamp};
use faramesh_dpr::{Kind, Record, RecordId};
use rustc_hash::FxHashMap;

use crate::stored::{Stored, put_text, stored, take_text};

/// How long a retry is answered as its call was, in milliseconds.
pub const RETRY_MS: u64 = 300_000;
/// Most calls that are remembered. Beyond it the oldest is forgotten.
pub const MAX_RECENT: usize = 65_536;

/// Whose id it is: ids of calls are unique in a session of an agent, and in a process without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallKey<'a> {
    /// The agent.
    pub agent: &'a str,
    /// The session, or the process when the call names none.
    pub session: Session<'a>,
    /// The call's id.
    pub call_id: &'a str,
}

/// What ids of calls are unique in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session<'a> {
    /// A session that the call names.
    Named(&'a str),
    /// The process that calls.
    Process(u32),
}

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload<'a> {
    /// The tool.
    pub tool: &'a str,
    /// The keyed commitment to the raw arguments.
    pub commitment: &'a str,
}

/// A call that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    key: Arc<str>,
    tool: Box<str>,
    commitment: Box<str>,
    record: RecordId,
    at: Timestamp,
    permitted: bool,
}

/// What is known of a call's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// It is new, or its call was not permitted: the call is decided.
    None,
    /// The same call was permitted, by this record.
    Permitted(RecordId),
    /// Another call had it, so many milliseconds ago.
    Other {
        /// At most [`RETRY_MS`].
        ago_ms: u64,
    },
}

/// The calls of the last minutes, oldest first.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Recent {
    seen: VecDeque<Seen>,
    /// The number of each key's newest call; the first in `seen` has the number `gone`.
    by_key: FxHashMap<Arc<str>, u64>,
    gone: u64,
}

impl Stored for Arc<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        take_text(bytes).map(Self::from)
    }
}

stored! {
    Seen { key, tool, commitment, record, at, permitted }
}

impl Stored for Recent {
    fn put(&self, out: &mut Vec<u8>) {
        // Which call of a key is its newest follows from their order.
        let Self { seen, by_key: _, gone } = self;
        seen.put(out);
        gone.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let seen: VecDeque<Seen> = Stored::take(bytes)?;
        let gone = u64::take(bytes)?;
        let numbered = (gone..).zip(&seen);
        let by_key = numbered.map(|(number, seen)| (Arc::clone(&seen.key), number)).collect();
        Some(Self { seen, by_key, gone })
    }
}

impl CallKey<'_> {
    fn text(&self) -> String {
        // Agents' names have no control characters, so no two keys are written alike.
        match self.session {
            Session::Named(id) => format!("{}\ns{}\n{id}{}", self.agent, id.len(), self.call_id),
            Session::Process(pid) => format!("{}\np{pid}\n{}", self.agent, self.call_id),
        }
    }
}

impl Recent {
    /// What is known of the id of a call that is made now.
    #[must_use]
    pub fn earlier(&self, key: CallKey<'_>, payload: Payload<'_>, now: Timestamp) -> Earlier {
        let Some(seen) = self.by_key.get(&*key.text()).and_then(|number| self.numbered(*number)) else {
            return Earlier::None;
        };
        let ago_ms = now.since_ms(seen.at);
        if ago_ms > RETRY_MS {
            return Earlier::None;
        }
        if (&*seen.tool, &*seen.commitment) != (payload.tool, payload.commitment) {
            return Earlier::Other { ago_ms };
        }
        if seen.permitted { Earlier::Permitted(seen.record) } else { Earlier::None }
    }

    /// Notes a decided call.
    pub fn note(
        &mut self,
        key: CallKey<'_>,
        payload: Payload<'_>,
        record: RecordId,
        at: Timestamp,
        permitted: bool,
    ) {
        while self.seen.len() >= MAX_RECENT
            || self.seen.front().is_some_and(|oldest| at.since_ms(oldest.at) > RETRY_MS)
        {
            self.forget_oldest();
        }
        let key: Arc<str> = key.text().into();
        let number = self.gone + u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
        self.by_key.insert(Arc::clone(&key), number);
        let (tool, commitment) = (payload.tool.into(), payload.commitment.into());
        self.seen.push_back(Seen { key, tool, commitment, record, at, permitted });
    }

    /// Notes a decided call that a record tells of, as it was noted when the record was written.
    pub(crate) fn replay(&mut self, record: &Record) {
        let Some(call_id) = record.call_id().filter(|_| record.kind() == Kind::Decision) else { return };
        if record.code().as_deref() == Some(Code::CallInvalid.as_str()) {
            return;
        }
        let (Some(agent), Some(tool), Some(commitment)) =
            (record.agent(), record.tool(), record.args_commitment())
        else {
            return;
        };
        let session = record.session();
        let session = match session.as_deref() {
            Some(session) => Session::Named(session),
            None => {
                let process = record.field("inputs").and_then(|inputs| inputs.get("process")?.as_i64());
                Session::Process(process.and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0))
            }
        };
        let key = CallKey { agent: &agent, session, call_id: &call_id };
        let payload = Payload { tool: &tool, commitment: &commitment };
        let permitted = record.effect() == Some(Effect::Permit);
        self.note(key, payload, record.id(), record.time(), permitted);
    }

    /// Whether a retry may still be answered by this record.
    pub(crate) fn needs(record: &Record, now: Timestamp) -> bool {
        record.kind() == Kind::Decision
            && now.since_ms(record.time()) <= RETRY_MS
            && record.call_id().is_some()
    }

    fn numbered(&self, number: u64) -> Option<&Seen> {
        self.seen.get(usize::try_from(number.checked_sub(self.gone)?).ok()?)
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.seen.pop_front() else { return };
        if self.by_key.get(&oldest.key) == Some(&self.gone) {
            self.by_key.remove(&oldest.key);
        }
        self.gone += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key<'a>(session: Session<'a>, call_id: &'a str) -> CallKey<'a> {
        CallKey { agent: "a", session, call_id }
    }

    const PAYLOAD: Payload<'static> = Payload { tool: "t", commitment: "c" };

    fn id(number: u64) -> RecordId {
        RecordId::new(number, u128::from(number))
    }

    #[test]
    fn a_retry_is_known_for_a_while() {
        let mut recent = Recent::default();
        let first = key(Session::Process(7), "1");
        recent.note(first, PAYLOAD, id(1), Timestamp(1_000), true);
        let earlier = |key, payload, now| recent.earlier(key, payload, Timestamp(now));
        assert_eq!(earlier(first, PAYLOAD, 1_000 + RETRY_MS), Earlier::Permitted(id(1)));
        assert_eq!(earlier(first, PAYLOAD, 1_001 + RETRY_MS), Earlier::None);
        assert_eq!(earlier(first, PAYLOAD, 0), Earlier::Permitted(id(1)), "a clock that went back");
        let other = Payload { commitment: "d", ..PAYLOAD };
        assert_eq!(earlier(first, other, 3_000), Earlier::Other { ago_ms: 2_000 });
        assert_eq!(earlier(key(Session::Process(8), "1"), other, 3_000), Earlier::None);
        assert_eq!(earlier(key(Session::Named("7"), "1"), other, 3_000), Earlier::None);
    }

    #[test]
    fn what_was_not_permitted_is_decided_again() {
        let mut recent = Recent::default();
        let call = key(Session::Named("s"), "1");
        recent.note(call, PAYLOAD, id(1), Timestamp(1), false);
        assert_eq!(recent.earlier(call, PAYLOAD, Timestamp(2)), Earlier::None);
        recent.note(call, PAYLOAD, id(2), Timestamp(3), true);
        assert_eq!(recent.earlier(call, PAYLOAD, Timestamp(4)), Earlier::Permitted(id(2)));
    }

    #[test]
    fn no_two_keys_are_written_alike() {
        let named = |session, call_id| key(Session::Named(session), call_id).text();
        assert_ne!(named("a\nb", "c"), named("a", "\nbc"));
        assert_ne!(named("ab", "c"), named("a", "bc"));
        assert_ne!(named("p7", "1"), key(Session::Process(7), "1").text());
    }

    #[test]
    fn the_oldest_make_room() {
        let mut recent = Recent::default();
        for number in 0..=u64::try_from(MAX_RECENT).unwrap() {
            recent.note(
                key(Session::Named("s"), &number.to_string()),
                PAYLOAD,
                id(number),
                Timestamp(5),
                true,
            );
        }
        let at = |call_id| recent.earlier(key(Session::Named("s"), call_id), PAYLOAD, Timestamp(6));
        assert_eq!((at("0"), at("1")), (Earlier::None, Earlier::Permitted(id(1))));
        assert_eq!((recent.seen.len(), recent.by_key.len()), (MAX_RECENT, MAX_RECENT));
        recent.note(key(Session::Named("s"), "late"), PAYLOAD, id(0), Timestamp(6 + RETRY_MS), true);
        assert_eq!((recent.seen.len(), recent.by_key.len()), (1, 1));
    }
}
