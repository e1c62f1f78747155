//! Three-valued truth. An unknown says why, because a wrong type is stricter than an absence.

/// Why a condition has no truth value. The number is the path that is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A field is absent.
    Absent(u32),
    /// Values of unlike types, or a value with no such operation.
    Type(Option<u32>),
    /// The evaluation reached its bound.
    Limit,
}

/// The result of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It does not hold.
    False,
    /// It holds.
    True,
    /// It can be neither.
    Unknown(Unknown),
}

impl From<bool> for Outcome {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

impl From<Unknown> for Outcome {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

impl Outcome {
    /// Kleene negation.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            unknown => unknown,
        }
    }

    /// Of two unknowns, the one that restricts more.
    pub(crate) fn stricter(self, other: Self) -> Self {
        let rank = |outcome: Self| match outcome {
            Self::Unknown(Unknown::Limit) => 3,
            Self::Unknown(Unknown::Type(_)) => 2,
            Self::Unknown(Unknown::Absent(_)) => 1,
            _ => 0,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}
