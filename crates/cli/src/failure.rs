//! Why a command could not do its work, and which command to run next.

use std::fmt;
use std::io;
use std::path::Path;

use crate::exit::Exit;

/// What went wrong, for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Told with its remedies.
    #[error("{0}")]
    Told(Box<Told>),
    /// Whoever read the output went away, which is not an error.
    #[error("the reader of the output went away")]
    OutputClosed,
}

/// A message with its remedies.
#[derive(Debug)]
pub struct Told {
    /// What is wrong, in lower case, the user's text in backticks.
    pub message: String,
    /// What to do about it, one line each.
    pub hints: Vec<String>,
    /// How the command ends.
    pub exit: Exit,
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Failure {
    /// The command failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self::with(Exit::Failed, message)
    }

    /// The command line cannot be carried out as it is.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::with(Exit::Usage, message)
    }

    /// A failure with its own exit code.
    pub fn with(exit: Exit, message: impl Into<String>) -> Self {
        Self::Told(Box::new(Told { message: message.into(), hints: Vec::new(), exit }))
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told(told) = &mut self {
            told.hints.push(hint.into());
        }
        self
    }

    /// A file that cannot be read, written or made.
    pub fn file(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot {what} `{}`: {}", path.display(), plain(error)))
    }
}

/// What the system says, without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let cut = text.find(" (os error").unwrap_or(text.len());
    text.get(..cut).unwrap_or(&text).to_lowercase()
}

impl From<io::Error> for Failure {
    /// Only for writing to standard output; files are told with [`Failure::file`].
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::new(format!("cannot write the output: {}", plain(&error)))
    }
}
