//! Time and randomness for decisions, which are pure and get both as arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use faramesh_call::Timestamp;

/// The time, in milliseconds since 1970.
pub(crate) fn wall_clock() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

const POOL_BYTES: usize = 1024;

/// Random bits from the operating system, fetched in blocks: one call in 64 pays for the fetch.
#[derive(Debug)]
pub(crate) struct Entropy {
    pool: [u8; POOL_BYTES],
    used: usize,
}

impl Default for Entropy {
    fn default() -> Self {
        Self { pool: [0; POOL_BYTES], used: POOL_BYTES }
    }
}

impl Entropy {
    /// 128 fresh bits.
    ///
    /// # Errors
    /// The operating system gives none.
    pub(crate) fn take(&mut self) -> Result<u128, getrandom::Error> {
        if self.used >= POOL_BYTES {
            getrandom::fill(&mut self.pool)?;
            self.used = 0;
        }
        let block = self.pool.get_mut(self.used..).and_then(|rest| rest.first_chunk_mut::<16>());
        let Some(block) = block else { return Err(getrandom::Error::UNSUPPORTED) };
        self.used += 16;
        // What was handed out must not be in memory for the next one to find.
        Ok(u128::from_le_bytes(std::mem::take(block)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_fresh() {
        let mut entropy = Entropy::default();
        let mut seen: Vec<u128> = (0..1_000).map(|_| entropy.take().unwrap()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1_000);
    }
}
