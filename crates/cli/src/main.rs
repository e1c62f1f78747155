//! The `faramesh` command.
fn main() {}
