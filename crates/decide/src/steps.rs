//! The steps of a decision, one file each, all with one signature.

pub(crate) mod approvals;
pub(crate) mod budgets;
pub(crate) mod completion;
pub(crate) mod control;
pub(crate) mod customers;
pub(crate) mod egress;
pub(crate) mod facts;
pub(crate) mod handovers;
pub(crate) mod models;
pub(crate) mod phases;
pub(crate) mod rates;
pub(crate) mod redact;
pub(crate) mod rules;
pub(crate) mod sessions;
pub(crate) mod sums;
