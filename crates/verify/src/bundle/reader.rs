//! The check of a bundle, fed with its bytes in any portions. Every record of a complete bundle goes to
//! the [`Verifier`] that checks ledgers; records that were picked go to `selected`.
//!
//! INVARIANT in order: header, (the newest checkpoint of a picked bundle), policies, records with the
//! checkpoints between them, end, nothing.

use faramesh_dpr::{GENESIS, Hash, hash_of};
use sha2::{Digest, Sha256};

use super::cosigned::Cosigned;
use super::line::{Header, Line, MAX_LINE_BYTES, RecordLine, number_of};
use super::outcome::{BundleBreak, BundleReport};
use super::selected::Selected;
use crate::checkpoint::hex;
use crate::key::PublicKey;
use crate::note::Note;
use crate::verifier::{Break, Verifier};

/// A check of one bundle.
#[derive(Debug, Default)]
pub struct BundleVerifier {
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Lines that were taken.
    line: u64,
    /// Over every line before the one in work.
    hash: Sha256,
    header: Option<Header>,
    check: Check,
    records: u64,
    ended: bool,
    report: BundleReport,
    pin: Option<PublicKey>,
    cosigned: Cosigned,
    witness: Option<PublicKey>,
    failed: Option<BundleBreak>,
}

#[derive(Debug)]
enum Check {
    Complete(Box<Verifier>),
    Selected(Box<Selected>),
}

impl Default for Check {
    fn default() -> Self {
        Self::Complete(Box::default())
    }
}

