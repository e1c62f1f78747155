//! Opening the chain of one daemon: tables made, lock taken, every record verified and replayed, then a
//! new epoch. Only when all of that went well are records taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_dpr::{Record, RecordId};
use faramesh_ledger::{Foundation, Ledger, MAX_NAME_BYTES, OpenError, Opened, Signatures, Signing};

use crate::address::Address;
use crate::chain::{Walked, snapshot, walk};
use crate::error::PostgresError;
use crate::link::Link;
use crate::notes::Table;
use crate::reader::Reader;
use crate::schema;
use crate::writer::{Head, Writer, partitions};

/// How long a start waits for the lock of a process that has just ended.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Opens the chain of `instance` in the ledger of `stack`: verifies all of it, calls `replay` with every
/// record in order (the new epoch's first one included), and begins a new epoch.
///
/// # Errors
/// The database cannot be used, another process writes the chain, or the chain is damaged.
pub fn open(
    address: Address,
    stack: &str,
    instance: &str,
    now: Timestamp,
    replay: &mut dyn FnMut(&Record),
) -> Result<(Ledger, Opened), PostgresError> {
    open_signed(address, stack, instance, None, now, replay)
}

/// [`open`] for a chain whose records are signed: `signing` says with what, and when.
///
/// # Errors
/// As [`open`]; or none of the keys is the one in force, or a change of it cannot be signed.
pub fn open_signed(
    address: Address,
    stack: &str,
    instance: &str,
    signing: Option<Signing>,
    now: Timestamp,
    replay: &mut dyn FnMut(&Record),
) -> Result<(Ledger, Opened), PostgresError> {
    for (what, name) in [("stack", stack), ("instance", instance)] {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains('\0') {
            return Err(OpenError::Name(what).into());
        }
    }
    let place = address.to_string();
    let mut link = Link::connect(&address)?;
    schema::migrate(&mut link)?;
    take_lock(&mut link, stack, instance)?;
    partitions(&mut link, now).map_err(|failed| link.unreachable(failed.reason))?;
    let mut last_id = RecordId::default();
    let walked = link.long(async |client| {
        snapshot(client, async |client| {
            walk(client, stack, instance, &mut |record, _, _| {
                last_id = last_id.max(record.id());
                replay(record);
                Ok(())
            })
            .await
        })
        .await
    });
    let Walked { chain, signed } = walked.map_err(|stopped| stopped.at(&place))?;
    let warnings = warnings(&mut link)?;
    let head = Head { epoch: chain.epoch(), seq: chain.seq(), hash: chain.hash() };
    let shelf = Arc::new(Reader::new(address.clone(), stack, Some(instance)));
    let signatures = signing.map(|signing| {
        let notes = Box::new(Table::new(address.clone(), stack, instance));
        Signatures { signing, signed, notes }
    });
    let backend = Box::new(Writer::new(address, stack, instance, head, link));
    let (stack, instance) = (stack.to_owned(), instance.to_owned());
    let name = "postgres";
    let foundation =
        Foundation { name, place, stack, instance, chain, last_id, warnings, backend, shelf, signatures };
    Ok(Ledger::on(foundation, now, replay)?)
}

fn take_lock(link: &mut Link, stack: &str, instance: &str) -> Result<(), PostgresError> {
    let began = Instant::now();
    while !link.lock(stack, instance)? {
        if began.elapsed() >= LOCK_PATIENCE {
            return Err(PostgresError::Locked { instance: instance.to_owned() });
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    Ok(())
}

/// Settings of the server that weaken what a commit means.
fn warnings(link: &mut Link) -> Result<Vec<String>, PostgresError> {
    let query = "SELECT name FROM pg_catalog.pg_settings \
                 WHERE name = ANY (ARRAY['fsync', 'full_page_writes']) AND setting = 'off' LIMIT 1";
    let off = link.row(query, &[])?.and_then(|row| row.try_get::<_, String>(0).ok());
    Ok(off
        .map(|name| format!("the database runs with `{name} = off`: a power cut can lose records"))
        .into_iter()
        .collect())
}
