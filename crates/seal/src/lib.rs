//! Sealed fields: values of a record encrypted under a key of the person they are about, so that the
//! end of that key is the end of the values, while every byte of the record stays as it was.
//!
//! By topic: `envelope` is how a sealed value stands in a record, `keys` keeps one key per person in a
//! folder and ends it, `opener` reads sealed values for an operator.
//! Leaves out who the person is, and which fields are theirs. INVARIANT keys first: a key is on disk,
//! synced, before anything is sealed with it. INVARIANT silent: no key and no person is in an error.

mod envelope;
mod keys;
mod opener;

pub use envelope::{KeyId, SubjectKey, is_sealed};
pub use keys::{Erased, Keys, KeysError};
pub use opener::{Opened, Opener};
