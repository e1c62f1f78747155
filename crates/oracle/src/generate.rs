//! Random policies and calls that meet each other: both draw on the same small pools of tools, names
//! and values, with what is absent, `null`, of another type, or odd mixed in.

mod call;
mod choices;
mod condition;
mod file;
mod pools;
mod rule;

pub use call::{call, now};
pub use choices::Choices;
pub use file::{environment, policy};
