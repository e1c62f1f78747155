//! (program, call, state, now) to verdict, trace and state changes. Pure.
