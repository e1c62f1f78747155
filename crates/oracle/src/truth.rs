//! Three-valued truth as plain tables. Of two unknowns the stricter one is kept, because a type error
//! restricts more than an absence.

/// Why something has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// A field is not there.
    Absent,
    /// Values of unlike types, or a value on which an operator or method has no meaning.
    Type,
}

/// The value of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It can be neither.
    Unknown(Unknown),
}

use Truth::{False, True};

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { True } else { False }
    }
}

impl Truth {
    /// Kleene's negation.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            True => False,
            False => True,
            Self::Unknown(why) => Self::Unknown(why),
        }
    }

    /// Kleene's conjunction.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (False, _) | (_, False) => False,
            (True, True) => True,
            (True, Self::Unknown(why)) | (Self::Unknown(why), True) => Self::Unknown(why),
            (Self::Unknown(left), Self::Unknown(right)) => Self::Unknown(left.max(right)),
        }
    }

    /// Kleene's disjunction.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (True, _) | (_, True) => True,
            (False, False) => False,
            (False, Self::Unknown(why)) | (Self::Unknown(why), False) => Self::Unknown(why),
            (Self::Unknown(left), Self::Unknown(right)) => Self::Unknown(left.max(right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kleene() {
        let absent = Truth::Unknown(Unknown::Absent);
        let wrong = Truth::Unknown(Unknown::Type);
        for (left, right, and, or) in [
            (True, True, True, True),
            (True, False, False, True),
            (False, False, False, False),
            (True, absent, absent, True),
            (False, absent, False, absent),
            (absent, wrong, wrong, wrong),
            (absent, absent, absent, absent),
            (False, wrong, False, wrong),
        ] {
            assert_eq!((left.and(right), left.or(right)), (and, or), "{left:?} {right:?}");
            assert_eq!((right.and(left), right.or(left)), (and, or), "{right:?} {left:?}");
        }
        assert_eq!((True.negated(), False.negated(), wrong.negated()), (False, True, wrong));
    }
}
