//! What came of a permitted call, as the caller reports it.

use std::sync::Arc;

use faramesh_call::money::{dollars, micros_up};
use faramesh_call::{Code, Object, Timestamp, Value, object};
use faramesh_dpr::{Canonical, Draft, Identity as RecordedIdentity, Kind, RecordId};
use faramesh_identity::{Peer, identify};
use faramesh_prices::{Price, Prices, Usage};
use faramesh_program::facts::FACT_KEY;
use faramesh_program::limits::AMBIENT_DATA_KEY;
use faramesh_state::limits::Settled;
use faramesh_state::{Change, State};

use crate::gate::Gate;
use crate::lifecycle::Lifecycle;

/// Longest error word, in bytes.
const MAX_ERROR_BYTES: usize = 256;

/// How a tool's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeStatus {
    /// It returned.
    Ok,
    /// It failed.
    Error,
    /// It did not end in time.
    Timeout,
}

impl OutcomeStatus {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Error, Self::Timeout];

    /// The word on the wire and in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Timeout => "timeout",
        }
    }

    /// Reads [`OutcomeStatus::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A report on a permitted call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The record of the decision.
    pub action_id: Box<str>,
    /// The agent id that the caller claims.
    pub agent: Option<Box<str>>,
    /// How it ended.
    pub status: OutcomeStatus,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it cost, as reported: a number of dollars; anything else is recorded and counts for nothing.
    pub cost: Option<Value>,
    /// What a model used, as reported.
    pub usage: Option<Value>,
    /// The kind of error; cut at 256 bytes.
    pub error: Option<Box<str>>,
}

impl Gate {
    /// Records what came of a call. The caller must [`Gate::commit`] afterwards.
    ///
    /// # Errors
    /// In words, when the report is of no decision, comes from nobody, or cannot be recorded.
    pub fn outcome(&self, peer: &Peer, outcome: &Outcome) -> Result<(), (Code, String)> {
        if self.lifecycle() > Lifecycle::Draining || self.lifecycle() < Lifecycle::Ready {
            return Err((Code::DaemonNotReady, "the daemon is not ready".to_owned()));
        }
        if outcome.action_id.parse::<RecordId>().is_err() {
            return Err((
                Code::CallInvalid,
                format!("`{}` is no action id", outcome.action_id.escape_debug()),
            ));
        }
        let mut inner = self.inner();
        let now = (self.settings.clock)();
        let found = identify(&inner.program, peer, outcome.agent.as_deref(), self.settings.dev);
        let (agent, method, subject) = match found {
            Ok((agent, identity)) => {
                (Some((&*agent.name).into()), identity.method().as_str(), identity.subject())
            }
            // A report need not name an agent; one that names a wrong one is no report.
            Err(_) if outcome.agent.is_none() => (None, "none", peer.subject()),
            Err(refused) => return Err((refused.code, refused.message)),
        };
        // Only the agent that spent says what it cost; anybody else's report is only recorded.
        let prices = Arc::clone(&inner.prices);
        let priced = priced(&prices, outcome);
        let settled = agent
            .as_deref()
            .and_then(|agent: &str| settled(&inner.state, agent, outcome, priced.as_ref(), now));
        let ended = agent.as_deref().and_then(|agent: &str| ended(&inner.state, agent, outcome));
        let changes: Vec<Change> = settled.map(Change::Settled).into_iter().chain(ended).collect();
        let listed: Vec<Value> = changes.iter().map(Change::to_value).collect();
        let draft = Draft {
            kind: Kind::Outcome,
            changes: (!listed.is_empty()).then(|| Canonical::from(&Value::List(listed))),
            agent,
            identity: Some(RecordedIdentity {
                method: method.into(),
                subject: subject.into(),
                ..RecordedIdentity::default()
            }),
            parent: Some((&*outcome.action_id).into()),
            detail: Some(Canonical::from(detail(outcome, priced.as_ref()))),
            dev: self.settings.dev,
            ..Draft::default()
        };
        self.counts.reported(outcome.status);
        // The tool has run: nothing waits for this record, so nobody is told when it is durable.
        let appended = self.ledger.append(draft, now, Box::new(|_| {}));
        appended.map_err(|_| (Code::LedgerUnavailable, "the outcome could not be recorded".to_owned()))?;
        for change in &changes {
            inner.state.apply(change);
        }
        Ok(())
    }
}

