//! What a stack declares around its agents: providers, identity providers, keys of imports, and which
//! agent may hand work to which. Everything without an order is sorted, so that the order of blocks in a
//! source changes no byte.

use serde::{Deserialize, Serialize};

use super::runtime::TextSource;

/// A `provider` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its label.
    pub name: String,
    /// Its type, such as `vault`.
    pub kind: String,
    /// Everything else, sorted by key; what a key means is for the provider to know.
    pub settings: Vec<(String, Setting)>,
}

/// The value of a key that somebody else knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setting {
    /// A single value.
    One(SettingValue),
    /// Values in their order.
    List(Vec<SettingValue>),
}

/// A single value of such a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingValue {
    /// A text, or where the daemon finds it.
    Text(TextSource),
    /// A number in shortest exact form.
    Number(String),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// Milliseconds.
    Duration(u64),
    /// Bytes.
    Size(u64),
}

/// An `identity` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// Its label.
    pub name: String,
    /// How it proves who calls.
    pub kind: IdentityKind,
    /// Everything else, sorted by key.
    pub settings: Vec<(String, Setting)>,
}

/// How an identity provider proves who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdentityKind {
    /// The kernel's credentials of the peer of a Unix socket.
    Unix,
    /// A SPIFFE identity document.
    Spiffe,
    /// A token of an OpenID provider.
    Oidc,
    /// A projected service account token of Kubernetes.
    KubernetesProjected,
    /// A workload identity of AWS.
    AwsWorkload,
    /// A workload identity of Google Cloud.
    GcpWorkload,
    /// A workload identity of Azure.
    AzureWorkload,
    /// Bearer tokens whose hashes the policy holds.
    Token,
    /// Client certificates of the listeners' authority.
    Mtls,
}

impl IdentityKind {
    /// Every kind, in the order of the references.
    pub const ALL: [Self; 9] = [
        Self::Unix,
        Self::Token,
        Self::Mtls,
        Self::Spiffe,
        Self::Oidc,
        Self::KubernetesProjected,
        Self::AwsWorkload,
        Self::GcpWorkload,
        Self::AzureWorkload,
    ];

    /// The word in a policy.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Spiffe => "spiffe",
            Self::Oidc => "oidc",
            Self::KubernetesProjected => "k8s-projected",
            Self::AwsWorkload => "aws-workload",
            Self::GcpWorkload => "gcp-workload",
            Self::AzureWorkload => "azure-workload",
            Self::Token => "token",
            Self::Mtls => "mtls",
        }
    }
}

/// What proves that a caller is an agent: of a process of this machine, every fact that is named of processes; of a
/// caller from afar, every one that is named of those.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attest {
    /// User id.
    pub uid: Option<u32>,
    /// Absolute path of the executable.
    pub exe: Option<String>,
    /// SHA-256 of the bearer tokens, any of which will do.
    pub tokens: Vec<[u8; 32]>,
    /// A name in the client certificate: of a host, or a URI.
    pub certificate: Option<String>,
}

impl Attest {
    /// Whether it says anything about processes of this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.uid.is_some() || self.exe.is_some()
    }

    /// Whether it says anything about callers from afar.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        !self.tokens.is_empty() || self.certificate.is_some()
    }
}

/// A key that imports are signed with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrustKey {
    /// The place whose imports it signs: `github.com/faramesh/faramesh-registry`.
    pub owner: String,
    /// `ed25519`
    pub algorithm: String,
    /// The key in base64.
    pub key: String,
}

/// The `manifest` statements.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Agents that hand out work, sorted by name.
    pub orchestrators: Vec<Orchestrator>,
    /// Who may hand work to whom, sorted.
    pub grants: Vec<Grant>,
}

/// An agent that hands out work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Orchestrator {
    /// Its name.
    pub agent: String,
    /// Whether work for an agent that no grant names waits for a person; if not, it is denied.
    pub undeclared_defers: bool,
}

/// A grant from one agent to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// Who hands out.
    pub from: String,
    /// Who receives.
    pub to: String,
    /// Most pieces of work, when there is a bound.
    pub max: Option<u32>,
    /// Whether each waits for a person.
    pub approval: bool,
}

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its path, version included.
    pub path: String,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: String,
}
