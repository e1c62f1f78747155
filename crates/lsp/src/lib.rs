//! The language server: what an editor asks about a policy while it is written.
//!
//! It reads the same tree, definitions and checks as `faramesh check`, and adds places: what may be
//! written at the cursor, what a word means, where a name is declared. It leaves out how policies run.

mod capabilities;
mod completion;
mod cursor;
mod document;
mod edits;
mod findings;
mod host;
mod hover;
#[cfg(test)]
mod marked;
mod navigation;
mod outline;
mod packs;
mod positions;
mod requests;
mod rule_tail;
mod server;
mod surroundings;
mod words;

pub use host::Host;
pub use server::{ServerError, serve, serve_stdio};