/// The end of an agent that the call started, when the one who started it says so.
fn ended(state: &State, agent: &str, outcome: &Outcome) -> Option<Change> {
    let spawned = state.handovers().spawned(&outcome.action_id)?;
    (*spawned.by == *agent).then(|| Change::SpawnEnded { record: outcome.action_id.clone() })
}

/// What the reported use of a model costs.
struct Priced<'p> {
    price: &'p Price,
    micros: u64,
}

/// The cost of a call of a model that the table has, when the report says what it used and not what it cost.
fn priced<'p>(prices: &'p Prices, outcome: &Outcome) -> Option<Priced<'p>> {
    let usage = outcome.usage.as_ref().filter(|_| outcome.cost.is_none())?;
    let price = prices.of(usage.get("model").and_then(Value::as_str)?)?;
    let tokens = |key: &str| {
        let found = usage.get(key).and_then(Value::as_i64);
        found.and_then(|tokens| u64::try_from(tokens).ok())
    };
    let (input, output) = (tokens("input_tokens"), tokens("output_tokens"));
    input.or(output)?;
    let used = Usage {
        input_tokens: input.unwrap_or(0),
        cached_input_tokens: tokens("cached_input_tokens").unwrap_or(0),
        output_tokens: output.unwrap_or(0),
    };
    Some(Priced { price, micros: price.cost(used) })
}

/// The bytes that a tool gave back, as reported.
fn moved(outcome: &Outcome) -> u64 {
    let bytes = outcome.usage.as_ref().and_then(|usage| usage.get("output_bytes"));
    bytes.and_then(Value::as_i64).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
}

/// What a call cost in the end, while its reservation is open.
fn settled(
    state: &State,
    agent: &str,
    outcome: &Outcome,
    priced: Option<&Priced<'_>>,
    now: Timestamp,
) -> Option<Settled> {
    let reservation = state.limits().reservation(&outcome.action_id, now)?;
    let reported = outcome.cost.as_ref().and_then(Value::as_number).and_then(micros_up);
    let reported = reported.or(priced.map(|priced| priced.micros));
    let failed = outcome.status == OutcomeStatus::Error;
    (*reservation.agent == *agent).then(|| {
        let mut settled = reservation.settled(failed, reported);
        // What conditions look back on is what was tried: no report of the agent's makes it less.
        settled.actual.retain(|(meter, _)| !meter.starts_with(FACT_KEY));
        for (meter, actual) in
            settled.actual.iter_mut().filter(|(meter, _)| meter.ends_with(AMBIENT_DATA_KEY))
        {
            let sent = reservation.charges.iter().find(|charge| *charge.name() == **meter);
            *actual = sent.map_or(0, |charge| charge.micros).saturating_add(moved(outcome));
        }
        settled
    })
}

fn detail(outcome: &Outcome, priced: Option<&Priced<'_>>) -> Object {
    let mut detail: Object =
        [("duration_ms", Value::from(outcome.duration_ms)), ("status", Value::from(outcome.status.as_str()))]
            .into_iter()
            .collect();
    if let Some(cost) = &outcome.cost {
        detail.insert("cost", cost.clone());
    }
    if let Some(usage) = &outcome.usage {
        detail.insert("usage", usage.clone());
    }
    if let Some(Priced { price, micros }) = priced {
        let members = object! {
            "as_of" => &*price.as_of,
            "model" => &*price.model,
            "usd" => dollars(*micros),
        };
        detail.insert("priced", members);
    }
    if let Some(error) = &outcome.error {
        let cut = (0..=MAX_ERROR_BYTES.min(error.len())).rev().find(|at| error.is_char_boundary(*at));
        detail.insert("error", error.get(..cut.unwrap_or(0)).unwrap_or_default());
    }
    detail
}
