//! A chain's state as it can be kept and gone on from, when the records before are elsewhere.

use super::{Chain, Policy, Tip};
use crate::Hash;

/// What a chain knows behind a record. Whoever goes on from it trusts it as he trusts the place that he
/// has it from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The epoch of the record.
    pub epoch: u64,
    /// The number of the record.
    pub seq: u64,
    /// The hash of the record.
    pub hash: Hash,
    /// The policy in force, when there is one.
    pub policy: Option<Hash>,
    /// The stack that all records are of.
    pub stack: Box<str>,
    /// The instance of the epoch.
    pub instance: Box<str>,
    /// The last own number of each agent, by name; at most [`crate::MAX_AGENTS`].
    pub agents: Vec<(Box<str>, u64)>,
}

impl Chain {
    /// What is to be kept to go on from here; `None` before the first record.
    #[must_use]
    pub fn resume(&self) -> Option<Resume> {
        let (tip, (stack, instance)) = (self.tip?, self.names.clone()?);
        let mut agents: Vec<(Box<str>, u64)> =
            self.agents.iter().map(|(agent, seq)| (agent.clone(), *seq)).collect();
        agents.sort_unstable();
        let policy = self.policy();
        Some(Resume { epoch: tip.epoch, seq: tip.seq, hash: tip.hash, policy, stack, instance, agents })
    }

    /// A chain that goes on behind what was kept.
    #[must_use]
    pub fn resumed(from: &Resume) -> Self {
        Self {
            tip: Some(Tip { epoch: from.epoch, seq: from.seq, hash: from.hash }),
            agents: from.agents.iter().cloned().collect(),
            policy: from.policy.map_or(Policy::None, Policy::Known),
            names: Some((from.stack.clone(), from.instance.clone())),
        }
    }
}
