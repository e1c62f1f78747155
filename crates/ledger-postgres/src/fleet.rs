//! The check of a whole stack: every chain of every daemon that ever wrote to the table, with nothing
//! trusted but the records.

use faramesh_ledger::Report;
use faramesh_verify::PublicKey;
use tokio_postgres::Client;

use crate::address::Address;
use crate::chain::{Stopped, Walked, rows, snapshot, walk};
use crate::error::{PostgresError, TableDamage};
use crate::link::Link;
use crate::notes::CHECKPOINTS;
use crate::schema;

/// Records between two calls of the progress function.
const PROGRESS_RECORDS: u64 = 16_384;
/// Most chains of one stack.
const MAX_CHAINS: usize = 65_536;

/// What the ledger of a stack holds when it verifies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    /// What each daemon's chain holds, by instance.
    pub chains: Vec<(String, Report)>,
}

impl Fleet {
    /// All chains as one: counts summed; the last hash and the signatures are those of a chain that is alone.
    #[must_use]
    pub fn total(&self) -> Report {
        let mut total = Report::default();
        for (_, chain) in &self.chains {
            total.records += chain.records;
            total.epochs += chain.epochs;
            total.dev += chain.dev;
            total.first = [total.first, chain.first].into_iter().flatten().min();
            total.last = total.last.max(chain.last);
            for (policy, decisions) in &chain.policies {
                *total.policies.entry(*policy).or_default() += decisions;
            }
            for (agent, records) in &chain.agents {
                *total.agents.entry(agent.clone()).or_default() += records;
            }
        }
        if let [(_, only)] = self.chains.as_slice() {
            total.last_hash = only.last_hash;
            total.signatures = only.signatures.clone();
        }
        total
    }
}

/// The daemons of a stack that have a chain, by name.
///
/// # Errors
/// The database could not be read.
pub fn instances(address: &Address, stack: &str) -> Result<Vec<String>, PostgresError> {
    let mut link = Link::connect(address)?;
    schema::check(&mut link)?;
    let found = link.long(async |client| listed(client, stack).await);
    found.map_err(|stopped| stopped.at(&address.to_string()))
}

async fn listed(client: &Client, stack: &str) -> Result<Vec<String>, Stopped> {
    let mut instances: Vec<String> = Vec::new();
    let query = "SELECT instance FROM faramesh.batches WHERE stack = $1 \
                 UNION SELECT instance FROM faramesh.records WHERE stack = $1 \
                 UNION SELECT instance FROM faramesh.checkpoints WHERE stack = $1 ORDER BY 1";
    rows(client, query, &[&stack], &mut |row| {
        if instances.len() >= MAX_CHAINS {
            return Err(Stopped::Failed(format!("the stack has more than {MAX_CHAINS} chains")));
        }
        instances.extend(row.try_get::<_, String>(0).ok());
        Ok(())
    })
    .await?;
    Ok(instances)
}

/// Checks every chain of a stack; daemons may be writing them. `progress` is called with the number of
/// records now and then.
///
/// # Errors
/// [`PostgresError::Damage`] names the first place that is not as it was written; otherwise the
/// database could not be read.
pub fn verify(address: &Address, stack: &str, progress: &mut dyn FnMut(u64)) -> Result<Fleet, PostgresError> {
    verify_pinned(address, stack, None, progress)
}

/// [`verify`] that also demands that `pin` signed the chain that it is named after, which is there.
///
/// # Errors
/// As [`verify`]; a pin that does not hold is damage as well.
pub fn verify_pinned(
    address: &Address,
    stack: &str,
    pin: Option<&PublicKey>,
    progress: &mut dyn FnMut(u64),
) -> Result<Fleet, PostgresError> {
    let mut link = Link::connect(address)?;
    schema::check(&mut link)?;
    let checked = link.long(async |client| {
        snapshot(client, async |client| {
            let instances = listed(client, stack).await?;
            let (mut fleet, mut records, mut is_pinned) = (Fleet::default(), 0_u64, pin.is_none());
            for instance in instances {
                let mut report = Report::default();
                let walked = walk(client, stack, &instance, &mut |record, hash, _| {
                    report.add(record, hash);
                    records += 1;
                    if records.is_multiple_of(PROGRESS_RECORDS) {
                        progress(records);
                    }
                    Ok(())
                })
                .await?;
                let Walked { chain, signed } = walked;
                let pin = pin.filter(|pin| pin.name() == signed.origin());
                is_pinned |= pin.is_some();
                report.epochs = chain.epoch();
                let finished = signed.finish(pin);
                report.signatures = finished.map_err(|broken| Stopped::of(CHECKPOINTS, &instance, broken))?;
                fleet.chains.push((instance, report));
            }
            if let Some(pin) = pin.filter(|_| !is_pinned) {
                let (table, instance, seq) = (CHECKPOINTS, String::new(), 0);
                let (field, expected) = ("checkpoint.signature".to_owned(), format!("the pinned key {pin}"));
                let found = format!("no chain of {stack} that it could have signed");
                let damage = TableDamage { table, instance, seq, field, expected, found };
                return Err(Stopped::Damage(Box::new(damage)));
            }
            Ok(fleet)
        })
        .await
    });
    checked.map_err(|stopped| stopped.at(&address.to_string()))
}
