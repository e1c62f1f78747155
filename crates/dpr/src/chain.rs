//! The chain of records: each names the hash of the one before, and seq, epochs, the agents' own
//! numbers and the policy go on without a break. The ledger admits a draft by the same rules that a
//! verifier applies to a record, so what was accepted is never refused later.
//!
//! INVARIANT first break: feeding stops at the first record that does not fit, and says why.

mod resume;

pub use resume::Resume;

use rustc_hash::FxHashMap;

use crate::draft::Draft;
use crate::fields::Field;
use crate::hex::text_of;
use crate::kind::Kind;
use crate::record::Record;
use crate::{GENESIS, Hash};

/// How many agents' own numbers are followed; those of further agents are only under the hash.
pub const MAX_AGENTS: usize = 65_536;

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}: `{field}` is {found}, expected {expected}")]
pub struct Broken {
    /// The member that does not fit.
    pub field: &'static str,
    /// What would fit.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// The number of the record, as the record says.
    pub seq: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// The chain is followed from somewhere in its middle.
    Unknown,
    /// No policy record yet.
    None,
    Known(Hash),
}

/// The state of a chain after the records it was fed.
#[derive(Debug, Clone)]
pub struct Chain {
    /// `None` while the chain may begin anywhere.
    tip: Option<Tip>,
    agents: FxHashMap<Box<str>, u64>,
    policy: Policy,
    names: Option<(Box<str>, Box<str>)>,
}

#[derive(Debug, Clone, Copy)]
struct Tip {
    epoch: u64,
    seq: u64,
    hash: Hash,
}

impl Default for Chain {
    fn default() -> Self {
        Self::genesis()
    }
}

impl Chain {
    /// A chain whose first record is the first of its ledger.
    #[must_use]
    pub fn genesis() -> Self {
        let tip = Some(Tip { epoch: 0, seq: 0, hash: GENESIS });
        Self { tip, agents: FxHashMap::default(), policy: Policy::None, names: None }
    }

    /// A chain that is followed from any record on: what stands before is taken on trust.
    #[must_use]
    pub fn anywhere() -> Self {
        Self { tip: None, policy: Policy::Unknown, ..Self::genesis() }
    }

