//! The vocabulary of a decision: call, value, effect, reason codes, time. Every other crate speaks
//! it. Pure data: no I/O, no clock, no randomness.

pub mod action;
pub mod call;
pub mod code;
pub mod effect;
pub mod envelope;
pub mod glob;
pub mod json;
pub mod money;
pub mod number;
pub mod path;
pub mod time;
pub mod value;

pub use action::{Action, Tier};
pub use call::{Call, Http};
pub use code::Code;
pub use effect::Effect;
pub use number::Number;
pub use time::Timestamp;
pub use value::{Object, Value};
