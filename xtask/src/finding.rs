//! What a check has to say: where, what is wrong, and what to do about it.

use std::fmt;

/// Whether a finding stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run fails.
    Error,
    /// The run goes on.
    Warning,
}

/// One breach of a house rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it stops the run.
    pub severity: Severity,
    /// The file, relative to the root of the repository.
    pub file: String,
    /// The line, counted from 1, where there is one.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    /// A breach that stops the run.
    pub fn error(file: &str, line: Option<usize>, what: String, remedy: &str) -> Self {
        Self { severity: Severity::Error, file: file.to_owned(), line, what, remedy: remedy.to_owned() }
    }

    /// A breach that is only told.
    pub fn warning(file: &str, line: Option<usize>, what: String, remedy: &str) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, line, what, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(out, "{severity}: {}", self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        write!(out, ": {}\n  help: {}", self.what, self.remedy)
    }
}
