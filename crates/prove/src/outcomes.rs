//! Sets of the outcomes that a condition may have, as bits, and Kleene's logic over such sets.

/// One outcome, or a set of them; never none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Outcomes(pub u8);

/// It holds.
pub(crate) const TRUE: Outcomes = Outcomes(1);
/// It does not hold.
pub(crate) const FALSE: Outcomes = Outcomes(2);
/// A field is absent.
pub(crate) const ABSENT: Outcomes = Outcomes(4);
/// Values of unlike types.
pub(crate) const MISFIT: Outcomes = Outcomes(8);
/// Any of them.
pub(crate) const ANY: Outcomes = Outcomes(15);
const NONE: Outcomes = Outcomes(0);

impl Outcomes {
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    fn when(self, condition: bool) -> Self {
        if condition { self } else { NONE }
    }

    pub fn negated(self) -> Self {
        let unknown = self.without(TRUE.with(FALSE));
        unknown.with(TRUE.when(self.meets(FALSE))).with(FALSE.when(self.meets(TRUE)))
    }

    /// What `and` may come to: false wins, then a misfit, then an absence.
    pub fn all(parts: impl Iterator<Item = Self>) -> Self {
        Self::joined(parts, TRUE, FALSE)
    }

    /// What `or` may come to: true wins, then a misfit, then an absence.
    pub fn any(parts: impl Iterator<Item = Self>) -> Self {
        Self::joined(parts, FALSE, TRUE)
    }

    fn joined(parts: impl Iterator<Item = Self>, neutral: Self, deciding: Self) -> Self {
        parts.fold(neutral, |before, part| {
            let either = |outcome: Self| before.meets(outcome) || part.meets(outcome);
            let open = |side: Self| side.meets(neutral) || side.meets(ABSENT);
            let misfit = before.meets(MISFIT) && (open(part) || part.meets(MISFIT))
                || part.meets(MISFIT) && open(before);
            let absent = before.meets(ABSENT) && open(part) || part.meets(ABSENT) && open(before);
            deciding
                .when(either(deciding))
                .with(neutral.when(before.meets(neutral) && part.meets(neutral)))
                .with(MISFIT.when(misfit))
                .with(ABSENT.when(absent))
        })
    }
}

impl From<bool> for Outcomes {
    fn from(value: bool) -> Self {
        if value { TRUE } else { FALSE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: [Outcomes; 4] = [TRUE, FALSE, ABSENT, MISFIT];

    /// `and` of two single outcomes, said as the language says it.
    fn and(left: Outcomes, right: Outcomes) -> Outcomes {
        for winner in [FALSE, MISFIT, ABSENT] {
            if left == winner || right == winner {
                return winner;
            }
        }
        TRUE
    }

    #[test]
    fn sets_hold_exactly_what_their_members_come_to() {
        for left in 1..16_u8 {
            for right in 1..16_u8 {
                let mut expected = NONE;
                for one in EACH.into_iter().filter(|one| Outcomes(left).meets(*one)) {
                    for other in EACH.into_iter().filter(|other| Outcomes(right).meets(*other)) {
                        expected = expected.with(and(one, other));
                    }
                }
                let (left, right) = (Outcomes(left), Outcomes(right));
                assert_eq!(Outcomes::all([left, right].into_iter()), expected, "{left:?} {right:?}");
                let dual = Outcomes::any([left.negated(), right.negated()].into_iter()).negated();
                assert_eq!(dual, expected);
            }
        }
        assert_eq!(Outcomes::all(std::iter::empty()), TRUE);
        assert_eq!(Outcomes::any(std::iter::empty()), FALSE);
    }
}
