//! From nothing to READY: STARTING loads the program, INITIALIZING verifies the ledger and replays
//! it, READY opens the agents' socket. Whatever fails on the way stops the start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use faramesh_call::{Timestamp, object};
use faramesh_dpr::{CommitmentKey, Record};
use faramesh_fleet::Lessee;
use faramesh_gate::{Alone, Folded, Gate, Lessor, Lifecycle, Settings, SwapError};
use faramesh_http::BindError;
use faramesh_identity::believes_callers;
use faramesh_ledger::{Alarm, KeyFileError, Ledger, LocalKeys, OpenError, Signing};
use faramesh_ledger_postgres::PostgresError;
use faramesh_program::image::{self, Mode};
use faramesh_program::{LoadError, Program, load};
use faramesh_seal::{Keys, KeysError};
use faramesh_socket::{ListenError, Listener, Server};
use faramesh_state::State;
use faramesh_verify::SigningMode;

use crate::database::{DatabaseError, database_of};
use crate::fleet::BackendError;
use crate::http::Door;
use crate::layout::{Layout, admin_socket_of, create_private};
use crate::operators::Operators;
use crate::options::{LedgerKind, Options};
use crate::prices::{TableError, prices_of};
use crate::running::{Daemon, Doors, Facts};
use crate::{fleet, http, keyfile, sinks, stop};

