//! What Prometheus reads of a daemon.

use faramesh_gate::{Gate, Lifecycle};
use faramesh_http::Counts;
use faramesh_sinks::State;
use faramesh_state::{Standing, Status};
use faramesh_telemetry::{Text, names};

use crate::running::Facts;
use crate::start::now;

/// The text of `/metrics`.
pub(crate) fn metrics(gate: &Gate, facts: &Facts, http: &Counts) -> String {
    let mut text = Text::default();
    let ledger = gate.ledger().status();
    let decides = gate.lifecycle() == Lifecycle::Ready && gate.cold_start_left().is_none();
    let is_ready = decides && ledger.healthy;
    text.family(names::BUILD_INFO, [([env!("CARGO_PKG_VERSION")], 1)]);
    text.one(names::START_TIME, facts.started_at.0 / 1_000);
    text.one(names::READY, u8::from(is_ready));
    text.family(names::POLICY_INFO, [([gate.program().hash_text()], 1)]);
    decisions(gate, &mut text);
    approvals(gate, &mut text);
    budgets(gate, &mut text);
    if let Some(lessors) = &facts.lessors {
        let status = lessors.status();
        text.one(names::FLEET_UP, u8::from(status.error.is_none()));
        text.one(names::FLEET_LEASES, status.leases);
    }
    text.one(names::LEDGER_RECORDS, ledger.records);
    text.one(names::LEDGER_HEALTHY, u8::from(ledger.healthy));
    text.one(names::LEDGER_DISK_FULL, u8::from(ledger.disk_full));
    if let Some(checkpoint) = &ledger.checkpoint {
        text.one(names::CHECKPOINT_LAG, checkpoint.lag);
        text.one(names::CHECKPOINT_FAILING, u8::from(checkpoint.error.is_some()));
    }
    if let Some(lag) = ledger.index_lag {
        text.one(names::INDEX_LAG, lag);
    }
    let sinks = facts.sinks.status();
    let up = |state: State| u8::from(state == State::Healthy);
    text.family(names::SINK_LAG, sinks.iter().map(|sink| ([sink.name.as_str()], sink.lag)));
    text.family(names::SINK_UP, sinks.iter().map(|sink| ([sink.name.as_str()], up(sink.state))));
    text.family(names::SINK_DELIVERED, sinks.iter().map(|sink| ([sink.name.as_str()], sink.delivered)));
    let witnesses = facts.witnesses.status();
    let alarms = witnesses.iter().map(|witness| ([witness.name.as_str()], u8::from(witness.alarm.is_some())));
    text.family(names::WITNESS_ALARM, alarms);
    let served = http.served();
    let by_status: Vec<(String, u64)> =
        served.by_status.iter().map(|(status, count)| (status.to_string(), *count)).collect();
    text.family(names::HTTP_REQUESTS, by_status.iter().map(|(status, count)| ([status.as_str()], *count)));
    text.one(names::HTTP_HANDSHAKES_FAILED, served.handshakes_failed);
    text.finish()
}

fn decisions(gate: &Gate, text: &mut Text) {
    let counted = gate.counted();
    let decisions = counted.decisions.iter();
    text.family(
        names::DECISIONS,
        decisions.map(|(effect, code, count)| ([effect.as_str(), code.as_str()], *count)),
    );
    text.family(names::REFUSALS, counted.refusals.iter().map(|(code, count)| ([code.as_str()], *count)));
    text.histogram(names::DECISION_SECONDS, &counted.within, counted.seconds, counted.answered);
    text.family(names::OUTCOMES, counted.outcomes.iter().map(|(status, count)| ([status.as_str()], *count)));
}

fn approvals(gate: &Gate, text: &mut Text) {
    let now = now();
    let state = gate.approvals();
    let approvals = state.approvals();
    let pending = approvals.iter().filter(|approval| approval.status_at(now) == Status::Pending);
    let ages: Vec<u64> = pending.map(|approval| now.since_ms(approval.requested_at) / 1_000).collect();
    text.one(names::APPROVALS_PENDING, ages.len());
    text.one(names::APPROVAL_AGE, ages.iter().max().copied().unwrap_or(0));
    let agents = gate.agents();
    let stopped = [Standing::Killed, Standing::Isolated, Standing::Quiesced].map(|standing| {
        let standings =
            agents.iter().filter_map(|agent| agent.control.as_ref()).map(|control| control.standing);
        ([standing.as_str()], standings.filter(|found| *found == standing).count())
    });
    text.family(names::AGENTS_STOPPED, stopped);
}

fn budgets(gate: &Gate, text: &mut Text) {
    let mut budgets = gate.budgets();
    // One session is no thing to watch for long, and there may be many.
    budgets.retain(|budget| budget.session.is_none());
    let spent = budgets.iter().map(|budget| ([&*budget.agent, &*budget.id], dollars(budget.spent_micros)));
    text.family(names::BUDGET_SPENT, spent);
    let bounded = budgets.iter().filter_map(|budget| Some((budget, budget.max_micros?)));
    text.family(
        names::BUDGET_MAX,
        bounded.map(|(budget, max)| ([&*budget.agent, &*budget.id], dollars(max))),
    );
}

/// Micro-dollars as Prometheus reads them, digit for digit.
fn dollars(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
