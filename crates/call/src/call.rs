//! One call of an agent, as every tier hands it over.

use crate::action::{Action, Tier};
use crate::value::{Object, Value};

/// Longest tool name, in bytes.
pub const MAX_TOOL_BYTES: usize = 512;
/// What a session calls that says its task is complete, and runs nothing.
pub const COMPLETE_TOOL: &str = "faramesh/complete";
/// What an agent calls that hands on authority, and runs nothing.
pub const DELEGATE_TOOL: &str = "faramesh/delegate";
/// What an agent calls that starts another agent; starting it is the caller's.
pub const SPAWN_TOOL: &str = "faramesh/spawn";
/// Longest agent, session, call or request id, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// Largest canonical form of the arguments, in bytes.
pub const MAX_ARGS_BYTES: usize = 1 << 20;

/// A call before it is decided. Nothing in it is trusted: who calls is found out by the gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The agent id that the caller claims, if any.
    pub agent: Option<Box<str>>,
    /// The tool, as `stripe/refund`.
    pub tool: Box<str>,
    /// What kind of call this is.
    pub action: Action,
    /// The tool's own arguments, envelopes of SDKs removed.
    pub args: Value,
    /// The session id that the caller names, if any.
    pub session: Option<Box<str>>,
    /// The framework's id of this call; the same for a retry of it.
    pub call_id: Option<Box<str>>,
    /// The id of the request that the agent works on.
    pub request_id: Option<Box<str>>,
    /// The model that asked for the call.
    pub model: Option<Box<str>>,
    /// Claims about the person behind the call, as the caller states them.
    pub principal: Option<Value>,
    /// Labels of the caller.
    pub tags: Option<Object>,
    /// The HTTP request that the call is, when it is one.
    pub http: Option<Box<Http>>,
    /// The action id of the call that led to this one.
    pub parent: Option<Box<str>>,
    /// The token of the delegation that the call is made under.
    pub delegation: Option<Box<str>>,
    /// The door that the call came in by.
    pub tier: Tier,
}

/// The parts of an HTTP request that rules can name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Http {
    /// Host without port.
    pub host: Box<str>,
    /// Port.
    pub port: u16,
    /// Method in capitals.
    pub method: Box<str>,
    /// Path, as sent.
    pub path: Box<str>,
    /// Query parameters; the last of a name counts.
    pub query: Object,
    /// Headers with names in small letters.
    pub headers: Object,
}
