//! The Unix socket tier: newline-delimited JSON-RPC to calls and back.
