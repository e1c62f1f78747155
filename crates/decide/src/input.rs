//! Everything that a decision may depend on.

use faramesh_call::{Call, Timestamp};
use faramesh_program::{Agent, Program};
use faramesh_state::State;

use crate::selected::Selected;
use crate::steps::customers::Pseudonyms;

/// Time and randomness, handed in so that a decision can be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time of the decision.
    pub now: Timestamp,
    /// Fresh random bits, used to name an approval.
    pub entropy: u128,
}

/// The input of one decision.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The policy.
    pub program: &'a Program,
    /// The agent that calls, found out by the gate.
    pub agent: &'a Agent,
    /// The call.
    pub call: &'a Call,
    /// The keyed commitment to the raw arguments.
    pub commitment: &'a str,
    /// Who calls, as `uid:1000`.
    pub requester: &'a str,
    /// What the daemon remembers.
    pub state: &'a State,
    /// What was fetched from outside.
    pub selected: &'a Selected,
    /// How records name customers.
    pub pseudonyms: Pseudonyms<'a>,
    /// Time and randomness.
    pub moment: Moment,
}
