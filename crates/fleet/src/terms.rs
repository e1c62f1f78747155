//! How much of a ceiling is given: the same sums for every backend.

use faramesh_state::limits::Share;

/// Parts of a ceiling: what a daemon leases without need is at most one.
const PARTS: u64 = 64;

/// One number of a ceiling, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What all daemons have leased.
    pub all: u64,
    /// What this one has, as the backend knows.
    pub own: u64,
}

impl Terms {
    /// What is known once a daemon has said what it holds: a backend that lost its memory learns it again.
    #[must_use]
    pub fn corrected(self, held: u64) -> Self {
        let lost = held.saturating_sub(self.own);
        Self { all: self.all.saturating_add(lost), own: self.own.saturating_add(lost) }
    }

    /// What is given to a daemon that needs some and could use more: all that it needs or nothing, and beyond that a
    /// part, the smaller the less there is, so that little is left lying in other daemons when the ceiling is near.
    #[must_use]
    pub fn give(self, share: &Share, desired: u64) -> u64 {
        let left = share.max.saturating_sub(self.all);
        if left == 0 || left < share.need {
            return 0;
        }
        let part = share.max.div_ceil(PARTS).min(left.div_ceil(4));
        share.need.max(desired.min(left)).max(part).min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_there_is() {
        let share = |need: u64, max: u64| Share { held: 0, need, max };
        for (all, need, desired, max, expected) in [
            (0, 10, 10, 6_400, 100),
            (0, 1_000, 1_000, 6_400, 1_000),
            (0, 10, 500, 6_400, 500),
            (6_390, 10, 10, 6_400, 10),
            (6_391, 10, 10, 6_400, 0),
            (6_390, 5, 500, 6_400, 10),
            (6_400, 0, 0, 6_400, 0),
            (6_398, 0, 0, 6_400, 1),
            (7_000, 0, 0, 6_400, 0),
            (0, 0, 0, 3, 1),
        ] {
            let terms = Terms { all, own: 0 };
            assert_eq!(terms.give(&share(need, max), desired), expected, "{all} {need} {desired} {max}");
        }
    }

    #[test]
    fn what_was_lost_is_learnt_again() {
        let known = Terms { all: 50, own: 20 };
        assert_eq!(known.corrected(20), known);
        assert_eq!(known.corrected(5), known, "less than is known changes nothing");
        assert_eq!(known.corrected(30), Terms { all: 60, own: 30 });
    }
}
