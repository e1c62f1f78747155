//! JSON values as a call carries them and a record stores them.
//!
//! INVARIANT canonical objects: keys are unique and in the order of RFC 8785 (UTF-16 code units),
//! so writing a value is a walk, and two equal values have equal bytes.

use std::cmp::Ordering;

use compact_str::CompactString;

use crate::number::Number;

/// A JSON value with exact numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An exact number.
    Number(Number),
    /// A string.
    String(Box<str>),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Object),
}

/// The members of a JSON object, unique and in canonical order. Keys of up to 24 bytes stand in
/// place: a call has many of them, and an allocation each would cost more than reading it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object(Vec<(CompactString, Value)>);

/// Two members of an object have the same key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key `{0}` appears twice")]
pub struct DuplicateKey(pub Box<str>);

impl Value {
    /// A string value.
    #[must_use]
    pub fn string(text: impl Into<Box<str>>) -> Self {
        Self::String(text.into())
    }

    /// The text, when this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number, when this is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The number as an integer, when this is one and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::to_i64)
    }

    /// The truth value, when this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The elements, when this is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The members, when this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The member `key`, when this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// The word for this value's type in messages: `string`, `number`, …
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<Box<str>> for Value {
    fn from(text: Box<str>) -> Self {
        Self::String(text)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        u64::try_from(value).unwrap_or(u64::MAX).into()
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(value.into())
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl Object {
    /// An empty object.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Sorts members into canonical order.
    ///
    /// # Errors
    /// Two members have the same key.
    pub fn from_members(mut members: Vec<(CompactString, Value)>) -> Result<Self, DuplicateKey> {
        if !members.is_sorted_by(|left, right| canonical_order(&left.0, &right.0) == Ordering::Less) {
            members.sort_by(|left, right| canonical_order(&left.0, &right.0));
            let twice = members.windows(2).find_map(|pair| match pair {
                [left, right] if same_text(&left.0, &right.0) => Some(left.0.as_str().into()),
                _ => None,
            });
            if let Some(key) = twice {
                return Err(DuplicateKey(key));
            }
        }
        Ok(Self(members))
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(member, _)| canonical_order(member, key))
    }

    /// The member `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        // Most objects of a call are small, and a scan beats a search there.
        if self.0.len() <= 12 {
            return self.0.iter().find(|(member, _)| same_text(member, key)).map(|(_, value)| value);
        }
        self.position(key).ok().and_then(|index| self.0.get(index)).map(|(_, value)| value)
    }

    /// The member `key`, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let index = self.position(key).ok()?;
        self.0.get_mut(index).map(|(_, value)| value)
    }

    /// Sets the member `key`; the value it had before is returned.
    pub fn insert(&mut self, key: impl Into<CompactString>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        match self.position(&key) {
            Ok(index) => self.0.get_mut(index).map(|(_, old)| std::mem::replace(old, value)),
            Err(index) => {
                self.0.insert(index, (key, value));
                None
            }
        }
    }

    /// Takes the member `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self.position(key).ok()?;
        Some(self.0.remove(index).1)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The members in canonical order, with values to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(key, value)| (key.as_str(), value))
    }
}

impl IntoIterator for Object {
    type Item = (CompactString, Value);
    type IntoIter = std::vec::IntoIter<(CompactString, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<CompactString>, V: Into<Value>> FromIterator<(K, V)> for Object {
    /// Later members replace earlier ones of the same key.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, value) in members {
            object.insert(key, value);
        }
        object
    }
}

/// Equality of two texts, fast for short ones: keys and words of calls are rarely longer than 16
/// bytes, and two overlapping wide reads then spare a call into the C library.
#[must_use]
#[inline]
pub fn same_text(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    match left.len() {
        8..=16 => {
            left.first_chunk::<8>() == right.first_chunk::<8>()
                && left.last_chunk::<8>() == right.last_chunk::<8>()
        }
        4..8 => {
            left.first_chunk::<4>() == right.first_chunk::<4>()
                && left.last_chunk::<4>() == right.last_chunk::<4>()
        }
        0..4 => left.iter().zip(right).all(|(left, right)| left == right),
        _ => left == right,
    }
}

/// An object from `"key" => value` pairs; a value is anything that becomes a [`Value`].
#[macro_export]
macro_rules! object {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an empty object is never changed")]
        let mut object = $crate::Object::new();
        $(object.insert($key, $value);)*
        object
    }};
}

/// The order of RFC 8785: by UTF-16 code units.
#[must_use]
pub fn canonical_order(left: &str, right: &str) -> Ordering {
    let (left_bytes, right_bytes) = (left.as_bytes(), right.as_bytes());
    let differing = left_bytes.iter().zip(right_bytes).find(|(left, right)| left != right);
    match differing {
        // UTF-8 and UTF-16 order differ only between U+E000..U+FFFF and the supplementary planes.
        Some((&(0xEE..), &(0xEE..))) => left.encode_utf16().cmp(right.encode_utf16()),
        Some((left, right)) => left.cmp(right),
        None => left_bytes.len().cmp(&right_bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_utf16() {
        // U+1F600 is a surrogate pair (D83D …), which stands before U+FB33.
        let object: Object =
            [("\u{FB33}", 1_i64), ("\u{1F600}", 2), ("b", 3), ("a", 4)].into_iter().collect();
        let keys: Vec<&str> = object.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a", "b", "\u{1F600}", "\u{FB33}"]);
    }

    #[test]
    fn equality_of_texts_is_exact() {
        for length in 0..40 {
            let text = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH".get(..length).unwrap();
            let copy = text.to_owned();
            assert!(same_text(text, &copy));
            for place in 0..length {
                let mut other = text.to_owned().into_bytes();
                other[place] = b'-';
                assert!(!same_text(text, std::str::from_utf8(&other).unwrap()), "{length} {place}");
            }
        }
        assert!(!same_text("a", "ab"));
    }

    #[test]
    fn duplicate_keys_are_refused() {
        let members = vec![("a".into(), Value::Null), ("b".into(), Value::Null), ("a".into(), Value::Null)];
        assert_eq!(Object::from_members(members), Err(DuplicateKey("a".into())));
    }
}
