//! Three-valued truth. An unknown says why, because a wrong type is stricter than an absence.

use faramesh_program::image::WithoutValue;

/// Why a condition has no truth value. The number is the path that is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A field is absent.
    Absent(u32),
    /// Values of unlike types, or a value with no such operation.
    Type(Option<u32>),
    /// The value of a selector, which this operand reads, cannot be had.
    Missing {
        /// The operand.
        operand: u32,
        /// What the policy makes of the call then.
        then: WithoutValue,
    },
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

impl Unknown {
    /// Of two reasons why a whole is unknown that needs both of its parts, the one that restricts more; the first, when
    /// they are alike. A value that cannot be had counts least: with it, the whole would be unknown all the same.
    pub(crate) fn stricter(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Missing { then: WithoutValue::Unknown, .. } => 0,
            Self::Missing { then: WithoutValue::Defer, .. } => 1,
            Self::Missing { then: WithoutValue::Deny, .. } => 2,
            Self::Absent(_) => 3,
            Self::Type(_) => 4,
            Self::Limit => 5,
        }
    }

    /// The same for a whole that any of its parts decides: with the value that cannot be had, it might be true.
    fn rank_of_any(self) -> u8 {
        match self {
            Self::Absent(_) => 0,
            Self::Missing { then: WithoutValue::Unknown, .. } => 1,
            Self::Missing { then: WithoutValue::Defer, .. } => 2,
            Self::Type(_) => 3,
            Self::Missing { then: WithoutValue::Deny, .. } => 4,
            Self::Limit => 5,
        }
    }
}

/// Both values of an operator. Of two unknowns the stricter one counts, whichever stands first.
pub(crate) fn both<L, R>(left: Result<L, Unknown>, right: Result<R, Unknown>) -> Result<(L, R), Unknown> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(left), Err(right)) => Err(left.stricter(right)),
        (Err(why), Ok(_)) | (Ok(_), Err(why)) => Err(why),
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

    /// Of two parts of a whole, the unknown one that restricts more; `any` says that one true part decides the whole.
    pub(crate) fn stricter(self, other: Self, any: bool) -> Self {
        let rank = |outcome: Self| match outcome {
            Self::Unknown(why) if any => why.rank_of_any() + 1,
            Self::Unknown(why) => why.rank() + 1,
            _ => 0,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}
