//! Checkpoints while records are taken: fed with the hash of each kept record, it signs the tree and
//! keeps the signature (`keeping`), at most once a second, and once at the end. When every reply must
//! be signed, the commit waits for it.
//!
//! INVARIANT never in the way: without `strict`, a signer or a place that fails stops nothing; it is
//! tried again, more and more rarely, and `status` tells. INVARIANT checked: a signature that does
//! not fit the key in force is never written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use faramesh_call::{Effect, Timestamp};
use faramesh_dpr::Hash;
use faramesh_verify::{Note, NoteSignature, PublicKey, Signed, SigningMode};

use crate::commit::{Shared, locked};
use crate::keeping::Log;
use crate::receipt::Unavailable;
use crate::signer::{Signer, SigningError, named};

/// How far apart checkpoints are, and the first pause after a failure.
const PACE: Duration = Duration::from_secs(1);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// How the checkpoints of a ledger stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointStatus {
    /// When they are made.
    pub mode: SigningMode,
    /// The key that signs them.
    pub key: PublicKey,
    /// Records that the last one covers; 0 before the first.
    pub size: u64,
    /// When the last one was made.
    pub time: Option<Timestamp>,
    /// Kept records that none covers yet.
    pub lag: u64,
    /// Why the last attempt failed, until one goes well.
    pub error: Option<String>,
}

struct Failure {
    reason: String,
    count: u32,
    not_before: Instant,
}

struct Work {
    signed: Signed,
    time: Option<Timestamp>,
    /// The last checkpoint that this process made, as it is stored.
    last: Option<(u64, Note)>,
    failure: Option<Failure>,
    /// The key in force.
    key: PublicKey,
    signer: Arc<dyn Signer>,
}

/// Makes checkpoints of one ledger.
pub(crate) struct Checkpointer {
    mode: SigningMode,
    signers: Vec<Arc<dyn Signer>>,
    work: Mutex<Work>,
    /// Held while a checkpoint is made: one at a time.
    log: Mutex<Log>,
    stopping: (Mutex<bool>, Condvar),
}

/// The time, in milliseconds since 1970.
fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

impl Checkpointer {
    /// Checkpoints by the key in force.
    ///
    /// # Errors
    /// Its private key is not among the signers.
    pub(crate) fn new(
        mode: SigningMode,
        signers: Vec<Arc<dyn Signer>>,
        signed: Signed,
        log: Log,
    ) -> Result<Self, SigningError> {
        let Some(key) = signed.key().cloned() else { return Err(SigningError::NoKey) };
        let signer = signer_of(&signers, &key)?;
        let work = Work { time: signed.summary().last, last: None, signed, failure: None, key, signer };
        let stopping = (Mutex::new(false), Condvar::new());
        Ok(Self { mode, signers, work: Mutex::new(work), log: Mutex::new(log), stopping })
    }

    fn is_strict(&self) -> bool {
        self.mode == SigningMode::Strict
    }

