//! `audit verify --witness`: whether a witness has seen the ledger as it is here. A folder that was brought
//! back from yesterday verifies by itself; the witness has seen more.

use std::path::Path;

use faramesh_call::{Object, object};
use faramesh_ledger::Reader;
use faramesh_verify::{Note, PublicKey};
use faramesh_witness::{AskError, Asked, Asking, AskingError, Client};

use crate::failure::Failure;
use crate::history::unreadable;

/// How often the witness may say something else than before, as a daemon asks it too.
const TRIES: u32 = 4;

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
    let mut asking = Asking::new(Client::new(url, read_key(key)?));
    let name = asking.key().name().to_owned();
    let mut tries = 0;
    loop {
        let (size, note) = newest(folder)?;
        match asking.ask(folder, size, &note) {
            Ok(Asked::Cosigned(cosigned)) if cosigned.is_first => {
                return Err(Failure::new(format!("{name} had seen nothing of this ledger until now"))
                    .hint(format!(
                        "it has seen the {size} records that are here now: what it says from the next time on counts"
                    ))
                    .hint("when it had cosigned this ledger before, it has forgotten: ask who runs it"));
            }
            Ok(Asked::Cosigned(cosigned)) if cosigned.size < size => {}
            Ok(Asked::Cosigned(cosigned)) => {
                return Ok(Said::Same(
                    object! { "key" => asking.key().to_string(), "size" => cosigned.size, "url" => url },
                ));
            }
            // The daemon may have had a newer one cosigned while this read an older one.
            Ok(Asked::Moved | Asked::Ahead { .. }) if tries < TRIES => tries += 1,
            Ok(Asked::Moved) => return Err(Failure::new("the witness does not say the same twice")),
            Ok(Asked::Ahead { seen }) => {
                return Ok(Said::Other {
                    seq: size + 1,
                    expected: format!("at least {seen} records, which {name} has cosigned"),
                    found: format!("checkpoints of {size} records: newer ones were taken away"),
                });
            }
            Ok(Asked::Forked { seen }) => {
                return Ok(Said::Other {
                    seq: seen,
                    expected: format!("a ledger that continues the {seen} records that {name} has cosigned"),
                    found: "one that does not: other records among them".to_owned(),
                });
            }
            Err(AskingError::Read(error)) => return Err(unreadable(&error)),
            Err(error @ AskingError::Ask(AskError::Refused { status: 403 | 404, .. })) => {
                return Err(Failure::new(error.to_string()).hint(
                    "whoever runs it gives it the ledger's key: `faramesh witness --trust signing.pub`",
                ));
            }
            Err(error) => {
                return Err(Failure::new(error.to_string())
                    .hint("the ledger by itself verifies: run it without `--witness` to see that"));
            }
        }
    }
}

/// The newest checkpoint in a folder.
fn newest(folder: &Path) -> Result<(u64, Note), Failure> {
    let reader = Reader::open(folder).map_err(|error| unreadable(&error))?;
    let mut last = None;
    for checkpoint in reader.checkpoints().map_err(|error| unreadable(&error))? {
        last = Some(checkpoint.map_err(|error| unreadable(&error))?);
    }
    last.ok_or_else(|| {
        Failure::new("the ledger has no checkpoint that a witness could know")
            .hint("`runtime { signing = \"off\" }` makes none")
    })
}

/// A key as text, or a file with one.
pub(super) fn read_key(key: &str) -> Result<PublicKey, Failure> {
    match key.parse() {
        Ok(key) => Ok(key),
        Err(_) => super::verify::read_key(Path::new(key)),
    }
}
