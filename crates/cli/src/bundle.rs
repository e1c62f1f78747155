//! A ledger written as a bundle, in two passes over its records: the first checks and learns
//! what the first line has to say, the second writes. What is picked is proved to be in the tree of the
//! newest checkpoint; the nodes of that tree stand in a temporary file.
//!
//! INVARIANT bounded: of records only the one in work is in memory, of the tree a few nodes.

mod cosignatures;
mod nodes;
mod shelf;
mod survey;

use std::io::Write;

use faramesh_dpr::{Record, hash_of};
use faramesh_ledger::{Filter, Held};
use faramesh_verify::{
    Header, MAX_PROGRAM_BYTES, checkpoint_line, consistency, digest_line, end_line, inclusion, policy_line,
    record_line,
};
use sha2::{Digest, Sha256};

pub use shelf::{Chain, Folder, Shelf};
pub use survey::{Survey, survey};

use crate::failure::Failure;

/// What was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Records.
    pub records: u64,
    /// Records that were asked for, and that no checkpoint covers yet.
    pub uncovered: u64,
    /// Records whose bodies are in an archive: of a complete bundle their hashes were written.
    pub archived: u64,
}

/// What a bundle is made of.
pub struct Source<'a> {
    /// The ledger.
    pub shelf: &'a dyn Shelf,
    /// Which records; all that is set in it makes a picked bundle.
    pub filter: &'a Filter,
    /// Compiled policies that are at hand, as far as their hashes go.
    pub programs: Vec<&'a [u8]>,
}

impl Source<'_> {
    fn is_complete(&self) -> bool {
        *self.filter == Filter { newest_first: self.filter.newest_first, ..Filter::default() }
    }

    /// Writes the bundle.
    ///
    /// # Errors
    /// The ledger cannot be read or is broken, nothing can be proved yet, or `out` cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> Result<Written, Failure> {
        let survey = survey(self.shelf, self.filter, !self.is_complete())?;
        let mut out = Sealed { out, hash: Sha256::new() };
        let header = Header {
            complete: self.is_complete(),
            keys: if self.is_complete() { survey.keys.clone() } else { survey.signers.clone() },
            origin: survey.origin.clone(),
            stack: survey.stack.clone(),
            witnesses: if self.is_complete() {
                survey.cosignatures.witnesses(survey.cosignatures.checkpoints().iter().map(|(_, note)| note))
            } else {
                let newest = survey.newest.iter().map(|(_, note)| note);
                survey.cosignatures.witnesses(newest.chain(survey.changes.iter().map(|(_, note)| note)))
            },
        };
        out.write(&header.line())?;
        if !self.is_complete() {
            let Some((_, newest)) = &survey.newest else { return Err(nothing_signed()) };
            out.write(&checkpoint_line(&survey.cosignatures.added_to(newest).write(), None))?;
        }
        for program in &self.programs {
            let hash = hash_of(program);
            if survey.policies.contains(&hash) && program.len() <= MAX_PROGRAM_BYTES {
                out.write(&policy_line(&hash, program))?;
            }
        }
        let written = if self.is_complete() {
            self.complete(&survey, &mut out)?
        } else {
            self.picked(&survey, &mut out)?
        };
        let sum = out.hash.clone().finalize().into();
        let end = end_line(written.records, &sum);
        out.write(&end)?;
        Ok(written)
    }

    fn complete(&self, survey: &Survey, out: &mut Sealed<'_>) -> Result<Written, Failure> {
        let (mut line, mut written) = (Vec::new(), Written::default());
        self.shelf.each(&mut |held, notes| {
            line.clear();
            let at = match &held {
                Held::Record(record) => {
                    record_line(record.seq(), &record.hash(), None, record.bytes(), &mut line);
                    written.records += 1;
                    record.seq()
                }
                Held::Digest(seq, hash) => {
                    digest_line(*seq, hash, &mut line);
                    written.archived += 1;
                    *seq
                }
            };
            out.write(&line)?;
            for note in notes {
                out.write(&checkpoint_line(&survey.cosignatures.added_to(&note).write(), None))?;
            }
            Ok(at < survey.size)
        })?;
        Ok(written)
    }

    fn picked(&self, survey: &Survey, out: &mut Sealed<'_>) -> Result<Written, Failure> {
        let (Some((size, _)), Some(nodes)) = (&survey.newest, &survey.nodes) else {
            return Err(nothing_signed());
        };
        let mut written = Written { archived: survey.archived, ..Written::default() };
        let mut left_out = survey.matched.saturating_sub(limit(self.filter));
        let mut changes = survey.changes.iter().peekable();
        let mut line = Vec::new();
        self.shelf.each(&mut |held, _| {
            // What is in an archive is not picked.
            let Held::Record(record) = held else { return Ok(true) };
            let at = record.seq();
            if at > survey.size {
                return Ok(false);
            }
            while let Some((covered, note)) = changes.next_if(|(covered, _)| *covered < at) {
                let proof = consistency(nodes, *covered, *size).map_err(|error| nodes_failed(&error))?;
                let note = survey.cosignatures.added_to(note).write();
                out.write(&checkpoint_line(&note, Some(&proof)))?;
            }
            let announces = survey.announcements.contains(&at);
            if !announces && !self.wants(&record, &mut left_out) {
                return Ok(true);
            }
            if at > *size {
                written.uncovered += u64::from(!announces);
                return Ok(true);
            }
            let proof = inclusion(nodes, at - 1, *size).map_err(|error| nodes_failed(&error))?;
            line.clear();
            record_line(at, &record.hash(), Some(&proof), record.bytes(), &mut line);
            out.write(&line)?;
            written.records += 1;
            Ok(true)
        })?;
        for (covered, note) in changes {
            let proof = consistency(nodes, *covered, *size).map_err(|error| nodes_failed(&error))?;
            let note = survey.cosignatures.added_to(note).write();
            out.write(&checkpoint_line(&note, Some(&proof)))?;
        }
        Ok(written)
    }

    /// Whether a record is asked for and among the newest that the limit lets through.
    fn wants(&self, record: &Record, left_out: &mut u64) -> bool {
        if !self.filter.matches(record) {
            return false;
        }
        let is_too_old = *left_out > 0;
        *left_out = left_out.saturating_sub(1);
        !is_too_old
    }
}

/// How many records a filter lets through at most.
fn limit(filter: &Filter) -> u64 {
    filter.limit.map_or(u64::MAX, |limit| u64::try_from(limit).unwrap_or(u64::MAX))
}

/// Output whose bytes are summed for the last line.
struct Sealed<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
}

impl Sealed<'_> {
    fn write(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.hash.update(line);
        Ok(self.out.write_all(line)?)
    }
}

fn nothing_signed() -> Failure {
    Failure::new("no signed checkpoint covers these records, so that they cannot be proved one by one")
        .hint("without filters the whole ledger is exported, which needs no proofs")
        .hint("a running daemon signs within a second, unless `signing` is off")
}

fn nodes_failed(error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot use a temporary file: {}", crate::failure::plain(error)))
        .hint("it needs 64 bytes for each record of the ledger; the variable TMPDIR names another folder")
}
