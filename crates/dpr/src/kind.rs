//! What a record is about.

use std::fmt;

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// A call was decided.
    #[default]
    Decision,
    /// A permitted call ended.
    Outcome,
    /// A person answered, or an approval expired.
    Approval,
    /// A standing grant was made, used up or revoked.
    Grant,
    /// A policy was put into force.
    Policy,
    /// The daemon or its ledger started, stopped or recovered.
    Lifecycle,
    /// An agent was killed, isolated, quiesced or resumed.
    Emergency,
    /// A credential was leased or revoked.
    Credential,
    /// A subject's key was erased.
    Erasure,
}

impl Kind {
    /// Every kind; the position of a kind is [`Kind::number`].
    pub const ALL: [Self; 9] = [
        Self::Decision,
        Self::Outcome,
        Self::Approval,
        Self::Grant,
        Self::Policy,
        Self::Lifecycle,
        Self::Emergency,
        Self::Credential,
        Self::Erasure,
    ];

    /// The word in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Outcome => "outcome",
            Self::Approval => "approval",
            Self::Grant => "grant",
            Self::Policy => "policy",
            Self::Lifecycle => "lifecycle",
            Self::Emergency => "emergency",
            Self::Credential => "credential",
            Self::Erasure => "erasure",
        }
    }

    /// Reads [`Kind::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// A small number for frames and indexes, from 0.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Decision => 0,
            Self::Outcome => 1,
            Self::Approval => 2,
            Self::Grant => 3,
            Self::Policy => 4,
            Self::Lifecycle => 5,
            Self::Emergency => 6,
            Self::Credential => 7,
            Self::Erasure => 8,
        }
    }

    /// Reads [`Kind::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_come_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(Kind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(Kind::parse("Decision"), None);
        assert_eq!(Kind::from_number(9), None);
    }
}