/// A break before its line is known.
pub(super) type Found = (Option<u64>, &'static str, String, String);

/// Why a line does not fit.
pub(super) enum Wrong {
    Break(Break),
    Found(Found),
}

impl From<Break> for Wrong {
    fn from(broken: Break) -> Self {
        Self::Break(broken)
    }
}

pub(super) fn wrong<T>(
    seq: Option<u64>,
    field: &'static str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Result<T, Wrong> {
    Err(Wrong::Found((seq, field, expected.into(), found.into())))
}

impl BundleVerifier {
    /// A check that also demands that this key signed the ledger.
    #[must_use]
    pub fn pinned(pin: PublicKey) -> Self {
        Self { pin: Some(pin), ..Self::default() }
    }

    /// Also demands that this witness cosigned.
    #[must_use]
    pub fn witnessed_by(mut self, witness: PublicKey) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// The first break; every later call gives it again.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), BundleBreak> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let result = self.part(part);
            if let Err(broken) = result {
                self.failed = Some(broken.clone());
                return Err(broken);
            }
        }
        Ok(())
    }

    fn part(&mut self, part: &[u8]) -> Result<(), BundleBreak> {
        let whole = part.strip_suffix(b"\n");
        if self.partial.len() + part.len() > MAX_LINE_BYTES + 1 {
            let expected = format!("at most {MAX_LINE_BYTES} bytes");
            return Err(BundleBreak::new(self.line + 1, None, "line", &expected, "a longer line"));
        }
        match whole {
            Some(line) if self.partial.is_empty() => self.take(line),
            Some(rest) => {
                self.partial.extend_from_slice(rest);
                let line = std::mem::take(&mut self.partial);
                let taken = self.take(&line);
                self.partial = line;
                self.partial.clear();
                taken
            }
            None => {
                self.partial.extend_from_slice(part);
                Ok(())
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), BundleBreak> {
        self.line += 1;
        let line = self.line;
        self.judge(bytes).map_err(|wrong| match wrong {
            Wrong::Break(broken) => BundleBreak::of(line, &broken),
            Wrong::Found((seq, field, expected, found)) => {
                BundleBreak::new(line, seq, field, &expected, &found)
            }
        })?;
        self.hash.update(bytes);
        self.hash.update(b"\n");
        Ok(())
    }

    fn judge(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        if self.ended {
            return wrong(None, "line", "nothing behind the end", shown());
        }
        let Some(line) = Line::parse(bytes) else {
            return wrong(number_of(bytes), "line", "a line of a bundle", shown());
        };
        match (line, self.header.is_some()) {
            (Line::Header(header), false) => self.begin(header),
            (_, false) => wrong(None, "line", "the header of a bundle", shown()),
            (Line::Header(_), true) => wrong(None, "line", "one header", shown()),
            (Line::Policy { hash, program }, true) => self.policy(&hash, &program),
            (Line::Checkpoint { note, consistency }, true) => self.checkpoint(&note, consistency.as_deref()),
            (Line::Record(record), true) => self.record(&record),
            (Line::Digest { at, hash }, true) => self.digest(at, &hash),
            (Line::End { records, sha256 }, true) => self.end(records, &sha256),
        }
    }

    fn begin(&mut self, header: Header) -> Result<(), Wrong> {
        if !is_origin_of(&header.origin, &header.stack) {
            return wrong(None, "origin", format!("the name of a ledger of {}", header.stack), header.origin);
        }
        if let Some(key) = header.keys.iter().find(|key| key.name() != header.origin) {
            return wrong(None, "keys", format!("keys named {}", header.origin), key.to_string());
        }
        if header.complete {
            self.check =
                Check::Complete(Box::new(self.pin.clone().map_or_else(Verifier::default, Verifier::pinned)));
        } else {
            let Some(newest) = header.keys.last() else {
                return wrong(None, "keys", "the key that signed the checkpoint", "none");
            };
            self.check = Check::Selected(Box::new(Selected::new(&header, newest.clone())));
        }
        self.cosigned = Cosigned::new(&header)?;
        (self.report.complete, self.report.stack) = (header.complete, header.stack.clone());
        self.header = Some(header);
        Ok(())
    }

    fn policy(&mut self, hash: &Hash, program: &[u8]) -> Result<(), Wrong> {
        let is_early = matches!(&self.check, Check::Selected(selected) if selected.waits_for_checkpoint());
        let is_late = self.records > 0 || self.report.archived > 0;
        if is_late || is_early {
            return wrong(None, "line", "policies before all records", "a policy");
        }
        let found = hash_of(program);
        if found != *hash {
            return wrong(None, "policy.hash", hex(&found), hex(hash));
        }
        self.report.policy(hash, |used| used.program = true);
        Ok(())
    }

    fn checkpoint(&mut self, text: &str, consistency: Option<&[Hash]>) -> Result<(), Wrong> {
        let note = Note::parse(text.as_bytes());
        match &mut self.check {
            Check::Complete(_) if consistency.is_some() => {
                wrong(None, "line", "no consistency proof in a complete bundle", "one")
            }
            Check::Complete(verifier) => {
                let seq = Some(verifier.signed().size()).filter(|size| *size > 0);
                match note {
                    Ok(note) => {
                        let signer = verifier.signed().key().cloned();
                        let size = verifier.checkpoint(&note)?.size;
                        match signer {
                            Some(signer) => self.cosigned.checkpoint(&note, size, &signer),
                            None => Ok(()),
                        }
                    }
                    Err(error) => wrong(seq, "checkpoint", "a signed note", error.to_string()),
                }
            }
            Check::Selected(selected) => match note {
                Ok(note) => {
                    let (size, signer) = selected.checkpoint(&note, consistency)?;
                    self.cosigned.checkpoint(&note, size, &signer)
                }
                Err(error) => wrong(selected.last(), "checkpoint", "a signed note", error.to_string()),
            },
        }
    }

    fn record(&mut self, line: &RecordLine<'_>) -> Result<(), Wrong> {
        match (&self.check, &line.proof) {
            (Check::Complete(verifier), None) => {
                let next = verifier.signed().size() + 1;
                if line.at != next {
                    return wrong(Some(next), "at", next.to_string(), line.at.to_string());
                }
                self.named(line.at, &line.hash)?;
            }
            (Check::Selected(selected), Some(_)) => selected.place(line.at)?,
            (Check::Complete(_), Some(_)) => {
                return wrong(Some(line.at), "line", "no proofs in a complete bundle", "one");
            }
            (Check::Selected(_), None) => {
                return wrong(Some(line.at), "line", "a proof for each record", "none");
            }
        }
        let found = hash_of(line.bytes);
        if found != line.hash {
            return wrong(Some(line.at), "hash", hex(&line.hash), hex(&found));
        }
        let record = match &mut self.check {
            Check::Complete(verifier) => verifier.record(line.bytes)?,
            Check::Selected(selected) => selected.record(line)?,
        };
        if record.stack() != self.report.stack {
            return wrong(Some(line.at), "stack", self.report.stack.clone(), record.stack());
        }
        self.records += 1;
        self.report.add(&record);
        Ok(())
    }

    /// A record whose body is elsewhere: its hash is in the tree, and the chain goes on behind it.
    fn digest(&mut self, at: u64, hash: &Hash) -> Result<(), Wrong> {
        let Check::Complete(verifier) = &mut self.check else {
            return wrong(Some(at), "line", "records, in a bundle of picked ones", "a hash alone");
        };
        let next = verifier.signed().size() + 1;
        if at != next {
            return wrong(Some(next), "at", next.to_string(), at.to_string());
        }
        verifier.digest(hash);
        self.report.archived += 1;
        self.named(at, hash)
    }

    /// The name of the ledger is that of its first record.
    fn named(&self, at: u64, hash: &Hash) -> Result<(), Wrong> {
        let (Some(header), 1) = (&self.header, at) else { return Ok(()) };
        let expected = crate::checkpoint::origin(&header.stack, hash);
        if expected == header.origin {
            return Ok(());
        }
        wrong(Some(1), "origin", expected, header.origin.clone())
    }

    fn end(&mut self, records: u64, sha256: &Hash) -> Result<(), Wrong> {
        if records != self.records {
            return wrong(None, "end.records", self.records.to_string(), records.to_string());
        }
        let found: Hash = self.hash.clone().finalize().into();
        if found != *sha256 {
            return wrong(None, "end.sha256", hex(&found), hex(sha256));
        }
        self.report.signed = match &self.check {
            Check::Complete(verifier) => verifier.finish()?,
            Check::Selected(selected) => selected.finish(self.pin.as_ref())?,
        };
        let held = self.report.signed.keys.iter().map(|held| &held.key);
        let told = self.header.iter().flat_map(|header| &header.keys);
        if !held.eq(told) {
            let count = self.report.signed.keys.len();
            return wrong(None, "keys", format!("the {count} keys that the records announce"), "others");
        }
        self.report.witnesses = std::mem::take(&mut self.cosigned).finish(self.witness.as_ref())?;
        self.ended = true;
        Ok(())
    }

    /// The end of the file: what the bundle holds.
    ///
    /// # Errors
    /// The first break, or the file ends before its last line does.
    pub fn finish(mut self) -> Result<BundleReport, BundleBreak> {
        match self.failed.take() {
            Some(failed) => Err(failed),
            None if !self.partial.is_empty() => {
                let found = String::from_utf8_lossy(&self.partial).into_owned();
                let seq = number_of(&self.partial);
                Err(BundleBreak::new(self.line + 1, seq, "line", "a line feed at its end", &found))
            }
            None if !self.ended => {
                Err(BundleBreak::new(self.line + 1, None, "end", "the last line of a bundle", "nothing"))
            }
            None => Ok(self.report),
        }
    }
}

/// Whether a ledger of this stack can have this name; its last part is the first record's to say.
fn is_origin_of(origin: &str, stack: &str) -> bool {
    let named = crate::checkpoint::origin(stack, &GENESIS);
    let digits = origin.get(named.len().saturating_sub(16)..).unwrap_or_default();
    origin.len() == named.len()
        && origin
            .as_bytes()
            .iter()
            .zip(named.as_bytes())
            .take(named.len() - 16)
            .all(|(one, other)| one == other)
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
