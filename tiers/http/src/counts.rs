//! How many requests were answered, and how.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::strangers::{Strangers, Untold};

/// The statuses that the door answers with, by which requests are counted.
const STATUSES: [u16; 13] = [200, 202, 400, 401, 403, 404, 405, 408, 413, 415, 431, 500, 503];

/// Counts since the door opened.
#[derive(Debug, Default)]
pub struct Counts {
    by_status: [AtomicU64; STATUSES.len()],
    /// TLS handshakes that failed.
    handshakes_failed: AtomicU64,
    strangers: Untold,
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Answers by status, those that there were none of left out.
    pub by_status: Vec<(u16, u64)>,
    /// TLS handshakes that failed.
    pub handshakes_failed: u64,
}

impl Counts {
    pub(crate) fn answered(&self, status: u16) {
        let place = STATUSES.iter().position(|known| *known == status);
        if let Some(count) = place.and_then(|place| self.by_status.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A handshake failed, with what the other end offered when its address is given.
    pub(crate) fn handshake_failed(&self, stranger: Option<IpAddr>) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        if let Some(address) = stranger {
            self.strangers.handshake(address);
        }
    }

    pub(crate) fn unknown(&self, address: IpAddr) {
        self.strangers.request(address);
    }

    /// The unknown callers that came since this was last asked.
    #[must_use]
    pub fn take_strangers(&self) -> Option<Strangers> {
        self.strangers.take()
    }

    /// Has them told the next time, because they could not be.
    pub fn give_back(&self, strangers: Strangers) {
        self.strangers.give_back(strangers);
    }

    /// The counts now.
    #[must_use]
    pub fn served(&self) -> Served {
        let counts = STATUSES.iter().zip(&self.by_status);
        let by_status = counts.map(|(status, count)| (*status, count.load(Ordering::Relaxed)));
        Served {
            by_status: by_status.filter(|(_, count)| *count > 0).collect(),
            handshakes_failed: self.handshakes_failed.load(Ordering::Relaxed),
        }
    }
}
