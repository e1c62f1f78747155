//! Approvals and other state: a fold over records.
