//! Lifecycle, wiring, hot swap and the operators' API.
