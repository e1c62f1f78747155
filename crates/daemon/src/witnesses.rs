//! The witnesses that a policy names are asked about every checkpoint, in the background. What one says
//! stands in `status`; one that has seen more than this ledger holds is an alarm, and a record.
//!
//! INVARIANT never in the way: no decision waits for a witness, and one that fails is asked again, more
//! and more rarely.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use faramesh_call::{Timestamp, object};
use faramesh_dpr::{Draft, Kind};
use faramesh_gate::Gate;
use faramesh_ledger::{Hashes, Reader};
use faramesh_program::Program;
use faramesh_program::image::{Provider, Setting, SettingValue, TextSource};
use faramesh_verify::{Note, PublicKey};
use faramesh_witness::{AskError, Asked, Asking, Client, Cosigned};

use crate::start::now;

/// The type of such a provider.
pub(crate) const KIND: &str = "witness";
/// How often the thread looks, and the first pause after a failure.
const LOOK: Duration = Duration::from_secs(1);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// How long the record of an alarm may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How one witness stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub name: String,
    pub url: String,
    pub key: String,
    /// Records that it has cosigned.
    pub size: u64,
    /// When it last cosigned.
    pub time: Option<Timestamp>,
    /// Why it did not, the last time.
    pub error: Option<String>,
    /// The records that it has seen, when that is more than there are here.
    pub ahead: Option<u64>,
}

/// One witness and how far it is led.
struct Led {
    status: Status,
    url: String,
    asking: Result<Asking, String>,
    hashes: Option<Hashes>,
    failures: u32,
    not_before: Instant,
}

/// The witnesses of a daemon.
#[derive(Debug, Default)]
pub(crate) struct Witnesses {
    statuses: Mutex<Vec<Status>>,
}

impl Witnesses {
    fn statuses(&self) -> MutexGuard<'_, Vec<Status>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> Vec<Status> {
        self.statuses().clone()
    }

    /// Leads the witnesses until the gate is gone.
    pub(crate) fn start(gate: &Arc<Gate>, witnesses: &Arc<Self>) -> io::Result<()> {
        let (gate, witnesses) = (Arc::downgrade(gate), Arc::downgrade(witnesses));
        std::thread::Builder::new().name("witnesses".to_owned()).spawn(move || run(&gate, &witnesses))?;
        Ok(())
    }
}

fn run(gate: &Weak<Gate>, witnesses: &Weak<Witnesses>) {
    let mut led: Vec<Led> = Vec::new();
    loop {
        std::thread::sleep(LOOK);
        let (Some(gate), Some(witnesses)) = (gate.upgrade(), witnesses.upgrade()) else { return };
        let ledger = gate.ledger();
        let Some(directory) = ledger.status().directory else { return };
        follow(&mut led, &gate.program());
        for one in &mut led {
            if Instant::now() < one.not_before {
                continue;
            }
            if let Some((size, note)) = ledger.last_checkpoint()
                && (size > one.status.size || one.status.ahead.is_some())
            {
                let was_ahead = one.status.ahead;
                one.lead(&directory, size, &note);
                if one.status.ahead.is_some() && one.status.ahead != was_ahead {
                    alarm(&gate, &one.status, size);
                }
            }
        }
        *witnesses.statuses() = led.iter().map(|one| one.status.clone()).collect();
    }
}

/// The witnesses of the policy in force; those that were led already go on.
fn follow(led: &mut Vec<Led>, program: &Program) {
    let wanted: Vec<&Provider> = program.providers.iter().filter(|provider| provider.kind == KIND).collect();
    led.retain(|one| wanted.iter().any(|provider| one.is(provider)));
    for provider in wanted {
        if !led.iter().any(|one| one.is(provider)) {
            led.push(Led::new(provider));
        }
    }
}

fn text(provider: &Provider, key: &str) -> Result<String, String> {
    let setting = provider.settings.iter().find(|(name, _)| name == key).map(|(_, setting)| setting);
    match setting {
        Some(Setting::One(SettingValue::Text(TextSource::Literal(text)))) => Ok(text.clone()),
        Some(Setting::One(SettingValue::Text(TextSource::Environment { name, default }))) => {
            let found = std::env::var(name).ok().filter(|text| !text.is_empty()).or_else(|| default.clone());
            found.ok_or_else(|| format!("`{key}`: {name} is not set in the daemon's environment"))
        }
        _ => Err(format!("`{key}` is missing")),
    }
}

