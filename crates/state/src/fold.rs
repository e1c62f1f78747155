//! Records back to changes of state, so that a restart remembers what a running daemon knew.

use faramesh_call::{Timestamp, Value, json};
use faramesh_dpr::Record;

use crate::State;
use crate::approval::{Approval, Binding, Status};
use crate::change::Change;
use crate::handovers::{Delegation, Spawned};
use crate::limits::{Bucket, Lease, Reservation};
use crate::recent::Recent;
use crate::sessions::Declared;
use crate::standing::Control;

/// Largest arguments that an approval shows, in bytes; the record has them all.
const MAX_SHOWN_ARGS_BYTES: usize = 16 << 10;
/// The rule of an approval that an agent's default asked for.
pub const DEFAULT_RULE: &str = "default";
/// Before the names of the budgets that an approval was asked for, in place of a rule's digest.
pub const BUDGET_RULE: &str = "budget:";
/// Before the same names, where people read where a rule stands.
pub const BUDGET_REFERENCE: &str = "budget ";

/// The arguments as an approval keeps them.
#[must_use]
pub fn shown(args: &Value) -> Value {
    if json::canonical(args).len() > MAX_SHOWN_ARGS_BYTES {
        Value::from("more than 16 KiB: see the record")
    } else {
        args.clone()
    }
}

/// The changes that a record holds, as they were applied when it was written.
#[must_use]
pub fn changes_of(record: &Record) -> Vec<Change> {
    let changes = record.changes();
    let listed = changes.as_ref().and_then(Value::as_list).unwrap_or_default();
    listed
        .iter()
        .filter_map(|change| {
            Change::from_value(change)
                .or_else(|| requested(record, change))
                .or_else(|| limited(record, change))
        })
        .collect()
}

/// What the record says of its agent: what a call took from its limits, or what an operator did about it.
fn limited(record: &Record, change: &Value) -> Option<Change> {
    let agent = record.agent()?;
    match change.get("change")?.as_str()? {
        "tokens_taken" => {
            let buckets = change.get("buckets")?.as_object()?.iter();
            let buckets = buckets.map(|(key, bucket)| Some((key.into(), Bucket::from_value(bucket)?)));
            Some(Change::TokensTaken { agent: (*agent).into(), buckets: buckets.collect::<Option<_>>()? })
        }
        "leased" => Lease::from_value(change, &agent).map(|lease| Change::Leased(Box::new(lease))),
        "reserved" => {
            let reservation = Reservation::from_value(change, &agent, &record.id().to_string())?;
            Some(Change::Reserved(Box::new(reservation)))
        }
        "delegated" => {
            let delegation = Delegation::from_value(change, &record.id().to_string())?;
            Some(Change::Delegated(Box::new(delegation)))
        }
        "spawned" => Spawned::from_value(change, &record.id().to_string()).map(Change::Spawned),
        "purpose_declared" | "phase_entered" => Declared::from_value(change, &agent).map(Change::Declared),
        "agent_controlled" => {
            Some(Change::AgentControlled { agent: (*agent).into(), control: Control::from_value(change)? })
        }
        _ => None,
    }
}

/// A request for approval: the record itself says what is to be approved.
fn requested(record: &Record, change: &Value) -> Option<Change> {
    let text = |key: &str| change.get(key).and_then(Value::as_str);
    if text("change")? != "approval_requested" {
        return None;
    }
    let time = |key: &str| Timestamp::parse(text(key)?);
    let budgets = text("budgets");
    let rule_digest = match budgets {
        Some(budgets) => format!("{BUDGET_RULE}{budgets}"),
        None => record.rule_digest().unwrap_or_else(|| DEFAULT_RULE.to_owned()),
    };
    let rule_ref = match budgets {
        Some(budgets) => format!("{BUDGET_REFERENCE}{budgets}"),
        None => record.rule_ref().unwrap_or_else(|| DEFAULT_RULE.to_owned()),
    };
    Some(Change::ApprovalRequested(Box::new(Approval {
        id: text("approval")?.into(),
        binding: Binding {
            agent: record.agent()?.as_ref().into(),
            tool: record.tool()?.as_ref().into(),
            commitment: record.args_commitment()?.as_ref().into(),
            rule_digest: rule_digest.into(),
        },
        status: Status::Pending,
        requested_at: time("requested_at")?,
        expires_at: time("expires_at")?,
        requester: text("requester")?.into(),
        record: record.id().to_string().into(),
        rule_ref: rule_ref.into(),
        policy: record.policy()?,
        session: record.session().map(|session| session.as_ref().into()),
        reason: record.reason().map(|reason| reason.as_ref().into()),
        args: shown(&record.args().unwrap_or_default()),
        needed: change
            .get("needed")
            .and_then(Value::as_i64)
            .and_then(|needed| u32::try_from(needed).ok())
            .unwrap_or(1),
        approved_by: Vec::new(),
        resolution: None,
    })))
}

impl State {
    /// Applies a record of the ledger, in order, when a daemon starts.
    pub fn replay(&mut self, record: &Record) {
        for change in changes_of(record) {
            self.apply(&change);
        }
        if let (Some(agent), Some(seq)) = (record.agent(), record.agent_seq()) {
            self.agent_seqs.insert(agent.as_ref().into(), seq);
        }
        self.recent.replay(record);
    }

    /// Whether the state at a time cannot be folded again without this record: it tells of an approval
    /// that waits or still holds, of what a rate or a budget still counts, or of a call that may be retried.
    #[must_use]
    pub fn needs(&self, record: &Record, now: Timestamp) -> bool {
        let counted = changes_of(record).iter().any(|change| match change.approval() {
            Some(id) => self.approval(id).is_some_and(|found| found.is_live(now)),
            // What a grant covered counts while it holds.
            None if let Change::GrantUsed { id } = change => {
                self.grants.get(id).is_some_and(|grant| grant.holds(now))
            }
            None if let Change::Delegated(delegation) = change => {
                self.handovers.needs_delegation(&delegation.id, now)
            }
            None if let Change::Spawned(spawned) = change => self.handovers.needs_spawn(&spawned.record, now),
            None if let Change::Declared(declared) = change => self.sessions.need(declared, now),
            None => self.limits.need(change, record.time(), now),
        });
        counted || Recent::needs(record, now)
    }

    /// Takes the last sequence numbers of agents whose records are in an archive and were not replayed.
    pub fn resume_agents(&mut self, agents: &[(Box<str>, u64)]) {
        for (agent, seq) in agents {
            let known = self.agent_seqs.entry(agent.clone()).or_default();
            *known = (*known).max(*seq);
        }
    }

    /// The sequence number that an agent's next record carries, from 1.
    #[must_use]
    pub fn next_agent_seq(&self, agent: &str) -> u64 {
        self.agent_seqs.get(agent).copied().unwrap_or(0) + 1
    }

    /// Notes that an agent's record was written. Only declared agents are counted, so their number
    /// is bounded by the policies that ran.
    pub fn count_record(&mut self, agent: &str) {
        match self.agent_seqs.get_mut(agent) {
            Some(seq) => *seq += 1,
            None => {
                self.agent_seqs.insert(agent.into(), 1);
            }
        }
    }
}
