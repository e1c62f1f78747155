//! Every metric.

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, from the start of the daemon.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often a value was in which range, and the sum.
    Histogram,
}

impl Kind {
    /// The word in the text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with the unit.
    pub name: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says, in a few words.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)*) => {
        /// The metrics by name.
        pub mod names {
            use super::{Kind, Metric};
            $(#[doc = $help] pub const $constant: &Metric = &Metric {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
                help: $help,
            };)*
        }

        /// Every metric, in the order of the text.
        pub const METRICS: &[&Metric] = &[$(names::$constant),*];
    };
}

metrics! {
    BUILD_INFO = "faramesh_build_info", Gauge, ["version"], "Always 1; the label is the daemon's version.";
    START_TIME = "faramesh_start_time_seconds", Gauge, [], "When the daemon started, in seconds since 1970.";
    READY = "faramesh_ready", Gauge, [], "1 while calls are decided and records are kept, else 0.";
    POLICY_INFO = "faramesh_policy_info", Gauge, ["policy"], "Always 1; the label is the hash of the policy in force.";
    DECISIONS = "faramesh_decisions_total", Counter, ["effect", "code"], "Decisions, as they are recorded.";
    REFUSALS = "faramesh_refusals_total", Counter, ["code"], "Calls that were denied before any decision, without a record.";
    DECISION_SECONDS = "faramesh_decision_duration_seconds", Histogram, [], "Time from a call to its reply, with its record on disk.";
    OUTCOMES = "faramesh_outcomes_total", Counter, ["status"], "Reports of permitted calls.";
    APPROVALS_PENDING = "faramesh_approvals_pending", Gauge, [], "Calls that wait for a person.";
    APPROVAL_AGE = "faramesh_approvals_oldest_age_seconds", Gauge, [], "How long the oldest of them has waited; 0 when none does.";
    BUDGET_SPENT = "faramesh_budget_spent_dollars", Gauge, ["agent", "budget"], "What a budget has spent in its window, reservations included. Budgets of one session are left out.";
    BUDGET_MAX = "faramesh_budget_max_dollars", Gauge, ["agent", "budget"], "The ceiling of a budget.";
    FLEET_UP = "faramesh_fleet_up", Gauge, [], "1 while shared budgets can be leased, else 0; absent when the policy shares none.";
    FLEET_LEASES = "faramesh_fleet_leases_total", Counter, [], "Parts of shared budgets that were leased.";
    LEDGER_RECORDS = "faramesh_ledger_records", Gauge, [], "Records in the ledger.";
    LEDGER_HEALTHY = "faramesh_ledger_healthy", Gauge, [], "1 while records can be kept, else 0.";
    LEDGER_DISK_FULL = "faramesh_ledger_disk_full", Gauge, [], "1 while the disk is full and only denials are recorded.";
    CHECKPOINT_LAG = "faramesh_ledger_unsigned_records", Gauge, [], "Records that no checkpoint covers yet.";
    CHECKPOINT_FAILING = "faramesh_ledger_signing_failing", Gauge, [], "1 while checkpoints cannot be signed.";
    INDEX_LAG = "faramesh_ledger_unindexed_records", Gauge, [], "Records that the index does not have yet.";
    SINK_LAG = "faramesh_sink_lag_records", Gauge, ["sink"], "Records that a sink has not delivered yet.";
    SINK_UP = "faramesh_sink_up", Gauge, ["sink"], "1 while a sink delivers, else 0.";
    SINK_DELIVERED = "faramesh_sink_delivered_total", Counter, ["sink"], "Records that a sink delivered.";
    WITNESS_ALARM = "faramesh_witness_alarm", Gauge, ["witness"], "1 when a witness saw another history than this ledger.";
    AGENTS_STOPPED = "faramesh_agents_stopped", Gauge, ["standing"], "Agents that an operator killed, isolated or quiesced.";
    HTTP_REQUESTS = "faramesh_http_requests_total", Counter, ["status"], "Answers of the HTTP door.";
    HTTP_HANDSHAKES_FAILED = "faramesh_http_handshakes_failed_total", Counter, [], "TLS handshakes at the HTTP door that failed.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_field() {
        for (place, metric) in METRICS.iter().enumerate() {
            assert!(metric.name.starts_with("faramesh_"), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.help.ends_with('.') && !metric.help.contains('\n'), "{}", metric.name);
            assert!(METRICS.iter().skip(place + 1).all(|other| other.name != metric.name), "{}", metric.name);
        }
    }
}
