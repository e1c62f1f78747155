//! Where choices come from: a seed, or the bytes of a fuzzer.

/// A source of choices. Bytes that have run out give the first choice each time.
#[derive(Debug)]
pub struct Choices<'b> {
    bytes: Option<std::slice::Iter<'b, u8>>,
    state: u64,
}

impl<'b> Choices<'b> {
    /// Choices that a seed determines.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { bytes: None, state: seed }
    }

    /// Choices that bytes determine.
    #[must_use]
    pub fn from_bytes(bytes: &'b [u8]) -> Self {
        Self { bytes: Some(bytes.iter()), state: 0 }
    }

    /// The next 64 bits (splitmix64), or the next two bytes.
    fn next(&mut self) -> u64 {
        if let Some(bytes) = &mut self.bytes {
            let (high, low) = (bytes.next().copied().unwrap_or(0), bytes.next().copied().unwrap_or(0));
            return u64::from(high) | u64::from(low) << 8;
        }
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, or zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// True in so many cases of a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) >= 100 - chance
    }

    /// One of the items.
    ///
    /// # Panics
    /// There is none.
    #[expect(clippy::expect_used, reason = "every pool is a constant with something in it")]
    pub fn pick<'p, T: ?Sized>(&mut self, items: &[&'p T]) -> &'p T {
        items.get(self.below(items.len())).copied().expect("a pool is never empty")
    }

    /// One of the items, each so often as its weight says.
    ///
    /// # Panics
    /// There is none.
    #[expect(clippy::expect_used, reason = "every pool is a constant with something in it")]
    pub fn weighted<T: Copy>(&mut self, items: &[(usize, T)]) -> T {
        let mut at = self.below(items.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in items {
            if at < *weight {
                return *item;
            }
            at -= weight;
        }
        items.last().map(|(_, item)| *item).expect("a pool is never empty")
    }
}
