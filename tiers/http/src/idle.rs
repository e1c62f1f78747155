//! Whether anything is asked on a connection of HTTP/2, whose client may keep it open without a word.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// The requests of one connection.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    begun: AtomicU64,
    in_flight: AtomicUsize,
}

/// One request, as long as it lives: one that its client takes back ends too.
#[derive(Debug)]
pub(crate) struct InFlight<'r>(&'r Requests);

impl Requests {
    pub fn begin(&self) -> InFlight<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Waits until nothing was asked for as long as `pause`, and for less than twice as long.
    pub async fn cease(&self, pause: Duration) {
        let mut before = None;
        loop {
            tokio::time::sleep(pause).await;
            let settled = self.settled();
            if settled.is_some() && settled == before {
                return;
            }
            before = settled;
        }
    }

    /// How many were begun; nothing while one is in flight.
    fn settled(&self) -> Option<u64> {
        (self.in_flight.load(Ordering::Relaxed) == 0).then(|| self.begun.load(Ordering::Relaxed))
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_between_requests_only() {
        let requests = Requests::default();
        assert_eq!(requests.settled(), Some(0));
        let (first, second) = (requests.begin(), requests.begin());
        assert_eq!(requests.settled(), None);
        drop(first);
        assert_eq!(requests.settled(), None);
        drop(second);
        assert_eq!(requests.settled(), Some(2));
    }

    #[test]
    fn it_ends_after_a_pause_and_not_before() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (requests, pause) = (Requests::default(), Duration::from_millis(40));
            let ends =
                async |bound: Duration| tokio::time::timeout(bound, requests.cease(pause)).await.is_ok();
            let asked = async {
                for _ in 0..20 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    drop(requests.begin());
                }
            };
            let busy = async {
                tokio::select! {
                    () = requests.cease(pause) => false,
                    () = asked => true,
                }
            };
            assert!(busy.await, "somebody asks again and again");
            let waits = requests.begin();
            assert!(!ends(pause * 6).await, "one request takes long");
            drop(waits);
            let begun = std::time::Instant::now();
            assert!(ends(Duration::from_secs(10)).await);
            assert!(begun.elapsed() >= pause, "{:?}", begun.elapsed());
        });
    }
}
