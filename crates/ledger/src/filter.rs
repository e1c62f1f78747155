//! Which records a reader wants. One filter serves the index, the segments and a ledger in memory;
//! the index only proposes, and every record it proposes is held against the filter again.

use std::sync::Arc;

use faramesh_call::{Effect, Timestamp};
use faramesh_dpr::{Kind, Record, RecordId};

/// Records that have all that is named here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The agent.
    pub agent: Option<String>,
    /// The effect.
    pub effect: Option<Effect>,
    /// A pattern of tools: `stripe/refund`, `stripe/*`, `*`.
    pub tool: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// The rule's place: `governance.fms:12`.
    pub rule: Option<String>,
    /// The approval's id.
    pub approval: Option<String>,
    /// The kind of record.
    pub kind: Option<Kind>,
    /// A record's id, the beginning of one (with or without what stands before its first `-`), or an
    /// approval's id.
    pub id: Option<String>,
    /// Records behind this number.
    pub after_seq: Option<u64>,
    /// At most so many; `None` for all.
    pub limit: Option<usize>,
    /// The newest first, and the newest when there is a limit.
    pub newest_first: bool,
}

/// What [`Filter::id`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Records with ids from the first to the second.
    Ids(RecordId, RecordId),
    /// Records that carry this approval.
    Approval(&'a str),
    /// No record can have it.
    Nothing,
}

impl Filter {
    /// The records that an id names; see [`Filter::id`].
    #[must_use]
    pub fn by_id(id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..Self::default() }
    }

    /// What an id asks for.
    #[must_use]
    pub fn wanted(id: &str) -> Wanted<'_> {
        if id.starts_with("apr-") {
            return Wanted::Approval(id);
        }
        // An action's id is that of its record, whatever word stands before it.
        let ulid = id.split_once('-').map_or(id, |(_, ulid)| ulid);
        match RecordId::range_of_prefix(ulid) {
            Some((low, high)) if !ulid.is_empty() => Wanted::Ids(low, high),
            _ => Wanted::Nothing,
        }
    }

    /// Whether a record has all that the filter names; limit and order aside.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        self.after_seq.is_none_or(|seq| record.seq() > seq)
            && self.kind.is_none_or(|kind| record.kind() == kind)
            && self.since.is_none_or(|since| record.time() >= since)
            && self.until.is_none_or(|until| record.time() < until)
            && self.effect.is_none_or(|effect| record.effect() == Some(effect))
            && (self.agent.is_none() || is(&self.agent, record.agent().as_deref()))
            && (self.session.is_none() || is(&self.session, record.session().as_deref()))
            && self
                .tool
                .as_deref()
                .is_none_or(|pattern| record.tool().is_some_and(|tool| tool_matches(pattern, &tool)))
            && (self.rule.is_none() || is(&self.rule, record.rule_ref().as_deref()))
            && (self.approval.is_none() || is(&self.approval, record.approval_id().as_deref()))
            && self.id.as_deref().is_none_or(|id| Self::matches_id(id, record))
    }

    fn matches_id(id: &str, record: &Record) -> bool {
        match Self::wanted(id) {
            Wanted::Ids(low, high) => (low..=high).contains(&record.id()),
            Wanted::Approval(approval) => record.approval_id().as_deref() == Some(approval),
            Wanted::Nothing => false,
        }
    }

    /// The records among `all`, oldest first, that the filter lets through.
    pub(crate) fn select(&self, all: impl DoubleEndedIterator<Item = Arc<[u8]>>) -> Vec<Record> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let wanted = |bytes: Arc<[u8]>| Record::parse(bytes).ok().filter(|record| self.matches(record));
        if self.newest_first {
            all.rev().filter_map(wanted).take(limit).collect()
        } else {
            all.filter_map(wanted).take(limit).collect()
        }
    }
}

/// `*` alone is every tool; at the end it is one or more segments; elsewhere it stays in its segment.
pub(crate) fn tool_matches(pattern: &str, tool: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let mut wanted = pattern.split('/').peekable();
    let mut found = tool.split('/');
    while let Some(pattern) = wanted.next() {
        let Some(segment) = found.next() else { return false };
        if pattern == "*" && wanted.peek().is_none() {
            return true;
        }
        if !segment_matches(pattern.as_bytes(), segment.as_bytes()) {
            return false;
        }
    }
    found.next().is_none()
}

fn segment_matches(pattern: &[u8], text: &[u8]) -> bool {
    // Where to go on when what follows the last star does not fit here.
    let (mut at, mut place, mut retry) = (0, 0, None);
    while place < text.len() {
        if pattern.get(at) == Some(&b'*') {
            retry = Some((at, place));
            at += 1;
        } else if pattern.get(at) == text.get(place) {
            at += 1;
            place += 1;
        } else if let Some((star, from)) = retry {
            (at, place) = (star + 1, from + 1);
            retry = Some((star, from + 1));
        } else {
            return false;
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_patterns() {
        for (pattern, tool, expected) in [
            ("*", "a/b/c", true),
            ("stripe/*", "stripe/refund", true),
            ("stripe/*", "stripe/refund/x", true),
            ("stripe/*", "stripe", false),
            ("stripe/*", "stripes/refund", false),
            ("*/refund", "stripe/refund", true),
            ("*/refund", "a/stripe/refund", false),
            ("stripe/re*nd", "stripe/refund", true),
            ("stripe/re*", "stripe/refund", true),
            ("stripe/re*", "stripe/refund/x", false),
            ("stripe/*f*d", "stripe/refund", true),
            ("stripe/*x*", "stripe/refund", false),
            ("stripe/refund", "stripe/refund", true),
            ("stripe/refund", "stripe/refunds", false),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(tool_matches(pattern, tool), expected, "{pattern} {tool}");
        }
    }
}
