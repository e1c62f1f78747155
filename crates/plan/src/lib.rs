//! Two programs compared: which rules, defaults, agents and settings a new policy changes. What it
//! would have decided about recorded calls is for a later version.
//!
//! A rule's canonical text is its identity. Order counts, because the first match wins: a rule that
//! only moved is a change. Pure: programs in, a value out.

mod align;
mod compare;
mod view;

pub use compare::{Change, Changes, Policy, Setting, compare};
