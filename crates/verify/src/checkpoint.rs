//! What is signed: how large the ledger is, the root of its tree, and its last record. The text is that
//! of C2SP `tlog-checkpoint` with four lines of our own, so that a witness of any make can cosign it.
//!
//! INVARIANT one form: a text is read only when it is the one that [`Checkpoint::text`] writes.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faramesh_call::Timestamp;
use faramesh_dpr::{Hash, read_hash, write_hash};

use crate::percent;

/// Most bytes of the text of a checkpoint.
pub const MAX_CHECKPOINT_BYTES: usize = 4_096;
const PREFIX: &str = "faramesh.dev/ledger/";

/// The name of a ledger, for checkpoints and for the keys that sign them: its stack, and the first
/// 16 digits of the hash of its first record, which tells it from every other ledger of the stack.
#[must_use]
pub fn origin(stack: &str, first_record: &Hash) -> String {
    let digits = hex(first_record);
    format!("{PREFIX}{}/{}", percent::encode(stack), digits.get(..16).unwrap_or_default())
}

pub(crate) fn hex(hash: &Hash) -> String {
    let mut out = Vec::with_capacity(64);
    write_hash(hash, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A state of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger, as [`origin`] names it.
    pub origin: String,
    /// How many records it covers: those with the numbers 1 to `size`.
    pub size: u64,
    /// The root of the tree over their hashes.
    pub root: Hash,
    /// The daemon process that wrote the last of them.
    pub instance: String,
    /// Its run.
    pub epoch: u64,
    /// When the checkpoint was made.
    pub time: Timestamp,
    /// The hash of the last record it covers.
    pub head: Hash,
}

/// Why a text is not a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint's {line} is not as it must be")]
pub struct CheckpointError {
    /// The line that is wrong.
    pub line: &'static str,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        let instance = percent::encode(&self.instance);
        // Writing to a text cannot fail.
        let _ = write!(out, "instance {instance}\nepoch {}\ntime {}\n", self.epoch, self.time);
        let _ = writeln!(out, "head {}", hex(&self.head));
        out
    }

    /// Reads the text of a checkpoint.
    ///
    /// # Errors
    /// Names the line that is not exactly as [`Checkpoint::text`] writes it.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let wrong = |line| CheckpointError { line };
        if text.len() > MAX_CHECKPOINT_BYTES {
            return Err(wrong("length"));
        }
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(wrong("end"))?.split('\n').collect();
        let [origin, size, root, instance, epoch, time, head] = lines.as_slice() else {
            return Err(wrong("number of lines"));
        };
        let (stack, digits) =
            origin.strip_prefix(PREFIX).and_then(|name| name.split_once('/')).ok_or(wrong("origin"))?;
        let is_digits =
            digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if percent::decode(stack).is_none_or(|stack| stack.is_empty()) || !is_digits {
            return Err(wrong("origin"));
        }
        let size = number(size).filter(|size| *size > 0).ok_or(wrong("size"))?;
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok());
        let instance = instance.strip_prefix("instance ").and_then(percent::decode);
        let epoch = epoch.strip_prefix("epoch ").and_then(number).ok_or(wrong("epoch"))?;
        let time = time
            .strip_prefix("time ")
            .and_then(|text| Timestamp::parse(text).filter(|time| time.to_string() == text));
        let head = head.strip_prefix("head ").and_then(|head| read_hash(head.as_bytes()));
        Ok(Self {
            origin: (*origin).to_owned(),
            size,
            root: root.ok_or(wrong("root"))?,
            instance: instance.ok_or(wrong("instance"))?,
            epoch,
            time: time.ok_or(wrong("time"))?,
            head: head.ok_or(wrong("head"))?,
        })
    }
}

/// Digits without a leading zero.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: origin("pay/ments", &[0xab; 32]),
            size: 42,
            root: [1; 32],
            instance: "host 1".to_owned(),
            epoch: 3,
            time: Timestamp(1_764_252_000_123),
            head: [2; 32],
        }
    }

    #[test]
    fn the_text_is_the_documented_one() {
        let text = "faramesh.dev/ledger/pay%2Fments/abababababababab\n42\n\
            AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\ninstance host%201\nepoch 3\n\
            time 2025-11-27T14:00:00.123Z\n\
            head 0202020202020202020202020202020202020202020202020202020202020202\n";
        assert_eq!(checkpoint().text(), text);
        assert_eq!(Checkpoint::parse(text), Ok(checkpoint()));
    }

    #[test]
    fn another_form_is_refused() {
        let text = checkpoint().text();
        for (from, to, line) in [
            ("faramesh.dev/ledger/", "faramesh.dev/log/", "origin"),
            ("%2F", "%2f", "origin"),
            ("abab\n", "ABAB\n", "origin"),
            ("pay%2Fments", "", "origin"),
            ("\n42\n", "\n042\n", "size"),
            ("\n42\n", "\n0\n", "size"),
            ("\n42\n", "\n+42\n", "size"),
            ("AQE=", "AQE", "root"),
            ("AQE=", "AQF=", "root"),
            ("instance ", "host ", "instance"),
            ("host%201", "host 1", "instance"),
            ("epoch 3", "epoch 03", "epoch"),
            (".123Z", ".123+00:00", "time"),
            (".123Z", "Z", "time"),
            ("head 02", "head 2", "head"),
            ("head", "head head", "head"),
            ("epoch 3\n", "epoch 3\nextra\n", "number of lines"),
            ("epoch 3\n", "", "number of lines"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(Checkpoint::parse(&changed), Err(CheckpointError { line }), "{from} {to}");
        }
        assert_eq!(Checkpoint::parse(text.trim_end()), Err(CheckpointError { line: "end" }));
    }
}
