//! A second interpreter of FPL, written from the language's description and not from the engine: it
//! walks the parsed text, copies freely, indexes nothing and keeps nothing between two calls. Where the
//! engine and it disagree, one of the two is wrong.
//!
//! For tests only. It depends on the parser and on the vocabulary of calls, and must never depend on
//! `check`, `compile`, `program` or `decide`. [`generate`] makes the policies and calls to compare on.
//! It expects a policy that `check` accepts; what `check` refuses means nothing here either.

mod address;
mod clause;
mod clock;
mod condition;
mod constant;
pub mod constructs;
mod decimal;
mod equality;
pub mod generate;
mod operand;
mod path;
mod pattern;
mod policy;
mod read;
mod truth;

pub use policy::{Answer, Deciding, Policy};
pub use truth::{Truth, Unknown};
