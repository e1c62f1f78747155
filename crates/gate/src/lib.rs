//! Identify, decide, record, reply, outcome: the one place where that order is written.
