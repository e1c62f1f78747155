//! State as bytes and back, for snapshots: one form for each state, so that two states are equal exactly
//! when their bytes are. Numbers are little-endian, texts and lists stand behind their length, and what a
//! map holds stands in the order of its keys.
//!
//! Leaves out versions and checksums: whoever keeps the bytes says which release wrote them, and that they
//! are as they were written.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

use faramesh_call::{Timestamp, Value, json};
use faramesh_dpr::RecordId;

/// What a snapshot can hold.
pub(crate) trait Stored: Sized {
    /// Appends the bytes.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes from the front of the bytes what [`Stored::put`] wrote.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

/// A structure is its members, one behind the other.
macro_rules! stored {
    ($($type:ty { $($field:ident),* $(,)? })*) => {$(
        impl $crate::stored::Stored for $type {
            fn put(&self, out: &mut Vec<u8>) {
                // All of them are named here, or this does not compile.
                let Self { $($field),* } = self;
                $($crate::stored::Stored::put($field, out);)*
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::stored::Stored::take(bytes)?),* })
            }
        }
    )*};
}

/// A kind without members is its place in a list.
macro_rules! stored_kinds {
    ($($type:ty [ $($kind:path),* $(,)? ])*) => {$(
        impl $crate::stored::Stored for $type {
            fn put(&self, out: &mut Vec<u8>) {
                let all = [$($kind),*];
                let place = all.iter().position(|kind| kind == self);
                out.push(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX));
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let place = <u8 as $crate::stored::Stored>::take(bytes)?;
                [$($kind),*].get(usize::from(place)).copied()
            }
        }
    )*};
}

pub(crate) use {stored, stored_kinds};

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Stored for $type {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (number, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*number))
            }
        }
    )*};
}

numbers!(u8, u32, u64, u128);

impl Stored for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match u8::take(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Stored for [u8; 32] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (hash, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*hash)
    }
}

fn put_length(length: usize, out: &mut Vec<u8>) {
    u64::try_from(length).unwrap_or(u64::MAX).put(out);
}

/// A length, and how much room to make for so many: never more than the bytes that are there could fill.
fn take_length(bytes: &mut &[u8]) -> Option<(usize, usize)> {
    let length = usize::try_from(u64::take(bytes)?).ok()?;
    Some((length, length.min(bytes.len())))
}

pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    put_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, _) = take_length(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

pub(crate) fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take_bytes(bytes)?).ok()
}

impl Stored for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        take_text(bytes).map(Self::from)
    }
}

impl Stored for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u64::take(bytes).map(Self)
    }
}

impl Stored for RecordId {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u128::take(bytes).map(Self)
    }
}

impl Stored for Value {
    fn put(&self, out: &mut Vec<u8>) {
        let text = json::canonical(self);
        put_length(text.len(), out);
        out.extend_from_slice(&text);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        json::parse(take_bytes(bytes)?).ok()
    }
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(inner) = self {
            inner.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        if bool::take(bytes)? { T::take(bytes).map(Some) } else { Some(None) }
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        self.iter().for_each(|each| each.put(out));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (length, _) = take_length(bytes)?;
        let mut all = Self::new();
        for _ in 0..length {
            all.push(T::take(bytes)?);
        }
        Some(all)
    }
}

impl<T: Stored> Stored for VecDeque<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        self.iter().for_each(|each| each.put(out));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Vec::take(bytes).map(Self::from)
    }
}

impl<T: Stored, U: Stored> Stored for (T, U) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some((T::take(bytes)?, U::take(bytes)?))
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Vec::<(K, V)>::take(bytes).map(|all| all.into_iter().collect())
    }
}

impl<K: Stored + Ord + Hash, V: Stored, S: BuildHasher + Default> Stored for HashMap<K, V, S> {
    fn put(&self, out: &mut Vec<u8>) {
        let mut all: Vec<(&K, &V)> = self.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        put_length(all.len(), out);
        for (key, value) in all {
            key.put(out);
            value.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (length, room) = take_length(bytes)?;
        // An entry has more bytes than one, so this is far above what is needed at worst.
        let mut all = Self::with_capacity_and_hasher(room.min(1 << 17), S::default());
        for _ in 0..length {
            all.insert(K::take(bytes)?, V::take(bytes)?);
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_lies_takes_no_memory() {
        let mut bytes = Vec::new();
        u64::MAX.put(&mut bytes);
        bytes.push(0);
        assert_eq!(Vec::<u64>::take(&mut bytes.as_slice()), None);
        assert_eq!(Box::<str>::take(&mut bytes.as_slice()), None);
        assert_eq!(HashMap::<u64, u64>::take(&mut bytes.as_slice()), None);
    }
}
