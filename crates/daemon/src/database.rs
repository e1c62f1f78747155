//! Where the ledger's database is: in the policy, or in the environment variable that it names.
//!
//! INVARIANT secret: an address is read when it is needed and shown only without its password.

use faramesh_ledger_postgres::{Address, AddressError};
use faramesh_program::image::{LedgerBackend, Runtime, TextSource};

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// The environment variable is not set.
    #[error("the address of the ledger's database is in the environment variable {0}, which is not set")]
    NotSet(String),
    /// The policy names no address.
    #[error("the policy keeps the ledger in Postgres and names no `postgres_url`")]
    Missing,
    /// It cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// The address of the database that a stack's ledger is kept in; `None` when it is kept in files.
///
/// # Errors
/// The policy asks for a database, and there is no usable address.
pub fn database_of(runtime: &Runtime) -> Result<Option<Address>, DatabaseError> {
    if runtime.backend != LedgerBackend::Postgres {
        return Ok(None);
    }
    let url = match runtime.postgres_url.as_ref().ok_or(DatabaseError::Missing)? {
        TextSource::Literal(url) => url.clone(),
        TextSource::Environment { name, default } => {
            let set = std::env::var(name).ok().filter(|url| !url.is_empty());
            set.or_else(|| default.clone()).ok_or_else(|| DatabaseError::NotSet(name.clone()))?
        }
    };
    Ok(Some(Address::parse(&url)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_from_the_policy_or_the_environment() {
        let of =
            |backend, source| database_of(&Runtime { backend, postgres_url: source, ..Runtime::default() });
        let literal = |url: &str| Some(TextSource::Literal(url.to_owned()));
        let shown = |found: Result<Option<Address>, DatabaseError>| found.unwrap().unwrap().to_string();
        assert_eq!(of(LedgerBackend::Sqlite, literal("postgres://db/x")).unwrap().map(|_| ()), None);
        assert_eq!(shown(of(LedgerBackend::Postgres, literal("postgres://db/x"))), "postgres://db:5432/x");
        let name = "FARAMESH_TEST_OF_A_VARIABLE_THAT_IS_NOT_SET".to_owned();
        let source = |default: Option<&str>| {
            Some(TextSource::Environment { name: name.clone(), default: default.map(str::to_owned) })
        };
        let absent = of(LedgerBackend::Postgres, source(None)).unwrap_err();
        assert_eq!(absent, DatabaseError::NotSet(name.clone()));
        assert_eq!(shown(of(LedgerBackend::Postgres, source(Some("postgres://a/x")))), "postgres://a:5432/x");
        assert_eq!(of(LedgerBackend::Postgres, None).unwrap_err(), DatabaseError::Missing);
    }
}
