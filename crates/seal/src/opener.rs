//! Opens sealed values of records for an operator who may read the keys' folder.

use std::collections::BTreeMap;
use std::path::Path;

use faramesh_call::Value;

use crate::envelope::{KeyId, Sealed, SubjectKey};
use crate::keys::{Keys, KeysError};

/// Deepest value that is looked through; arguments are no deeper.
const MAX_DEPTH: usize = 128;

/// What came of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is not sealed.
    Plain,
    /// What was sealed.
    Value(Value),
    /// There is no key for it: it was erased, or is in another folder.
    Gone,
    /// It was not sealed for this call: somebody wrote or moved it.
    Forged,
}

/// The keys of a folder, to read with.
#[derive(Debug)]
pub struct Opener {
    keys: BTreeMap<KeyId, SubjectKey>,
}

impl Opener {
    /// Reads the keys of a folder; a folder that is not there has none.
    ///
    /// # Errors
    /// A key cannot be read.
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        Ok(Self { keys: Keys::all(folder)?.into_iter().map(|key| (key.id, key)).collect() })
    }

    /// Opens one text of a record whose arguments have this commitment.
    #[must_use]
    pub fn text(&self, text: &str, commitment: &str) -> Opened {
        let Some(sealed) = Sealed::parse(text) else { return Opened::Plain };
        match self.keys.get(&sealed.key) {
            None => Opened::Gone,
            Some(key) => key.open(&sealed, commitment).map_or(Opened::Forged, Opened::Value),
        }
    }

    /// Opens every sealed value in the arguments of a record, in place. Gives how many were opened and
    /// how many stay sealed.
    pub fn unseal(&self, args: &mut Value, commitment: &str) -> (usize, usize) {
        let mut counts = (0, 0);
        self.walk(args, commitment, MAX_DEPTH, &mut counts);
        counts
    }

    fn walk(&self, value: &mut Value, commitment: &str, depth: usize, counts: &mut (usize, usize)) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::String(text) => match self.text(text, commitment) {
                Opened::Plain => {}
                Opened::Value(opened) => {
                    counts.0 += 1;
                    *value = opened;
                    // A field may have been sealed within one.
                    self.walk(value, commitment, depth, counts);
                }
                Opened::Gone | Opened::Forged => counts.1 += 1,
            },
            Value::List(items) => {
                items.iter_mut().for_each(|item| self.walk(item, commitment, depth, counts))
            }
            Value::Object(object) => {
                object.iter_mut().for_each(|(_, member)| self.walk(member, commitment, depth, counts));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use faramesh_call::json;

    use super::*;

    #[test]
    fn arguments_are_opened_whole() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let ann = keys.of("ann").unwrap();
        let inner = ann.seal(&Value::from("4242"), "c").unwrap();
        let within = json::parse(format!(r#"{{"number":"{inner}"}}"#).as_bytes()).unwrap();
        let outer = ann.seal(&within, "c").unwrap();
        let moved = ann.seal(&Value::from("other"), "d").unwrap();
        let text = format!(r#"{{"card":"{outer}","list":[{{"x":"{inner}"}}],"moved":"{moved}","n":1}}"#);
        let mut args = json::parse(text.as_bytes()).unwrap();
        let opener = Opener::open(folder.path()).unwrap();
        assert_eq!(opener.unseal(&mut args, "c"), (3, 1));
        let expected =
            format!(r#"{{"card":{{"number":"4242"}},"list":[{{"x":"4242"}}],"moved":"{moved}","n":1}}"#);
        assert_eq!(json::canonical(&args), expected.into_bytes());
        assert_eq!(opener.text(&moved, "c"), Opened::Forged);
        let nothing = Opener::open(&folder.path().join("nowhere")).unwrap();
        assert_eq!(nothing.text(&inner, "c"), Opened::Gone);
    }
}
