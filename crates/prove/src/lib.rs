//! Questions about every call that a policy may meet: is there one that this rule decides, one that is
//! permitted although a statement says no, one that a new policy permits and the old one did not. The
//! answer is a proof that there is none, an example, or a plain "this cannot be decided" with the reason.
//!
//! Runs when a policy is checked or planned, never when a call is decided. Pure.
//! INVARIANT sound: "nothing" is answered only when every value of every field was accounted for; what
//! cannot be modelled may have any outcome, so it can spoil a proof and never make one.
//! INVARIANT bounded: every search counts its steps, and says so when they run out.

mod address;
mod atom;
mod automaton;
mod condition;
mod domain;
mod example;
mod folders;
mod ground;
mod image;
mod language;
mod list;
mod lowercase;
mod numbers;
mod outcomes;
mod place;
mod question;
mod search;
mod strings;
mod table;
mod theory;
mod tools;
mod tree;
mod worlds;

pub use condition::{Condition, Operand, Policy, Rule};
pub use example::Example;
pub use question::{Answer, Decision, Limits, Prover, Question};
pub use tools::patterns_may_overlap;
