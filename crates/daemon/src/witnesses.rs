//! The witnesses that a policy names are asked about every checkpoint, in the background. What one says
//! stands in `status`; one that has seen more than this ledger holds, or something else, is an alarm, and a
//! record. So is one that forgot.
//!
//! INVARIANT never in the way: no decision waits for a witness, and one that fails is asked again, more
//! and more rarely.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use faramesh_call::{Timestamp, object};
use faramesh_dpr::{Draft, Kind};
use faramesh_gate::Gate;
use faramesh_program::Program;
use faramesh_program::image::{Provider, Setting, SettingValue, TextSource};
use faramesh_verify::{Note, PublicKey};
use faramesh_witness::{Asked, Asking, Client, Cosigned};

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
    /// What must not be.
    pub alarm: Option<Alarm>,
}

/// What a witness shows that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// It has seen more records than there are here.
    Ahead { seen: u64 },
    /// It has seen others than there are here.
    Forked { seen: u64 },
    /// It has cosigned so many, says a note of it in the folder, and does not know the ledger any more.
    Forgot { seen: u64 },
}

impl Alarm {
    /// The event of its record.
    fn event(self) -> &'static str {
        match self {
            Self::Ahead { .. } => "witness_ahead",
            Self::Forked { .. } => "witness_forked",
            Self::Forgot { .. } => "witness_forgot",
        }
    }

    /// The records that the witness has seen.
    pub(crate) fn seen(self) -> u64 {
        let (Self::Ahead { seen } | Self::Forked { seen } | Self::Forgot { seen }) = self;
        seen
    }

    fn text(self, size: u64) -> String {
        match self {
            Self::Ahead { seen } => format!(
                "it has seen {seen} records of this ledger, and {size} are here: records were taken away, or an \
                 old folder was brought back"
            ),
            Self::Forked { seen } => format!(
                "what is here does not continue the {seen} records that it has seen: the ledger was forked, or \
                 another one was put in its place"
            ),
            Self::Forgot { seen } => format!(
                "it had cosigned {seen} records of this ledger and knows none any more: it shows nothing from \
                 before now"
            ),
        }
    }
}

/// One witness and how far it is led.
struct Led {
    status: Status,
    url: String,
    asking: Result<Asking, String>,
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
                && (size > one.status.size || one.is_asked_again())
            {
                let before = one.status.alarm;
                let newest = || ledger.last_checkpoint().map_or(size, |(size, _)| size);
                one.lead(&directory, size, &note, &newest);
                if let Some(alarm) = one.status.alarm.filter(|alarm| Some(*alarm) != before) {
                    record(&gate, &one.status.name, alarm, size);
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
            alarm: None,
        };
        Self { status, url, asking, failures: 0, not_before: Instant::now() }
    }

    fn is(&self, provider: &Provider) -> bool {
        let same = |key: &str, known: &str| text(provider, key).unwrap_or_default() == known;
        self.status.name == provider.name && same("url", &self.url) && same("key", &self.status.key)
    }

    /// Whether it is asked again about what it was asked about before: whoever put things right wants to see it.
    fn is_asked_again(&self) -> bool {
        matches!(self.status.alarm, Some(Alarm::Ahead { .. } | Alarm::Forked { .. }))
    }

    /// Asks about a checkpoint of `size` records; `newest` is how many the newest one covers by now.
    fn lead(&mut self, directory: &Path, size: u64, note: &Note, newest: &dyn Fn() -> u64) {
        let asked = match &mut self.asking {
            Ok(asking) => asking.ask(directory, size, note).map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        };
        match asked {
            Ok(Asked::Cosigned(cosigned)) => self.cosigned(directory, &cosigned),
            // Somebody had a newer checkpoint cosigned before this daemon came to it.
            Ok(Asked::Ahead { seen }) if newest() >= seen => self.wait(),
            Ok(Asked::Ahead { seen }) => self.alarm(Alarm::Ahead { seen }, size),
            Ok(Asked::Forked { seen }) => self.alarm(Alarm::Forked { seen }, size),
            Ok(Asked::Moved) => self.wait(),
            Err(why) => self.fail(why),
        }
    }

    fn cosigned(&mut self, directory: &Path, cosigned: &Cosigned) {
        self.failures = 0;
        self.status.error = None;
        if let Some(Alarm::Ahead { .. } | Alarm::Forked { .. }) = self.status.alarm {
            self.status.alarm = None;
        }
        if cosigned.is_first {
            let known = faramesh_witness::kept_size(directory, &self.status.name).max(self.status.size);
            self.status.alarm = (known > 0).then_some(Alarm::Forgot { seen: known });
        }
        if let Some(alarm) = self.status.alarm {
            self.status.error = Some(alarm.text(cosigned.size));
        }
        self.status.size = cosigned.size;
        self.status.time = Some(now());
        // A copy for whoever checks the folder later; the witness knows it anyway.
        let Ok(asking) = &self.asking else { return };
        if let Err(error) = faramesh_witness::keep(directory, &self.status.name, asking.key(), cosigned) {
            self.status.error = Some(format!("cannot keep the cosignature: {error}"));
        }
    }

    fn alarm(&mut self, alarm: Alarm, size: u64) {
        self.status.alarm = Some(alarm);
        self.fail(alarm.text(size));
    }

    fn fail(&mut self, why: String) {
        self.status.error = Some(why);
        self.wait();
    }

    /// Not to be asked for a while, and for longer each time until something comes of it.
    fn wait(&mut self) {
        let pause = LOOK.saturating_mul(1 << self.failures.min(9)).min(MAX_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now() + pause;
    }
}

/// Records an alarm, and tells of it on standard error.
fn record(gate: &Gate, name: &str, alarm: Alarm, size: u64) {
    eprintln!("ALARM: witness `{name}`: {}", alarm.text(size));
    let detail = object! {
        "event" => alarm.event(),
        "seen" => alarm.seen(),
        "size" => size,
        "witness" => name,
    };
    let mut draft = Draft::event(Kind::Lifecycle, detail);
    draft.dev = gate.is_dev();
    // What cannot be recorded stands in `status` all the same.
    let _ = gate.ledger().append_and_wait(draft, now(), PATIENCE);
}
