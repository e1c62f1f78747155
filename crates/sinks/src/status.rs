//! How a sink stands, for operators.

use faramesh_call::Timestamp;

/// Whether a sink delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It delivers, or has nothing to deliver.
    Healthy,
    /// Its last try failed; it tries again by itself.
    Degraded,
    /// Somebody has to change something; it still tries now and then.
    Down,
}

impl State {
    /// The word in `status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::Down => "DOWN",
        }
    }
}

/// How a sink stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its name in the policy.
    pub name: String,
    /// Its type, such as `webhook-sink`.
    pub kind: &'static str,
    /// Where records go, without secrets.
    pub destination: String,
    /// Whether it delivers.
    pub state: State,
    /// The number of the last record that it has.
    pub delivered_seq: u64,
    /// Kept records that it does not have yet.
    pub lag: u64,
    /// Records that this process delivered, those sent again included.
    pub delivered: u64,
    /// When it last took records.
    pub last_delivery: Option<Timestamp>,
    /// What went wrong last, and when; kept until a delivery goes well.
    pub last_error: Option<(String, Timestamp)>,
    /// Failures in a row.
    pub failures: u32,
    /// What an operator should know: that records are sent again, or are gone.
    pub note: Option<String>,
}