    /// The epoch of the last record; 0 before the first.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.tip.map_or(0, |tip| tip.epoch)
    }

    /// The number of the last record; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.tip.map_or(0, |tip| tip.seq)
    }

    /// The hash of the last record; [`GENESIS`] before the first.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.tip.map_or(GENESIS, |tip| tip.hash)
    }

    /// The policy in force, when it is known.
    #[must_use]
    pub fn policy(&self) -> Option<Hash> {
        if let Policy::Known(hash) = self.policy { Some(hash) } else { None }
    }

    /// The last own number of an agent.
    #[must_use]
    pub fn agent_seq(&self, agent: &str) -> Option<u64> {
        self.agents.get(agent).copied()
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// The record does not follow; the chain stays as it was.
    pub fn feed(&mut self, record: &Record) -> Result<Hash, Broken> {
        self.feed_hashed(record, record.hash())
    }

    /// [`Chain::feed`] for a caller that has hashed the record's bytes.
    ///
    /// # Errors
    /// The record does not follow; the chain stays as it was.
    pub fn feed_hashed(&mut self, record: &Record, hash: Hash) -> Result<Hash, Broken> {
        self.check_place(record)?;
        self.check_names(record)?;
        let (agent, policy) = (record.agent(), record.policy());
        self.check_content(record.kind(), agent.as_deref(), record.agent_seq(), policy, record.seq())?;
        self.advance(record.kind(), agent.as_deref(), record.agent_seq(), policy);
        let new_epoch = self.tip.is_none_or(|tip| tip.epoch != record.epoch());
        if new_epoch || self.names.is_none() {
            self.names = Some((record.stack().into(), record.instance().into()));
        }
        self.tip = Some(Tip { epoch: record.epoch(), seq: record.seq(), hash });
        Ok(hash)
    }

    fn check_place(&self, record: &Record) -> Result<(), Broken> {
        let Some(tip) = self.tip else { return Ok(()) };
        let broken = |field, expected: String, found: String| {
            Err(Broken { field, expected, found, seq: record.seq() })
        };
        if record.seq() != tip.seq.saturating_add(1) {
            return broken("seq", tip.seq.saturating_add(1).to_string(), record.seq().to_string());
        }
        let next = tip.epoch.saturating_add(1);
        if record.epoch() != next && (record.epoch() != tip.epoch || tip.epoch == 0) {
            let expected = if tip.epoch == 0 { next.to_string() } else { format!("{} or {next}", tip.epoch) };
            return broken("epoch", expected, record.epoch().to_string());
        }
        if record.prev() != tip.hash {
            return broken("prev", text_of(&tip.hash), text_of(&record.prev()));
        }
        Ok(())
    }

    fn check_names(&self, record: &Record) -> Result<(), Broken> {
        let Some((stack, instance)) = &self.names else { return Ok(()) };
        let same_epoch = self.epoch() == record.epoch();
        let pairs =
            [("stack", Field::Stack, stack, true), ("instance", Field::Instance, instance, same_epoch)];
        for (field, member, expected, bound) in pairs {
            if bound && !record.says(member, expected) {
                let found = if member == Field::Stack { record.stack() } else { record.instance() };
                let (expected, found) = (expected.to_string(), found.into_owned());
                return Err(Broken { field, expected, found, seq: record.seq() });
            }
        }
        Ok(())
    }

    fn check_content(
        &self,
        kind: Kind,
        agent: Option<&str>,
        agent_seq: Option<u64>,
        policy: Option<Hash>,
        seq: u64,
    ) -> Result<(), Broken> {
        let last = agent.and_then(|agent| self.agents.get(agent));
        if let (Some(last), Some(found)) = (last, agent_seq)
            && found <= *last
        {
            let (expected, found) = (format!("more than {last}"), found.to_string());
            return Err(Broken { field: "agent_seq", expected, found, seq });
        }
        let expected = match (self.policy, policy) {
            (Policy::Known(expected), Some(found)) if expected != found => {
                format!("sha256:{}", text_of(&expected))
            }
            (Policy::None, Some(_)) => "a policy record first".to_owned(),
            _ => return Ok(()),
        };
        if kind != Kind::Decision {
            return Ok(());
        }
        let found = policy.map_or_else(String::new, |found| format!("sha256:{}", text_of(&found)));
        Err(Broken { field: "policy", expected, found, seq })
    }

    fn advance(&mut self, kind: Kind, agent: Option<&str>, agent_seq: Option<u64>, policy: Option<Hash>) {
        if let (Some(agent), Some(agent_seq)) = (agent, agent_seq) {
            if let Some(last) = self.agents.get_mut(agent) {
                *last = agent_seq;
            } else if self.agents.len() < MAX_AGENTS {
                self.agents.insert(agent.into(), agent_seq);
            }
        }
        match (kind, policy) {
            (Kind::Policy, Some(hash)) => self.policy = Policy::Known(hash),
            (Kind::Decision, Some(hash)) if self.policy == Policy::Unknown => {
                self.policy = Policy::Known(hash);
            }
            _ => {}
        }
    }

    /// Whether a draft may be the next record, by the rules of [`Chain::feed`].
    ///
    /// # Errors
    /// A record of it would break the chain.
    pub fn admit(&self, draft: &Draft<'_>) -> Result<(), Broken> {
        let seq = self.seq().saturating_add(1);
        if let Some(field) = draft.missing() {
            return Err(Broken { field, expected: "a value".to_owned(), found: "nothing".to_owned(), seq });
        }
        self.check_content(draft.kind, draft.agent.as_deref(), draft.agent_seq, draft.policy, seq)
    }

    /// Follows a draft that was admitted and sealed as the next record, in `epoch`.
    pub fn sealed(&mut self, draft: &Draft<'_>, epoch: u64, hash: Hash) {
        self.advance(draft.kind, draft.agent.as_deref(), draft.agent_seq, draft.policy);
        self.tip = Some(Tip { epoch, seq: self.seq().saturating_add(1), hash });
    }
}
