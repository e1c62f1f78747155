//! Record ids that rise: within a millisecond, or while the clock stands behind, the last id plus
//! one. Randomness is taken from the system in pages, because one system call per id is dear.

use faramesh_call::Timestamp;
use faramesh_dpr::RecordId;

const PAGE_BYTES: usize = 4_096;

pub(crate) struct Ids {
    last: RecordId,
    page: Vec<u8>,
}

impl Ids {
    /// Ids above `last`.
    pub(crate) fn after(last: RecordId) -> Self {
        Self { last, page: Vec::new() }
    }

    /// The next id, or `None` when the system gives no randomness.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<RecordId> {
        let id = if now.0 > self.last.time_ms() {
            RecordId::new(now.0, self.random()?)
        } else {
            // 80 random bits full within one millisecond would carry over into the time: still above.
            RecordId(self.last.0.checked_add(1)?)
        };
        self.last = id;
        Some(id)
    }

    fn random(&mut self) -> Option<u128> {
        if self.page.len() < 16 {
            self.page.resize(PAGE_BYTES, 0);
            getrandom::fill(&mut self.page).ok()?;
        }
        let (rest, bytes) = self.page.split_last_chunk::<16>()?;
        let (random, rest) = (u128::from_le_bytes(*bytes), rest.len());
        self.page.truncate(rest);
        Some(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_when_the_clock_does_not() {
        let mut ids = Ids::after(RecordId::default());
        let times = [5, 5, 5, 3, 9, 9, 8, 10].map(Timestamp).into_iter().cycle().take(2_000);
        let made: Vec<RecordId> = times.map(|time| ids.next(time).unwrap()).collect();
        assert!(made.is_sorted_by(|left, right| left < right));
        assert_eq!(made.first().unwrap().time_ms(), 5);
        assert_eq!(ids.next(Timestamp(1 << 40)).unwrap().time_ms(), 1 << 40);
    }
}
