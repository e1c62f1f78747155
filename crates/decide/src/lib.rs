//! One decision as a pure function: (program, call, state, now) to a verdict, its trace and the
//! changes of state that it asks for. The order of the steps is the order of this list; each step is
//! one file in `steps/`, and any of them may end the call. Steps on other blocks of the language
//! (phases, delegation) take their place here when they come.
//!
//! INVARIANT: no I/O, no clock, no randomness. The same input gives the same verdict.

mod address;
mod evaluate;
mod facts;
mod input;
mod next;
mod outcome;
mod outside;
mod read;
mod selected;
mod steps;
mod trace;
mod verdict;

pub use evaluate::{Evaluator, MAX_STEPS};
pub use input::{Input, Moment};
pub use outcome::{Outcome, Unknown};
pub use outside::Outside;
pub use selected::{Fetched, NOTHING_SELECTED, Reading, Selected, place as place_of_selector};
pub use steps::budgets::FLAT_COST_MICROS;
pub use steps::customers::{NO_PSEUDONYMS, Pseudonyms};
pub use steps::redact::{REDACTED, sealed_args};
pub use steps::sums::Sum;
pub use trace::{Trace, Tried};
pub use verdict::{ApprovalUse, Blocked, Relief, Verdict};

/// Whether the steps after this one still count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Continue,
    End,
}

/// One step of a decision.
type Step = for<'a> fn(&Input<'a>, &mut Verdict<'a>) -> Flow;

const STEPS: &[Step] = &[
    steps::control::step,
    steps::completion::step,
    steps::models::step,
    steps::sessions::step,
    steps::handovers::step,
    steps::rules::step,
    steps::rates::step,
    steps::approvals::cover,
    steps::budgets::step,
    steps::egress::step,
    steps::approvals::ask,
    steps::handovers::make,
];

/// Decides one call of a known agent.
#[must_use]
pub fn decide<'a>(input: &Input<'a>) -> Verdict<'a> {
    let mut verdict = Verdict::new(input.agent);
    for step in STEPS {
        if step(input, &mut verdict) == Flow::End {
            break;
        }
    }
    steps::control::isolate(input, &mut verdict);
    // Whatever the verdict, nothing leaves this function that a redaction names.
    steps::redact::step(input, &mut verdict);
    verdict
}
