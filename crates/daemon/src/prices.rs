//! The table of prices of a policy: the bundled one, or the file that it names, read when the policy comes into force.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use faramesh_prices::{MAX_BYTES, Prices, PricesError};
use faramesh_program::Program;
use faramesh_program::image::{Provider, Setting, SettingValue, TextSource};

use crate::layout::Layout;

/// The type of the provider.
const PRICE_TABLE: &str = "price-table";

/// Why a stack's own table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("the table of prices {} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is larger than a table may be.
    #[error("the table of prices {} is larger than {MAX_BYTES} bytes", path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// The file is no table.
    #[error("{} is no table of prices: {error}; `faramesh prices --out FILE` writes one to begin with", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: PricesError,
    },
}

/// The table that counts under a policy.
///
/// # Errors
/// The policy names a file that is no table.
pub fn prices_of(program: &Program, layout: &Layout) -> Result<Prices, TableError> {
    match program.providers.iter().find(|provider| provider.kind == PRICE_TABLE).and_then(path_of) {
        Some(path) => read(layout.resolve(path)),
        None => Ok(Prices::bundled()),
    }
}

fn path_of(provider: &Provider) -> Option<&str> {
    match provider.settings.iter().find(|(key, _)| key == "path") {
        Some((_, Setting::One(SettingValue::Text(TextSource::Literal(path))))) => Some(path),
        _ => None,
    }
}

fn read(path: PathBuf) -> Result<Prices, TableError> {
    let mut bytes = Vec::new();
    let opened = File::open(&path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = opened {
        return Err(TableError::Read { path, error });
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(TableError::Large { path });
    }
    Prices::parse(&bytes).map_err(|error| TableError::Form { path, error })
}