    /// Takes the hashes of records that are kept. When every reply must be signed, an error means
    /// that these are not.
    pub(crate) fn kept<'a>(&self, hashes: impl Iterator<Item = &'a Hash>) -> Result<(), Unavailable> {
        {
            let mut work = locked(&self.work);
            hashes.for_each(|hash| work.signed.follow(hash));
            if !self.is_strict() {
                return Ok(());
            }
            if let Some(failure) = work.failure.as_ref().filter(|failure| Instant::now() < failure.not_before)
            {
                return Err(unsigned(&failure.reason));
            }
        }
        self.make().map_err(|reason| unsigned(&reason))
    }

    /// Why a record of this effect is not taken now: a permit that could not be signed.
    pub(crate) fn refuses(&self, effect: Option<Effect>) -> Option<Unavailable> {
        if !self.is_strict() || effect != Some(Effect::Permit) {
            return None;
        }
        locked(&self.work).failure.as_ref().map(|failure| unsigned(&failure.reason))
    }

    /// Makes a checkpoint of everything that is kept, unless there is one.
    pub(crate) fn make(&self) -> Result<(), String> {
        let done = self.attempt();
        let mut work = locked(&self.work);
        match &done {
            Ok(()) => work.failure = None,
            Err(reason) => {
                let count = work.failure.as_ref().map_or(0, |failure| failure.count.saturating_add(1));
                let pause = PACE.saturating_mul(1 << count.min(5)).min(MAX_PAUSE);
                let not_before = Instant::now() + pause;
                work.failure = Some(Failure { reason: reason.clone(), count, not_before });
            }
        }
        done
    }

    fn attempt(&self) -> Result<(), String> {
        let mut log = locked(&self.log);
        self.settle(&mut log)?;
        let (checkpoint, key, signer) = {
            let mut work = locked(&self.work);
            if work.signed.covered() >= work.signed.size() {
                return Ok(());
            }
            // The last checkpoint may have put another key in force.
            if let Some(key) = work.signed.key().filter(|key| **key != work.key).cloned() {
                work.signer = signer_of(&self.signers, &key).map_err(|error| error.to_string())?;
                work.key = key;
            }
            (work.signed.state(now()), work.key.clone(), Arc::clone(&work.signer))
        };
        let text = checkpoint.text();
        // A signer that panics must not end the thread that commits.
        let signature = catch_unwind(AssertUnwindSafe(|| signer.sign(text.as_bytes())))
            .map_err(|_| "the signer failed".to_owned())?
            .map_err(|error| error.to_string())?;
        let note = Note { text, signatures: vec![NoteSignature::new(&key, signature)] };
        note.verify(&key).map_err(|error| format!("the signer does not sign as {key}: {error}"))?;
        let size = checkpoint.size;
        log.append(checkpoint, &note);
        self.settle(&mut log)?;
        locked(&self.work).last = Some((size, note));
        Ok(())
    }

    /// The last checkpoint that this process made, and how many records it covers.
    pub(crate) fn last(&self) -> Option<(u64, Note)> {
        locked(&self.work).last.clone()
    }

    /// Keeps what waits for that, and takes it as made once it is kept.
    fn settle(&self, log: &mut Log) -> Result<(), String> {
        let kept = log.settle()?;
        if let Some(checkpoint) = kept {
            let mut work = locked(&self.work);
            work.signed.accept(&checkpoint);
            work.time = Some(checkpoint.time);
        }
        Ok(())
    }

    /// The last checkpoint, once nothing more is taken.
    pub(crate) fn finish(&self) {
        // What fails here is made good when the ledger is opened again.
        let _ = self.make();
    }

    pub(crate) fn stop(&self) {
        *locked(&self.stopping.0) = true;
        self.stopping.1.notify_all();
    }

    /// Keys and checkpoints so far; for opening, while no record is taken.
    pub(crate) fn with_signed<T>(&self, work: impl FnOnce(&mut Signed) -> T) -> T {
        work(&mut locked(&self.work).signed)
    }

    pub(crate) fn status(&self) -> CheckpointStatus {
        let work = locked(&self.work);
        let (size, covered) = (work.signed.size(), work.signed.covered());
        CheckpointStatus {
            mode: self.mode,
            key: work.signed.key().unwrap_or(&work.key).clone(),
            size: covered,
            time: work.time,
            lag: size.saturating_sub(covered),
            error: work.failure.as_ref().map(|failure| failure.reason.clone()),
        }
    }

    /// The thread: until it is stopped, a checkpoint a second while records come.
    fn run(&self) {
        loop {
            let stopping = locked(&self.stopping.0);
            let waited = self.stopping.1.wait_timeout_while(stopping, PACE, |stopping| !*stopping);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
            let rests = locked(&self.work)
                .failure
                .as_ref()
                .is_some_and(|failure| Instant::now() < failure.not_before);
            if !rests {
                // The reason is kept for `status`.
                let _ = self.make();
            }
        }
    }
}

/// The signer whose key this is.
fn signer_of(signers: &[Arc<dyn Signer>], key: &PublicKey) -> Result<Arc<dyn Signer>, SigningError> {
    let mut fitting = signers.iter().filter(|signer| named(signer.as_ref(), key.name()).as_ref() == Ok(key));
    fitting.next().map(Arc::clone).ok_or_else(|| SigningError::OtherKey { expected: Box::new(key.clone()) })
}

fn unsigned(reason: &str) -> Unavailable {
    Unavailable::Unsigned { reason: reason.into() }
}

impl Shared {
    /// The checkpointing thread.
    pub(crate) fn checkpoint_loop(&self) {
        if let Some(checkpointer) = self.checkpointer.get() {
            checkpointer.run();
        }
    }
}
