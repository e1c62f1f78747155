//! Callers that nobody knows, counted until the daemon records them together.
//!
//! INVARIANT bounded: a few addresses are kept however many there are, so what is recorded of a minute has one size
//! for one caller and for a million.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Most addresses that are told apart; a network that tries each of its own is told as one number.
const MAX_ADDRESSES: usize = 8;

/// What unknown callers did since it was last told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strangers {
    /// Requests that were answered with 401.
    pub requests: u64,
    /// Handshakes that failed: with client certificates, those that no authority signed.
    pub handshakes: u64,
    /// How often each of the first addresses came.
    pub addresses: Vec<(IpAddr, u64)>,
    /// How often further addresses came.
    pub elsewhere: u64,
}

impl Strangers {
    fn came(&mut self, address: IpAddr, times: u64) {
        if let Some((_, count)) = self.addresses.iter_mut().find(|(known, _)| *known == address) {
            *count = count.saturating_add(times);
        } else if self.addresses.len() < MAX_ADDRESSES {
            self.addresses.push((address, times));
        } else {
            self.elsewhere = self.elsewhere.saturating_add(times);
        }
    }

    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.handshakes = self.handshakes.saturating_add(other.handshakes);
        for (address, times) in other.addresses {
            self.came(address, times);
        }
        self.elsewhere = self.elsewhere.saturating_add(other.elsewhere);
    }
}

/// The callers that were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Untold(Mutex<Strangers>);

impl Untold {
    pub fn request(&self, address: IpAddr) {
        self.with(|strangers| {
            strangers.requests = strangers.requests.saturating_add(1);
            strangers.came(address.to_canonical(), 1);
        });
    }

    pub fn handshake(&self, address: IpAddr) {
        self.with(|strangers| {
            strangers.handshakes = strangers.handshakes.saturating_add(1);
            strangers.came(address.to_canonical(), 1);
        });
    }

    pub fn take(&self) -> Option<Strangers> {
        let taken = self.with(std::mem::take);
        (taken != Strangers::default()).then_some(taken)
    }

    pub fn give_back(&self, strangers: Strangers) {
        self.with(|kept| kept.add(strangers));
    }

    fn with<T>(&self, change: impl FnOnce(&mut Strangers) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn many_addresses_are_a_few_and_a_number() {
        let untold = Untold::default();
        assert_eq!(untold.take(), None);
        for round in 0..3 {
            for last in 0..=255 {
                untold.request(address(last));
            }
            untold.handshake(address(round));
        }
        // The same caller in the clothes of the other protocol.
        untold.request("::ffff:192.0.2.0".parse().unwrap());
        let told = untold.take().unwrap();
        assert_eq!((told.requests, told.handshakes), (769, 3));
        assert_eq!(told.addresses.len(), MAX_ADDRESSES);
        assert_eq!(told.addresses[0], (address(0), 5));
        assert_eq!(told.addresses[7], (address(7), 3));
        assert_eq!(told.elsewhere, 3 * 248);
        assert_eq!(untold.take(), None);
    }

    #[test]
    fn what_could_not_be_told_is_told_later() {
        let untold = Untold::default();
        untold.request(address(1));
        let taken = untold.take().unwrap();
        untold.request(address(1));
        untold.handshake(address(2));
        untold.give_back(taken);
        let told = untold.take().unwrap();
        assert_eq!((told.requests, told.handshakes, told.elsewhere), (2, 1, 0));
        assert_eq!(told.addresses, [(address(1), 2), (address(2), 1)]);
    }
}
