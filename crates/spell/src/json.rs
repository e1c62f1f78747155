//! JSON text to a tree and back.

mod reader;
mod writer;

pub(crate) use reader::read;
pub(crate) use writer::write;
