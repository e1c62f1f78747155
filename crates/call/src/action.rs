//! What kind of thing a call asks for, and by which door it came.

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Action {
    /// A tool is to run.
    #[default]
    ToolCall,
    /// A model is to be called.
    ModelCall,
    /// Authority is to be handed to another agent.
    Delegate,
    /// Another agent is to be started.
    Spawn,
    /// A task is to be declared complete.
    Completion,
}

impl Action {
    const ALL: [Self; 5] = [Self::ToolCall, Self::ModelCall, Self::Delegate, Self::Spawn, Self::Completion];

    /// The word on the wire and in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolCall => "tool_call",
            Self::ModelCall => "model_call",
            Self::Delegate => "delegate",
            Self::Spawn => "spawn",
            Self::Completion => "completion",
        }
    }

    /// Reads [`Action::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// The door that a call came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    /// An SDK over the Unix socket.
    #[default]
    Sdk,
    /// The MCP proxy.
    Mcp,
    /// The HTTP proxy or the HTTP API.
    Http,
    /// The agent-to-agent proxy.
    A2a,
    /// A hook of a coding agent.
    Hook,
    /// The OS sandbox.
    Os,
}

impl Tier {
    /// The word in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sdk => "sdk",
            Self::Mcp => "mcp",
            Self::Http => "http",
            Self::A2a => "a2a",
            Self::Hook => "hook",
            Self::Os => "os",
        }
    }
}
