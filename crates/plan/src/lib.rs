//! Two programs compared: which rules, defaults, agents and settings a new policy changes, and which calls
//! get another effect. Claims about one program are proved here too.
//!
//! A rule's canonical text is its identity. Order counts, because the first match wins: a rule that
//! only moved is a change. Pure: programs in, a value out.

mod align;
mod blocks;
mod claim;
mod compare;
mod engine;
mod providers;
mod semantic;
mod settings;
mod view;

pub use claim::{Claim, Proof, prove};
pub use compare::{Change, Changes, Policy, Setting, compare};
pub use engine::{Decided, Engine, example_value};
pub use semantic::{Open, Semantic, Transition, semantic};
