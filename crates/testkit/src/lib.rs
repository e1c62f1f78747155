//! What tests share: a disk that fails on purpose, a disk that forgets what was not synced, a source
//! of numbers that a seed repeats, and drafts of records. For tests only; no crate ships it.

pub mod drafts;
pub mod fault;
pub mod forget;
pub mod seed;

pub use drafts::{decision, policy, policy_hash};
pub use fault::{Fault, FaultyDisk, Operation, Times};
pub use forget::ForgetfulDisk;
pub use seed::Seed;
