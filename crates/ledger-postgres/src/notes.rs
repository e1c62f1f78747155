//! Keeps signed checkpoints in a table of their own, over a connection of their own: whoever signs never waits
//! for a batch that is being written.

use faramesh_dpr::hash_of;
use faramesh_ledger::Notes;

use crate::address::Address;
use crate::error::told;
use crate::link::{Failed, Link, REQUEST_LIMIT};
use crate::rows::stored;

/// The table of checkpoints.
pub(crate) const CHECKPOINTS: &str = "faramesh.checkpoints";
/// A note that is there already was kept by an attempt whose end was not seen.
const INSERT: &str = "INSERT INTO faramesh.checkpoints (stack, instance, size, hash, note) \
                      VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

/// The checkpoints of one chain.
pub(crate) struct Table {
    address: Address,
    stack: String,
    instance: String,
    link: Option<Link>,
}

impl Table {
    /// They are connected to when the first is kept.
    pub(crate) fn new(address: Address, stack: &str, instance: &str) -> Self {
        Self { address, stack: stack.to_owned(), instance: instance.to_owned(), link: None }
    }

    fn insert(&self, link: &mut Link, size: u64, note: &str) -> Result<(), Failed> {
        let (stack, instance, size, hash) =
            (&self.stack, &self.instance, stored(size), hash_of(note.as_bytes()));
        link.run(REQUEST_LIMIT, async |client| {
            let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [stack, instance, &size, &hash.as_slice(), &note];
            client.execute(INSERT, &params).await.map(|_| ()).map_err(|error| Failed::new(told(&error)))
        })
    }
}

impl Notes for Table {
    fn keep(&mut self, size: u64, note: &str) -> Result<(), String> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => Link::connect(&self.address).map_err(|error| error.to_string())?,
        };
        self.insert(&mut link, size, note)
            .map_err(|failed| format!("cannot keep a checkpoint: {}", failed.reason))?;
        // After a failure the next attempt connects anew.
        self.link = Some(link);
        Ok(())
    }
}
