//! How a ledger that is opened comes to be signed: which of the keys at hand is the one in force, what
//! the chain has to announce, and what the key in force has to sign before anything else is taken.
//!
//! INVARIANT announced: a checkpoint is made only by a key that a record names. INVARIANT signed
//! over: another key, or a change of `signing`, is in force only when the key before has signed it.

use faramesh_call::Timestamp;
use faramesh_dpr::{Draft, Kind, Record};
use faramesh_verify::{Announcement, Signed, SigningMode};

use crate::checkpointer::Checkpointer;
use crate::keeping::Log;
use crate::ledger::Ledger;
use crate::open::OpenError;
use crate::signer::{Signing, SigningError, named};

/// What signing begins with.
pub(crate) struct Begin<'a> {
    pub signing: &'a Signing,
    pub now: Timestamp,
}

impl Begin<'_> {
    /// Announces what has to be, has changes signed, and starts the checkpoints. `signed` is the ledger up
    /// to and with the first record of this epoch, `log` opens the place of the checkpoints.
    pub(crate) fn run(
        &self,
        ledger: &Ledger,
        mut signed: Signed,
        log: impl FnOnce() -> Result<Log, OpenError>,
        replay: &mut dyn FnMut(&Record),
    ) -> Result<(), OpenError> {
        let wanted = self.signing.mode.or(signed.mode()).unwrap_or(SigningMode::Checkpoint);
        let is_off = signed.mode().is_none_or(|mode| mode == SigningMode::Off) && signed.pending().is_none();
        if wanted == SigningMode::Off && is_off && self.signing.successor.is_none() {
            return Ok(());
        }
        if signed.key().is_none() {
            let signer = self.signing.signers.first().ok_or(SigningError::NoKey)?;
            let key = named(signer.as_ref(), signed.origin()).map_err(SigningError::from)?;
            let announcement = Announcement { key, replaces: None, mode: wanted };
            self.announce(ledger, &mut |record| note(&mut signed, record), replay, &announcement)?;
        }
        let log = log()?;
        let signers = self.signing.signers.iter().chain(&self.signing.successor).cloned().collect();
        let checkpointer = Checkpointer::new(wanted, signers, signed, log)?;
        if checkpointer.with_signed(|signed| signed.pending().is_some()) {
            // What an earlier run announced and did not sign comes first. It may come later when nothing
            // else changes: `require_signed` below tells.
            let _ = checkpointer.make();
        }
        if let Some(change) = self.change(&checkpointer, wanted)? {
            require_signed(&checkpointer)?;
            let follow = &mut |record: &Record| checkpointer.with_signed(|signed| note(signed, record));
            self.announce(ledger, follow, replay, &change)?;
            require_signed(&checkpointer)?;
        }
        if wanted == SigningMode::Strict {
            checkpointer.make().map_err(|reason| SigningError::Strict { reason })?;
        }
        if wanted != SigningMode::Off {
            ledger.begin_checkpoints(checkpointer);
        }
        Ok(())
    }

    /// What has to be announced: a successor of the key in force, or another way of signing.
    fn change(
        &self,
        checkpointer: &Checkpointer,
        wanted: SigningMode,
    ) -> Result<Option<Announcement>, SigningError> {
        // What is announced already counts, whether it is signed or not.
        let (current, known) = checkpointer.with_signed(|signed| match signed.pending() {
            Some((_, pending)) => (Some(pending.key.clone()), Some(pending.mode)),
            None => (signed.key().cloned(), signed.mode()),
        });
        let current = current.ok_or(SigningError::NoKey)?;
        let successor = self.signing.successor.as_ref();
        let successor = successor.map(|signer| named(signer.as_ref(), current.name())).transpose()?;
        if let Some(key) = successor.filter(|successor| *successor != current) {
            return Ok(Some(Announcement { key, replaces: Some(current), mode: wanted }));
        }
        Ok((known != Some(wanted)).then_some(Announcement { key: current, replaces: None, mode: wanted }))
    }

    fn announce(
        &self,
        ledger: &Ledger,
        follow: &mut dyn FnMut(&Record),
        replay: &mut dyn FnMut(&Record),
        announcement: &Announcement,
    ) -> Result<(), OpenError> {
        let draft = Draft::event(Kind::Lifecycle, announcement.detail());
        ledger.append_replayed(draft, self.now, &mut |record| {
            follow(record);
            replay(record);
        })
    }
}

fn note(signed: &mut Signed, record: &Record) {
    // What the ledger itself announces fits; were it otherwise, verification would tell.
    let _ = signed.record(record, &record.hash());
}

/// A change waits for the signature of the key in force.
fn require_signed(checkpointer: &Checkpointer) -> Result<(), SigningError> {
    let pending = checkpointer.with_signed(|signed| signed.pending().map(|(seq, _)| seq));
    let Some(seq) = pending else { return Ok(()) };
    checkpointer.make().map_err(|reason| SigningError::Change { seq, reason })
}
