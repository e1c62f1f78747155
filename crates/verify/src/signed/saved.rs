//! The history of keys and checkpoints as it can be kept and gone on from, in one canonical value: equal
//! histories have equal bytes. Whoever goes on from it trusts it as he trusts the place that he has it from.

use faramesh_call::{Object, Timestamp, Value};
use faramesh_dpr::{Hash, read_hash};

use super::{Gap, Signed};
use crate::announcement::{Announcement, SigningMode};
use crate::checkpoint::hex;
use crate::merkle::Frontier;
use crate::summary::KeySummary;

fn number(value: &Value, key: &str) -> Option<u64> {
    u64::try_from(value.get(key)?.as_i64()?).ok()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn hash(value: &Value) -> Option<Hash> {
    read_hash(value.as_str()?.as_bytes())
}

/// A member that may be null, read by `read` when it is not.
fn perhaps<T>(value: &Value, key: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    match value.get(key)? {
        Value::Null => Some(None),
        there => read(there).map(Some),
    }
}

fn numbers(members: &[(&str, u64)]) -> Object {
    members.iter().map(|(key, number)| (*key, Value::from(*number))).collect()
}

fn key_value(held: &KeySummary) -> Value {
    let mut members = numbers(&[
        ("announced", held.announced),
        ("checkpoints", held.checkpoints),
        ("first", held.first),
        ("last", held.last),
    ]);
    members.insert("key", held.key.to_string().as_str());
    Value::Object(members)
}

fn read_key(value: &Value) -> Option<KeySummary> {
    Some(KeySummary {
        key: text(value, "key")?.parse().ok()?,
        announced: number(value, "announced")?,
        checkpoints: number(value, "checkpoints")?,
        first: number(value, "first")?,
        last: number(value, "last")?,
    })
}

impl Signed {
    /// What is to be kept to go on from here.
    #[must_use]
    pub fn save(&self) -> Value {
        // All of them are named here, or this does not compile.
        let Self {
            frontier,
            first,
            head,
            epoch,
            instance,
            origin,
            keys,
            mode,
            pending,
            checkpoints,
            last,
            gap,
            too_long,
        } = self;
        let mut members =
            numbers(&[("checkpoints", *checkpoints), ("epoch", *epoch), ("size", frontier.size())]);
        members.insert("first", hex(first));
        members.insert(
            "gap",
            gap.map(|gap| numbers(&[("epoch", gap.epoch), ("seq", gap.seq), ("since", gap.since.0)])),
        );
        members.insert("head", hex(head));
        members.insert("instance", &**instance);
        members.insert("keys", keys.iter().map(key_value).collect::<Value>());
        members.insert("last", last.map(|(size, time)| numbers(&[("size", size), ("time", time.0)])));
        members.insert("mode", mode.map(SigningMode::word));
        members.insert("origin", origin.as_str());
        members.insert(
            "pending",
            pending.as_ref().map(|(seq, announced)| {
                let mut pending = numbers(&[("seq", *seq)]);
                pending.insert("announced", announced.detail());
                pending
            }),
        );
        members.insert(
            "subtrees",
            frontier.subtrees().iter().map(|root| Value::from(hex(root))).collect::<Value>(),
        );
        members
            .insert("too_long", too_long.map(|(seq, lasted)| numbers(&[("lasted", lasted), ("seq", seq)])));
        Value::Object(members)
    }

    /// Reads what [`Signed::save`] gives.
    #[must_use]
    pub fn load(value: &Value) -> Option<Self> {
        let subtrees: Option<Vec<Hash>> = value.get("subtrees")?.as_list()?.iter().map(hash).collect();
        let keys: Option<Vec<KeySummary>> = value.get("keys")?.as_list()?.iter().map(read_key).collect();
        Some(Self {
            frontier: Frontier::from_subtrees(number(value, "size")?, subtrees?)?,
            first: hash(value.get("first")?)?,
            head: hash(value.get("head")?)?,
            epoch: number(value, "epoch")?,
            instance: text(value, "instance")?.into(),
            origin: text(value, "origin")?.to_owned(),
            keys: keys?,
            mode: perhaps(value, "mode", |mode| SigningMode::parse(mode.as_str()?))?,
            pending: perhaps(value, "pending", |pending| {
                Some((number(pending, "seq")?, Announcement::read(pending.get("announced")?)?))
            })?,
            checkpoints: number(value, "checkpoints")?,
            last: perhaps(value, "last", |last| {
                Some((number(last, "size")?, Timestamp(number(last, "time")?)))
            })?,
            gap: perhaps(value, "gap", |gap| {
                let since = Timestamp(number(gap, "since")?);
                Some(Gap { epoch: number(gap, "epoch")?, seq: number(gap, "seq")?, since })
            })?,
            too_long: perhaps(value, "too_long", |gap| Some((number(gap, "seq")?, number(gap, "lasted")?)))?,
        })
    }
}
