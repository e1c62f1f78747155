//! What a decision does with a call.

use std::fmt;

/// The effect of a decision. The order is from loose to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// The call may run.
    Permit,
    /// A person decides.
    Defer,
    /// The call does not run.
    Deny,
}

impl Effect {
    /// The word in policies and records: `permit`, `defer`, `deny`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Defer => "defer",
            Self::Deny => "deny",
        }
    }

    /// The word in replies: `PERMIT`, `DEFER`, `DENY`.
    #[must_use]
    pub fn wire(self) -> &'static str {
        match self {
            Self::Permit => "PERMIT",
            Self::Defer => "DEFER",
            Self::Deny => "DENY",
        }
    }

    /// Reads [`Effect::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Permit, Self::Defer, Self::Deny].into_iter().find(|effect| effect.as_str() == word)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
