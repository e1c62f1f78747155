//! `audit verify --witness`: whether a witness has seen the ledger as it is here. A folder that was brought
//! back from yesterday verifies by itself; the witness has seen more.

use std::path::Path;

use faramesh_call::{Object, object};
use faramesh_ledger::Reader;
use faramesh_verify::PublicKey;
use faramesh_witness::{AskError, Asked, Asking, Client};

use crate::failure::Failure;
use crate::history::unreadable;

/// Records that are read at once.
const BATCH: u64 = 4_096;

/// What a witness says of a ledger that verifies.
pub(super) enum Said {
    /// It has cosigned this state of it.
    Same(Object),
    /// It has seen another: `expected` and `found` of a break.
    Other {
        /// The number of the first record that cannot be as the witness saw it.
        seq: u64,
        /// What the witness has seen.
        expected: String,
        /// What is here.
        found: String,
    },
}

/// Asks the witness at `url` about the ledger in a folder.
///
/// # Errors
/// The ledger has no checkpoint, cannot be read, or the witness does not answer.
pub(super) fn ask(folder: &Path, url: &str, key: &str) -> Result<Said, Failure> {
    let key: PublicKey = read_key(key)?;
    let reader = Reader::open(folder).map_err(|error| unreadable(&error))?;
    let mut last = None;
    for checkpoint in reader.checkpoints().map_err(|error| unreadable(&error))? {
        last = Some(checkpoint.map_err(|error| unreadable(&error))?);
    }
    let Some((size, note)) = last else {
        return Err(Failure::new("the ledger has no checkpoint that a witness could know")
            .hint("`runtime { signing = \"off\" }` makes none"));
    };
    let mut asking = Asking::new(Client::new(url, key));
    // The witness says in its first answer how much it has seen; the second one is about that.
    for _ in 0..3 {
        let mut hashes = reader.hashes().map_err(|error| unreadable(&error))?;
        while asking.size() < size && asking.has_room() {
            let count = (size - asking.size()).min(BATCH);
            let taken = hashes.take(count, &mut |hash| asking.take(hash));
            if taken.map_err(|error| unreadable(&error))? < count {
                break;
            }
        }
        if asking.size() < size {
            return Err(Failure::new("the witness is more than a million records behind")
                .hint("let the daemon lead it on, and check again"));
        }
        match asking.ask(size, &note) {
            Ok(Asked::Cosigned(cosigned)) => {
                return Ok(Said::Same(
                    object! { "key" => asking.key().to_string(), "size" => cosigned.size, "url" => url },
                ));
            }
            Ok(Asked::Ahead { seen }) if seen > size => {
                return Ok(Said::Other {
                    seq: size + 1,
                    expected: format!("at least {seen} records, which {} has cosigned", asking.key().name()),
                    found: format!("checkpoints of {size} records: newer ones were taken away"),
                });
            }
            Ok(Asked::Ahead { seen }) => {
                return Ok(Said::Other {
                    seq: seen,
                    expected: format!("the {seen} records that {} has cosigned", asking.key().name()),
                    found: "other records of that number".to_owned(),
                });
            }
            Ok(Asked::Behind) => asking = asking.anew(),
            Err(AskError::Refused { status: 422, said }) => {
                return Ok(Said::Other {
                    seq: asking.seen().unwrap_or(1).max(1),
                    expected: format!("a ledger that continues what {} has cosigned", asking.key().name()),
                    found: format!("one that does not: {said}"),
                });
            }
            Err(error) => {
                return Err(Failure::new(error.to_string())
                    .hint("the ledger by itself verifies: run it without `--witness` to see that"));
            }
        }
    }
    Err(Failure::new("the witness does not say the same twice"))
}

/// A key as text, or a file with one.
fn read_key(key: &str) -> Result<PublicKey, Failure> {
    match key.parse() {
        Ok(key) => Ok(key),
        Err(_) => super::verify::read_key(Path::new(key)),
    }
}
