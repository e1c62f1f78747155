//! Records on the daemon's standard error, one per line. The stream is a copy of its own, so a reader
//! who stops reading holds up this sink and nothing else that prints.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use crate::sink::{Batch, Failure, Sink};

pub(crate) struct Stderr {
    stream: File,
}

impl Stderr {
    /// # Errors
    /// The process has no standard error.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self { stream: File::from(io::stderr().as_fd().try_clone_to_owned()?) })
    }
}

impl Sink for Stderr {
    fn deliver(&mut self, batch: &Batch) -> Result<(), Failure> {
        self.stream
            .write_all(&batch.to_lines())
            .map_err(|error| Failure::passing(format!("cannot write to standard error: {}", error.kind())))
    }
}
