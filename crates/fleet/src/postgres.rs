//! Postgres: a transaction behind a lock for each ceiling. What it acknowledged is on its disk.

use faramesh_ledger_postgres::{Address, Leases, PostgresError, Row};
use faramesh_state::limits::{Of, WantOf};

use crate::{Ask, Backend, FleetError, Lessee, Terms, given, name};

pub(crate) struct Postgres {
    leases: Leases,
    place: String,
}

impl Postgres {
    pub fn at(url: &str) -> Result<Self, FleetError> {
        let address = Address::parse(url).map_err(|_| FleetError::Address)?;
        let place = address.to_string();
        Ok(Self { leases: Leases::new(address), place })
    }

    pub fn place(&self) -> &str {
        &self.place
    }
}

impl Backend for Postgres {
    fn lease(&mut self, lessee: &Lessee, ask: &Ask) -> Result<Option<Of>, FleetError> {
        let name = name(&lessee.stack, &ask.want);
        let unreachable = |error: PostgresError| FleetError::Unreachable {
            place: self.place.clone(),
            reason: match error {
                PostgresError::Unreachable { reason, .. } => reason,
                other => other.to_string(),
            },
        };
        match &ask.want.of {
            WantOf::Sum { money, calls, .. } => {
                let mut found = ((0, 0), (0, 0));
                let change = |all: Row, own: Row| {
                    let known = |share: &Option<faramesh_state::limits::Share>,
                                 all: u64,
                                 own: u64,
                                 desired: u64| match share {
                        None => (own, (0, 0)),
                        Some(share) => {
                            let terms = Terms { all, own }.corrected(share.held);
                            let given = terms.give(share, desired);
                            (terms.own.saturating_add(given), (given, terms.all.saturating_add(given)))
                        }
                    };
                    let (micros, money) = known(money, all.micros, own.micros, ask.desired);
                    let (count, calls) = known(calls, all.calls, own.calls, ask.desired_calls);
                    found = (money, calls);
                    Row { micros, calls: count }
                };
                self.leases.sum(&name, &lessee.instance, change).map_err(unreachable)?;
                Ok(given(&ask.want, found.0, found.1))
            }
            WantOf::Tokens { count, period_ms, burst } => {
                let desired = ask.desired.max(1).max(u64::from(burst.div_ceil(16)));
                let tokens =
                    self.leases.tokens(&name, (*count, *period_ms, *burst), desired).map_err(unreachable)?;
                let tokens = u32::try_from(tokens).unwrap_or(0);
                Ok((tokens > 0).then_some(Of::Tokens { tokens, period_ms: *period_ms, burst: *burst }))
            }
        }
    }
}