impl Led {
    fn new(provider: &Provider) -> Self {
        let url = text(provider, "url");
        let key = text(provider, "key");
        let parsed = key
            .clone()
            .and_then(|key| key.trim().parse::<PublicKey>().map_err(|error| format!("`key`: {error}")));
        let asking = match (&url, parsed) {
            (Ok(url), Ok(key)) => Ok(Asking::new(Client::new(url, key))),
            (Err(why), _) => Err(why.clone()),
            (_, Err(why)) => Err(why),
        };
        let (url, key) = (url.unwrap_or_default(), key.unwrap_or_default());
        let status = Status {
            name: provider.name.clone(),
            url: url.clone(),
            key,
            size: 0,
            time: None,
            error: asking.as_ref().err().cloned(),
            ahead: None,
        };
        Self { status, url, asking, hashes: None, failures: 0, not_before: Instant::now() }
    }

    fn is(&self, provider: &Provider) -> bool {
        let same = |key: &str, known: &str| text(provider, key).unwrap_or_default() == known;
        self.status.name == provider.name && same("url", &self.url) && same("key", &self.status.key)
    }

    /// Asks about a checkpoint of `size` records.
    fn lead(&mut self, directory: &Path, size: u64, note: &Note) {
        let done = self.ask(directory, size, note);
        match done {
            Ok(Some(Asked::Cosigned(cosigned))) => {
                self.failures = 0;
                self.status.size = cosigned.size;
                self.status.time = Some(now());
                (self.status.error, self.status.ahead) = (None, None);
                // A copy for whoever checks the folder later; the witness knows it anyway.
                if let Err(error) = keep(directory, &self.status.name, &cosigned) {
                    self.status.error = Some(format!("cannot keep the cosignature: {error}"));
                }
            }
            Ok(Some(Asked::Ahead { seen })) => {
                self.status.ahead = Some(seen);
                self.fail(format!("the witness has seen {seen} records, and there are {size} here"));
            }
            Ok(Some(Asked::Behind)) => self.hashes = None,
            Ok(None) => {}
            Err(why) => self.fail(why),
        }
    }

    fn fail(&mut self, why: String) {
        self.status.error = Some(why);
        let pause = LOOK.saturating_mul(1 << self.failures.min(9)).min(MAX_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now() + pause;
    }

    /// Reads on to `size`, as far as there is room, and asks; `None` when there was not.
    fn ask(&mut self, directory: &Path, size: u64, note: &Note) -> Result<Option<Asked>, String> {
        let asking = self.asking.as_mut().map_err(|why| why.clone())?;
        if self.hashes.is_none() {
            let reader = Reader::open(directory).map_err(|error| error.to_string())?;
            self.hashes = Some(reader.hashes().map_err(|error| error.to_string())?);
            *asking = asking.anew();
        }
        let Some(hashes) = &mut self.hashes else { return Ok(None) };
        while asking.size() < size && asking.has_room() {
            let count = (size - asking.size()).min(4_096);
            let taken = hashes.take(count, &mut |hash| asking.take(hash));
            match taken {
                Ok(taken) if taken == count => {}
                // The rest is there at the next look, or the files are not as they were.
                Ok(_) => return Ok(None),
                Err(error) => {
                    self.hashes = None;
                    return Err(error.to_string());
                }
            }
        }
        let (size, note) = match asking.size() {
            reached if reached >= size => (size, note.clone()),
            reached => older(directory, reached)?.ok_or("no checkpoint leads the witness on")?,
        };
        let asked = asking.ask(size, &note).map_err(|error: AskError| error.to_string())?;
        Ok(Some(asked))
    }
}

/// The newest checkpoint that covers no more than so many records: a witness that was away for long is
/// led on over it.
fn older(directory: &Path, most: u64) -> Result<Option<(u64, Note)>, String> {
    let checkpoints = Reader::open(directory).and_then(|reader| reader.checkpoints());
    let mut found = None;
    for checkpoint in checkpoints.map_err(|error| error.to_string())? {
        let (size, note) = checkpoint.map_err(|error| error.to_string())?;
        if size > most {
            break;
        }
        found = Some((size, note));
    }
    Ok(found)
}

/// The file of a witness's last cosignature.
fn file_name(name: &str) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
    format!("witnessed-{}.note", name.chars().map(safe).collect::<String>())
}

fn keep(directory: &Path, name: &str, cosigned: &Cosigned) -> io::Result<()> {
    let path = directory.join(file_name(name));
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(cosigned.note.write().as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, &path)
}

/// Records that a witness has seen more than there is.
fn alarm(gate: &Gate, status: &Status, size: u64) {
    eprintln!(
        "ALARM: witness `{}` has seen {} records of this ledger, and {size} are here: records were taken away, \
         or an old folder was brought back",
        status.name,
        status.ahead.unwrap_or_default()
    );
    let detail = object! {
        "event" => "witness_ahead",
        "seen" => status.ahead,
        "size" => size,
        "witness" => status.name.as_str(),
    };
    let mut draft = Draft::event(Kind::Lifecycle, detail);
    draft.dev = gate.is_dev();
    // What cannot be recorded stands in `status` all the same.
    let _ = gate.ledger().append_and_wait(draft, now(), PATIENCE);
}
