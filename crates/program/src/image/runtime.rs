//! Settings of the daemon that a policy makes: the `runtime`, `system` and `cloud` blocks, defaults
//! filled in. Durations are milliseconds, sizes bytes. Secrets are never here: of a setting that may hold
//! one, the image keeps the name of the environment variable.

use serde::{Deserialize, Serialize};

/// Whether decisions bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Mode {
    /// The decision binds.
    #[default]
    Enforce,
    /// Everything is permitted; what would have happened is recorded.
    Audit,
}

/// The `runtime` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Whether decisions bind.
    pub mode: Mode,
    /// Where the ledger is, relative to the stack's folder.
    pub wal_dir: String,
    /// How long an approval lives, in milliseconds.
    pub approval_ttl_ms: u64,
    /// The agents' socket, when the policy names one.
    pub socket: Option<String>,
    /// The group that may open the agents' socket.
    pub socket_group: Option<String>,
    /// The name of the stack, when the policy gives one.
    pub stack_id: Option<String>,
    /// The name of this daemon among the stack's daemons.
    pub instance_id: Option<String>,
    /// Whether an agent may name itself.
    pub allow_self_declared_identity: bool,
    /// IANA name of the time zone.
    pub timezone: String,
    /// What the ledger is kept in.
    pub backend: LedgerBackend,
    /// Address of the ledger's database.
    pub postgres_url: Option<TextSource>,
    /// How long records are kept, in milliseconds.
    pub wal_retention_ms: u64,
    /// How long calls are denied after a start, in milliseconds.
    pub cold_start_deny_window_ms: u64,
    /// When the ledger is signed.
    pub signing: Signing,
    /// The backend that budgets of a fleet are shared in.
    pub budget_backend: Option<TextSource>,
    /// Doors beside the agents' socket.
    pub listeners: Listeners,
    /// The sandbox of the agent's process.
    pub sandbox: Sandbox,
    /// Where records are sent to.
    pub cloud: Option<Cloud>,
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            wal_dir: "./faramesh-wal".to_owned(),
            approval_ttl_ms: 24 * 3_600_000,
            socket: None,
            socket_group: None,
            stack_id: None,
            instance_id: None,
            allow_self_declared_identity: false,
            timezone: "UTC".to_owned(),
            backend: LedgerBackend::Sqlite,
            postgres_url: None,
            wal_retention_ms: 90 * 86_400_000,
            cold_start_deny_window_ms: 0,
            signing: Signing::Checkpoint,
            budget_backend: None,
            listeners: Listeners::default(),
            sandbox: Sandbox::default(),
            cloud: None,
        }
    }
}

/// A text of the policy, or where the daemon finds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TextSource {
    /// The text itself.
    Literal(String),
    /// An environment variable of the daemon, read when it starts and never kept here.
    Environment {
        /// Its name.
        name: String,
        /// The text when it is not set.
        default: Option<String>,
    },
}

/// What the ledger is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LedgerBackend {
    /// Files of this machine, with an index.
    #[default]
    Sqlite,
    /// A Postgres database.
    Postgres,
}

/// When the ledger is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Signing {
    /// At checkpoints, after the replies.
    #[default]
    Checkpoint,
    /// Before each reply.
    Strict,
    /// Never.
    Off,
}

/// Doors that calls come in by, beside the agents' socket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Listeners {
    /// `address:port` of the HTTP door.
    pub http_listen: Option<String>,
    /// Where the HTTP proxy sends permitted requests.
    pub http_upstream: Option<String>,
    /// Certificate of the listeners.
    pub tls_cert_file: Option<String>,
    /// Key of the certificate.
    pub tls_key_file: Option<String>,
    /// Authority of the clients' certificates.
    pub tls_client_ca_file: Option<String>,
    /// Port of the MCP proxy, on the loopback interface.
    pub mcp_proxy_port: Option<u16>,
    /// `address:port` of the agent-to-agent proxy.
    pub a2a_listen: Option<String>,
}

/// How strict a sandbox is; later ones are stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Profile {
    /// Not at all.
    Off,
    /// The least that keeps secrets and the policy out of reach.
    Minimal,
    /// Everything.
    #[default]
    Full,
}

/// The sandbox of the agent's process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sandbox {
    /// Whether there is one.
    pub os_tier: bool,
    /// How strict it is.
    pub agent_enforce_profile: Profile,
    /// The agent's command, started and watched by the daemon.
    pub supervised_command: Option<String>,
    /// Whether known credentials are removed from the agent's environment.
    pub strip_ambient_credentials: bool,
    /// Variables that are removed from it, sorted.
    pub strip_env: Vec<String>,
    /// Whether the policy file is locked on disk after it is applied.
    pub immutable_config: bool,
}

/// The control plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cloud {
    /// Its address.
    pub url: TextSource,
    /// The stack's key.
    pub key: Option<TextSource>,
}

/// The `system` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct System {
    /// What happens when a policy cannot be loaded.
    pub on_policy_load_failure: OnLoadFailure,
    /// Largest output of a tool that is passed on, in bytes.
    pub max_output_bytes: Option<u64>,
}

/// What happens when a policy cannot be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnLoadFailure {
    /// Every call is denied.
    #[default]
    DenyAll,
    /// The policy in force stays so.
    KeepLast,
}
