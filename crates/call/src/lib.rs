//! The vocabulary of a decision: call, agent, tool, value, effect, reason codes.
