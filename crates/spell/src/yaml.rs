//! YAML text to a tree and back. Reading takes the part of YAML 1.2 that every reader agrees about, and
//! refuses the rest with what to write instead.

mod comments;
mod plain;
mod quoting;
mod reader;
mod writer;

pub(crate) use reader::read;
pub(crate) use writer::{slots, write};