/// Why a daemon did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The compiled policy cannot be loaded.
    #[error("{0}")]
    Program(#[from] LoadError),
    /// The ledger does not verify, or cannot be opened.
    #[error("the ledger cannot be opened: {0}")]
    Ledger(#[from] OpenError),
    /// The key of the ledger cannot be used.
    #[error("the ledger cannot be signed: {0}")]
    Key(#[from] KeyFileError),
    /// The ledger's database cannot be found.
    #[error("{0}")]
    Database(#[from] DatabaseError),
    /// The ledger in the database does not verify, or cannot be opened.
    #[error("the ledger cannot be opened: {0}")]
    Postgres(#[from] PostgresError),
    /// A socket cannot be opened.
    #[error("{0}")]
    Listen(#[from] ListenError),
    /// The backend of shared budgets cannot be used.
    #[error("{0}")]
    Fleet(#[from] BackendError),
    /// The HTTP door cannot be opened.
    #[error("{0}")]
    Http(#[from] BindError),
    /// The stack's table of prices cannot be used.
    #[error("{0}")]
    Prices(#[from] TableError),
    /// The keys of sealed fields cannot be used.
    #[error("{0}")]
    Keys(#[from] KeysError),
    /// The start could not be recorded.
    #[error("the start could not be recorded in the ledger")]
    NotRecorded(#[from] SwapError),
    /// The file system or the operating system refused.
    #[error("{what}: {error}")]
    Io {
        /// What was to be done.
        what: String,
        /// Why not.
        error: io::Error,
    },
}

impl StartError {
    /// Whether history is not as it was written.
    fn is_damage(&self) -> bool {
        matches!(self, Self::Ledger(OpenError::Damage(_)) | Self::Postgres(PostgresError::Damage(_)))
    }

    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}

impl Daemon {
    /// Starts a daemon; it is READY when this returns.
    ///
    /// # Errors
    /// Anything that keeps it from READY. Nothing is left listening then.
    pub fn start(options: Options) -> Result<Self, StartError> {
        // Whatever this process makes is for its user alone.
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        raise_descriptor_limit();
        let layout = Layout::new(&options.directory);
        layout.create().map_err(StartError::io("cannot make .faramesh"))?;
        let program = Arc::new(load(&options.program)?);
        let prices = prices_of(&program, &layout)?;
        let stack = stack_name(&program, &layout);
        let mut state = State::default();
        let opened = open_ledger(&options, &layout, &program, &stack, &mut state).inspect_err(|error| {
            if error.is_damage() {
                sinks::tell_of_damage(&program, &layout, &format!("the daemon does not start: {error}"));
            }
        });
        let (ledger, key) = opened?;
        let mut settings = Settings::new(key, options.dev);
        settings.keys = Some(Arc::new(subject_keys(&options, &layout)?));
        let lessee = Lessee { stack: stack.clone(), instance: instance_name(&program) };
        // A trial shares with nobody, and reaches for nothing outside.
        let alone = options.dev.then(|| Arc::new(Alone::default()));
        let leases = if options.dev { None } else { fleet::of(&program, lessee)? };
        let lessors = leases.as_ref().map(|(lessors, _)| Arc::clone(lessors));
        settings.lessor = match &alone {
            Some(alone) => Some(shared(alone)),
            None => lessors.as_ref().map(shared),
        };
        let gate = Arc::new(Gate::new(settings, Arc::clone(&program), state, Arc::new(ledger)));
        gate.price(Arc::new(prices));
        if let Some(alone) = alone {
            alone.serve(&gate);
        }
        if let Some((lessors, asking)) = leases {
            asking.start(lessors, &gate).map_err(StartError::io("cannot start a thread"))?;
        }
        gate.advance(Lifecycle::Initializing);
        let sinks = sinks::of_daemon(gate.ledger(), &options, &layout);
        let mut facts = Facts::new(&options, &layout, stack, now(), sinks);
        facts.lessors = lessors;
        let facts = Arc::new(facts);
        let (handle, stopped) = stop::pair();
        let socket = socket_path(&options, &program, &layout, &facts.stack)?;
        let admin = Listener::bind(&admin_socket_of(&socket), None)?;
        let declared = sinks::declared(&program, &layout);
        facts.sinks.prepare(&declared).map_err(StartError::io("cannot keep the cursor of a sink"))?;
        let operators =
            Operators::serve(admin, Arc::clone(&gate), Arc::clone(&facts), handle.clone(), &socket)
                .map_err(StartError::io("cannot serve the operators' socket"))?;
        facts.selectors.prepare(&program, &gate).map_err(StartError::io("cannot start a thread"))?;
        // Whoever finds the agents' socket finds the operators' too.
        layout.write_agent_env(&socket).map_err(StartError::io("cannot write to .faramesh"))?;
        // Whoever sees that it is READY, or the policy in the ledger, may count on both doors.
        let bound = Listener::bind(&socket, program.runtime.socket_group.as_deref())?;
        let door = http::bind(&gate, &facts)?;
        layout
            .keep_policy(program.hash_text(), &options.program)
            .map_err(StartError::io("cannot write to .faramesh"))?;
        gate.put_in_force(Arc::clone(&program), &options.started_by)?;
        facts.sinks.configure(declared);
        record_ready(&gate, &program, options.dev)?;
        let server = Server::new(bound, Arc::clone(&gate))
            .map_err(StartError::io("cannot serve the agents' socket"))?;
        let http = door.map(|door| Door::open(door, &gate, handle.clone())).transpose();
        let http = http.map_err(StartError::io("cannot start a thread"))?;
        Self::run_tiers(gate, facts, Doors { socket, server, http }, operators, handle, stopped)
            .map_err(StartError::io("cannot start a thread"))
    }
}

/// The time, in milliseconds since 1970.
pub(crate) fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

fn shared<L: Lessor + 'static>(lessor: &Arc<L>) -> Arc<dyn Lessor> {
    Arc::<L>::clone(lessor)
}

/// How callers are known, in a word or a few: `unix, token`.
pub(crate) fn identity_word(program: &Program, dev: bool) -> String {
    if believes_callers(program, dev) {
        return "self-declared".to_owned();
    }
    let mut kinds: Vec<&str> = program.identities.iter().map(|provider| provider.kind.as_str()).collect();
    kinds.dedup();
    if kinds.is_empty() { "unix".to_owned() } else { kinds.join(", ") }
}

fn record_ready(gate: &Gate, program: &Program, dev: bool) -> Result<(), StartError> {
    let mode = if program.runtime.mode == Mode::Audit { "audit" } else { "enforce" };
    let identity = identity_word(program, dev);
    let facts = object! {
        "version" => env!("CARGO_PKG_VERSION"),
        "mode" => mode,
        "identity" => identity,
        "pid" => u64::from(std::process::id()),
    };
    Ok(gate.advance_recorded(Lifecycle::Ready, facts)?)
}

/// The stack's name: what the policy says, else the name of its folder.
#[must_use]
pub fn stack_name(program: &Program, layout: &Layout) -> String {
    let folder = || layout.directory().canonicalize().ok()?.file_name()?.to_str().map(str::to_owned);
    program.runtime.stack_id.clone().or_else(folder).unwrap_or_else(|| "stack".to_owned())
}

fn open_ledger(
    options: &Options,
    layout: &Layout,
    program: &Arc<Program>,
    stack: &str,
    state: &mut State,
) -> Result<(Ledger, CommitmentKey), StartError> {
    let folder = match &options.ledger {
        LedgerKind::Memory => {
            let key = keyfile::ephemeral().map_err(StartError::io("cannot make a commitment key"))?;
            return Ok((
                Ledger::memory(stack, &instance_name(program), faramesh_ledger::DEFAULT_MEMORY_RECORDS),
                key,
            ));
        }
        LedgerKind::Disk => layout.resolve(&program.runtime.wal_dir),
        LedgerKind::DiskAt(folder) => folder.clone(),
    };
    create_private(&folder).map_err(StartError::io(format!("cannot make {}", folder.display())))?;
    let (of_alarm, program_of_alarm) = (layout.clone(), Arc::clone(program));
    let alarm: Alarm = Box::new(move |damage| {
        let told = format!("the ledger is damaged, and every call is denied: {damage}");
        eprintln!("ALARM: {told}");
        sinks::tell_of_damage(&program_of_alarm, &of_alarm, &told);
    });
    let mut folded = Folded::default();
    let on_the_way = Opening::Folded(&mut folded, alarm);
    let ledger = match &options.ledger {
        LedgerKind::DiskAt(_) => open_folder::<StartError>(program, &folder, stack, on_the_way)?,
        _ => open_kept::<StartError>(program, &folder, stack, on_the_way)?,
    };
    *state = folded.0;
    state.resume_agents(ledger.carried_agents());
    let key = keyfile::load_or_create(&folder)
        .map_err(StartError::io(format!("cannot use the commitment key in {}", folder.display())))?;
    Ok((ledger, key))
}

/// What is done with the records that a ledger holds when it is opened.
pub(crate) enum Opening<'a> {
    /// Each is replayed, after all were verified.
    Replay(&'a mut dyn FnMut(&Record)),
    /// They are folded, on from a snapshot when there is one. The alarm goes off when sealed records turn out
    /// to be damaged later.
    Folded(&'a mut Folded, Alarm),
}

/// Opens the ledger where the policy says, in its database or its folder: by a daemon and without one.
pub(crate) fn open_kept<E>(
    program: &Program,
    folder: &Path,
    stack: &str,
    opening: Opening<'_>,
) -> Result<Ledger, E>
where
    E: From<OpenError> + From<KeyFileError> + From<DatabaseError> + From<PostgresError>,
{
    let Some(address) = database_of(&program.runtime)? else {
        return open_folder(program, folder, stack, opening);
    };
    let instance = instance_name(program);
    let replay: &mut dyn FnMut(&Record) = match opening {
        Opening::Replay(replay) => replay,
        // A database keeps no snapshots: all of it is read.
        Opening::Folded(folded, _) => &mut |record| folded.0.replay(record),
    };
    let (mut keys, signing) = signing_keys(program, folder)?;
    let opened =
        faramesh_ledger_postgres::open_signed(address, stack, &instance, Some(signing), now(), replay);
    let (ledger, _opened) = opened?;
    if let Some(checkpoint) = ledger.status().checkpoint {
        keys.settle(&checkpoint.key)?;
    }
    Ok(ledger)
}

/// Opens the ledger in a folder as the policy says: by a daemon and without one.
pub(crate) fn open_folder<E: From<OpenError> + From<KeyFileError>>(
    program: &Program,
    folder: &Path,
    stack: &str,
    opening: Opening<'_>,
) -> Result<Ledger, E> {
    let (mut keys, signing) = signing_keys(program, folder)?;
    let options = faramesh_ledger::Options {
        signing: Some(signing),
        ..faramesh_ledger::Options::new(folder, stack, &instance_name(program))
    };
    let (ledger, opened) = match opening {
        Opening::Replay(replay) => Ledger::open(options, now(), replay)?,
        Opening::Folded(folded, alarm) => Ledger::open_folded(options, now(), folded, alarm)?,
    };
    for warning in opened.warnings {
        eprintln!("ledger: {warning}");
    }
    if let Some(checkpoint) = ledger.status().checkpoint {
        keys.settle(&checkpoint.key)?;
    }
    Ok(ledger)
}

/// The keys in a ledger's folder, and how they sign as the policy says.
fn signing_keys(program: &Program, folder: &Path) -> Result<(LocalKeys, Signing), KeyFileError> {
    let mode = signing_mode(program);
    let keys = LocalKeys::open(folder, mode != SigningMode::Off)?;
    let signing = Signing { mode: Some(mode), signers: keys.signers(), successor: None };
    Ok((keys, signing))
}

fn signing_mode(program: &Program) -> SigningMode {
    match program.runtime.signing {
        image::Signing::Checkpoint => SigningMode::Checkpoint,
        image::Signing::Strict => SigningMode::Strict,
        image::Signing::Off => SigningMode::Off,
    }
}

/// The daemon's name: what the policy says, else the host's.
#[must_use]
pub fn instance_name(program: &Program) -> String {
    program.runtime.instance_id.clone().unwrap_or_else(host_name)
}

/// The keys of persons, kept as the ledger is.
fn subject_keys(options: &Options, layout: &Layout) -> Result<Keys, StartError> {
    if options.ledger == LedgerKind::Memory {
        return Keys::in_memory().map_err(StartError::io("cannot make a key"));
    }
    Ok(Keys::open(&layout.subjects())?)
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The policy's socket; without one, the user's, and when another stack's daemon answers there, one
/// named after this stack. It is bound when the daemon is READY.
fn socket_path(
    options: &Options,
    program: &Program,
    layout: &Layout,
    stack: &str,
) -> Result<PathBuf, StartError> {
    if let Some(path) = &program.runtime.socket {
        let path = layout.resolve(path);
        make_parent(&path)?;
        return Ok(Listener::vacate(&path).map(|()| path)?);
    }
    let folder = options.home.join(".faramesh").join("runtime");
    let first = folder.join("faramesh.sock");
    make_parent(&first)?;
    match Listener::vacate(&first) {
        Err(ListenError::Live(_)) => {
            let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
            let own = folder.join(format!("{}.sock", stack.chars().map(safe).collect::<String>()));
            Ok(Listener::vacate(&own).map(|()| own)?)
        }
        result => Ok(result.map(|()| first)?),
    }
}

fn make_parent(path: &Path) -> Result<(), StartError> {
    let parent: PathBuf = path.parent().map(Into::into).unwrap_or_default();
    if parent.as_os_str().is_empty() || parent.is_dir() {
        return Ok(());
    }
    create_private(&parent).map_err(StartError::io(format!("cannot make {}", parent.display())))
}

/// Every client holds a descriptor; the default limit of many systems is far below ours.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Without it, fewer clients fit; those that do not are told so.
    let _ = setrlimit(Resource::Nofile, limit);
}
